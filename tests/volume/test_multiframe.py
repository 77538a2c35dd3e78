"""Multi-frame CT gives the volume of its single-frame slices."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dicom_series import BY_IMAGECODECS, EXPLICIT_LE, ct_dataset, scan_of, write_series
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate

from calcarium.config import VolumeRules
from calcarium.errors import ScanExcluded
from calcarium.volume import load_volume

RULES = VolumeRules()
ENHANCED_CT = "1.2.840.10008.5.1.4.1.1.2.1"
LEGACY_CONVERTED_CT = "1.2.840.10008.5.1.4.1.1.2.2"
JPEG_LOSSLESS = "1.2.840.10008.1.2.4.70"
GEOMETRY = ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing")
RESCALE = ("RescaleSlope", "RescaleIntercept")


def item(**elements: object) -> list[Dataset]:
    dataset = Dataset()
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    return [dataset]


def multiframe(
    volume: NDArray[Any], order: Sequence[int], *, rescale_shared: bool = True, **tags: object
) -> Dataset:
    """An enhanced CT with its frames in ``order`` and geometry in functional groups alone."""
    dataset = ct_dataset(volume[0], position=(0, 0, 0), SOPClassUID=ENHANCED_CT)
    for keyword in (*GEOMETRY, *RESCALE):
        delattr(dataset, keyword)
    dataset.NumberOfFrames = len(order)
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]
    dataset.PixelData = volume[list(order)].tobytes()
    dataset.SharedFunctionalGroupsSequence = item(
        PlaneOrientationSequence=item(ImageOrientationPatient=["1", "0", "0", "0", "1", "0"]),
        PixelMeasuresSequence=item(PixelSpacing=["0.5", "0.75"], SliceThickness="2.5"),
    )
    rescale = item(RescaleSlope="1", RescaleIntercept="-1024", RescaleType="HU")
    if rescale_shared:
        dataset.SharedFunctionalGroupsSequence[0].PixelValueTransformationSequence = rescale
    dataset.PerFrameFunctionalGroupsSequence = [
        item(
            PlanePositionSequence=item(
                ImagePositionPatient=["-120.5", "-80.25", f"{-300 + 2.5 * z:g}"]
            )
        )[0]
        for z in order
    ]
    for keyword, value in tags.items():
        setattr(dataset, keyword, value)
    return dataset


def saved(dataset: Dataset, path: Path, syntax: str = EXPLICIT_LE) -> Path:
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.save_as(path, enforce_file_format=True)
    return path


@pytest.fixture
def volume() -> NDArray[np.int16]:
    return np.random.default_rng(3).integers(-1000, 3000, (4, 9, 14)).astype(np.int16)


def test_frames_are_the_slices(tmp_path: Path, volume: NDArray[np.int16]) -> None:
    expected = load_volume(scan_of(write_series(tmp_path / "single", volume)), RULES)
    path = saved(multiframe(volume, [2, 0, 3, 1]), tmp_path / "multi.dcm")
    got = load_volume(scan_of([path]), RULES)
    np.testing.assert_array_equal(got.stored, expected.stored)
    assert got.rescale == expected.rescale
    for field in ("origin_mm", "slice_position_mm", "slice_extent_mm"):
        np.testing.assert_array_equal(
            getattr(got.geometry, field), getattr(expected.geometry, field)
        )
    assert len(set(got.sop_instance_uid)) == 1


def test_a_rescale_of_each_frame(tmp_path: Path, volume: NDArray[np.int16]) -> None:
    dataset = multiframe(volume, range(4), rescale_shared=False)
    for z, frame in enumerate(dataset.PerFrameFunctionalGroupsSequence):
        frame.PixelValueTransformationSequence = item(
            RescaleSlope=f"1.{z}", RescaleIntercept="-1024", RescaleType="HU"
        )
    got = load_volume(scan_of([saved(dataset, tmp_path / "multi.dcm")]), RULES)
    assert got.rescale.slope == tuple(Fraction(10 + z, 10) for z in range(4))


@pytest.mark.parametrize("offset_table", [True, False])
@pytest.mark.parametrize("fragments_per_frame", [1, 2])
def test_compressed_frames(
    tmp_path: Path, volume: NDArray[np.int16], offset_table: bool, fragments_per_frame: int
) -> None:
    dataset = multiframe(volume, range(4))
    frames = [BY_IMAGECODECS[JPEG_LOSSLESS](frame) for frame in volume]
    dataset.PixelData = encapsulate(
        frames, fragments_per_frame=fragments_per_frame, has_bot=offset_table
    )
    dataset["PixelData"].is_undefined_length = True
    path = saved(dataset, tmp_path / "multi.dcm", JPEG_LOSSLESS)
    np.testing.assert_array_equal(load_volume(scan_of([path]), RULES).stored, volume)


def test_frames_over_several_files(tmp_path: Path, volume: NDArray[np.int16]) -> None:
    a = saved(multiframe(volume, [3, 1]), tmp_path / "a.dcm")
    b = saved(multiframe(volume, [0, 2]), tmp_path / "b.dcm")
    np.testing.assert_array_equal(load_volume(scan_of([a, b]), RULES).stored, volume)


def reason_of(dataset: Dataset, path: Path) -> str:
    with pytest.raises(ScanExcluded) as excluded:
        load_volume(scan_of([saved(dataset, path)]), RULES)
    return excluded.value.reason


def test_what_is_not_understood(tmp_path: Path, volume: NDArray[np.int16]) -> None:
    path = tmp_path / "multi.dcm"
    dataset = multiframe(volume, range(4))
    del dataset.PerFrameFunctionalGroupsSequence
    assert reason_of(dataset, path) == "multiframe"
    dataset = multiframe(volume, range(4))
    del dataset.PerFrameFunctionalGroupsSequence[3]
    assert reason_of(dataset, path) == "multiframe"
    dataset = multiframe(volume, range(4))
    del dataset.PerFrameFunctionalGroupsSequence[2].PlanePositionSequence
    assert reason_of(dataset, path) == "no_position"
    dataset = multiframe(volume, range(4))
    del dataset.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence
    assert reason_of(dataset, path) == "no_pixel_spacing"
    assert reason_of(multiframe(volume, range(4), rescale_shared=False), path) == "no_rescale"


def test_two_phases_in_one_file(tmp_path: Path, volume: NDArray[np.int16]) -> None:
    dataset = multiframe(volume, range(4))
    for frame, z in zip(dataset.PerFrameFunctionalGroupsSequence, (0, 1, 0, 1), strict=True):
        frame.PlanePositionSequence[0].ImagePositionPatient = ["0", "0", str(z)]
    assert reason_of(dataset, tmp_path / "multi.dcm") == "duplicate_slices"


@pytest.mark.parametrize(
    ("sop_class", "image_type", "accepted"),
    [
        (LEGACY_CONVERTED_CT, "ORIGINAL", True),
        (LEGACY_CONVERTED_CT, "DERIVED", False),
        (ENHANCED_CT, "ORIGINAL", False),
    ],
)
def test_unspecified_unit(
    tmp_path: Path, volume: NDArray[np.int16], sop_class: str, image_type: str, accepted: bool
) -> None:
    dataset = multiframe(
        volume, range(4), SOPClassUID=sop_class, ImageType=[image_type, "PRIMARY", "AXIAL", "NONE"]
    )
    shared = dataset.SharedFunctionalGroupsSequence[0]
    shared.PixelValueTransformationSequence[0].RescaleType = "US"
    path = tmp_path / "multi.dcm"
    if accepted:
        notes = load_volume(scan_of([saved(dataset, path)]), RULES).notes
        assert [row.text for row in notes if row.check == "rescale_type"] == ["US"]
    else:
        assert reason_of(dataset, path) == "no_rescale"


def test_iodine_maps_are_not_hounsfield_units(tmp_path: Path, volume: NDArray[np.int16]) -> None:
    dataset = multiframe(volume, range(4))
    shared = dataset.SharedFunctionalGroupsSequence[0]
    shared.PixelValueTransformationSequence[0].RescaleType = "MGML"
    assert reason_of(dataset, tmp_path / "multi.dcm") == "no_rescale"

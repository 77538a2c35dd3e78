"""Files to volumes: every layout of the same pixels gives the same integers."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dicom_series import DEFLATED, SYNTAXES, ct_dataset, file_header, save, scan_of, write_series
from numpy.typing import NDArray

from calcarium.config import VolumeRules
from calcarium.errors import ResourceError, ScanExcluded, ScanFailed
from calcarium.volume import Volume, load_volume

RULES = VolumeRules()
SHAPE = (3, 37, 45)
ALWAYS = {  # checks that every volume has, passed or not
    *("gantry_tilt", "missing_slices", "varying_increment", "duplicate_slices", "bright_padding"),
    *("unused_bits", "mixed_rescale", "rescale_type", "lossy_compression"),
}


def noise(dtype: str, bits: int, seed: int = 1) -> NDArray[Any]:
    """Pixels over the whole range of ``bits``, its limits included."""
    low, high = (-(1 << bits - 1), 1 << bits - 1) if dtype == "int16" else (0, 1 << bits)
    pixels = np.random.default_rng(seed).integers(low, high, SHAPE).astype(dtype)
    pixels[0, 0, :2] = low, high - 1
    return pixels


def load(paths: list[Path], **facts: object) -> Volume:
    return load_volume(scan_of(paths, **facts), RULES)


def reason_of(paths: list[Path], rules: VolumeRules = RULES) -> str:
    with pytest.raises(ScanExcluded) as excluded:
        load_volume(scan_of(paths), rules)
    return excluded.value.reason


@pytest.mark.parametrize("bits", [12, 16])
@pytest.mark.parametrize("dtype", ["int16", "uint16"])
@pytest.mark.parametrize("syntax", SYNTAXES)
def test_every_syntax_gives_the_pixels_that_were_written(
    tmp_path: Path, syntax: str, dtype: str, bits: int
) -> None:
    pixels = noise(dtype, bits)
    volume = load(write_series(tmp_path, pixels, syntax=syntax, bits_stored=bits))
    assert volume.stored.dtype == pixels.dtype
    assert volume.stored.flags.c_contiguous
    np.testing.assert_array_equal(volume.stored, pixels)
    assert volume.rescale.slope == (Fraction(1),) * 3
    assert volume.rescale.intercept == (Fraction(-1024),) * 3
    assert {row.check for row in volume.notes if row.status == "pass"} >= ALWAYS


def test_files_in_any_order_under_any_name(tmp_path: Path) -> None:
    pixels = noise("int16", 16)
    paths = write_series(tmp_path, pixels)
    renamed = [p.rename(p.with_name(f"{9 - z}.ima")) for z, p in enumerate(paths)]
    for order in (renamed, renamed[::-1], [renamed[i] for i in (1, 2, 0)]):
        volume = load(order)
        np.testing.assert_array_equal(volume.stored, pixels)
        assert volume.geometry.slice_position_mm.tolist() == [-300, -297.5, -295]


def test_pixels_found_without_an_offset(tmp_path: Path) -> None:
    pixels = noise("uint16", 12)
    for n, syntax in enumerate(SYNTAXES):
        scan = scan_of(write_series(tmp_path / str(n), pixels, syntax=syntax, bits_stored=12))
        files = tuple(replace(f, pixel_offset=None, pixel_length=None) for f in scan.files)
        volume = load_volume(replace(scan, files=files), RULES)
        np.testing.assert_array_equal(volume.stored, pixels)


def test_files_through_fsspec(tmp_path: Path) -> None:
    import fsspec

    pixels = noise("int16", 16)
    scan = scan_of(write_series(tmp_path, pixels))
    memory = fsspec.filesystem("memory")
    for file in scan.files:
        memory.pipe(f"/ct/{Path(file.url).name}", Path(file.url).read_bytes())
    files = tuple(replace(f, url=f"memory://ct/{Path(f.url).name}") for f in scan.files)
    volume = load_volume(replace(scan, files=files), RULES)
    np.testing.assert_array_equal(volume.stored, pixels)


def test_each_slice_keeps_its_own_exact_rescale(tmp_path: Path) -> None:
    tags: list[dict[str, object]] = [
        {"RescaleSlope": slope, "RescaleIntercept": intercept}
        for slope, intercept in (("0.3", "-1000"), ("-1", "0.1"), ("2.4414", "-1024"))
    ]
    volume = load(write_series(tmp_path, noise("int16", 12), tags=tags))
    assert volume.rescale.slope == (Fraction(3, 10), Fraction(-1), Fraction(12207, 5000))
    assert volume.rescale.intercept == (Fraction(-1000), Fraction(1, 10), Fraction(-1024))
    assert [row.value for row in volume.notes if row.check == "mixed_rescale"] == [3]


@pytest.mark.parametrize(
    "tags",
    [
        {"RescaleSlope": "0"},
        {"RescaleSlope": None},
        {"RescaleIntercept": None},
    ],
)
def test_no_rescale(tmp_path: Path, tags: dict[str, object]) -> None:
    assert reason_of(write_series(tmp_path, noise("int16", 12), tags=[tags] * 3)) == "no_rescale"


@pytest.mark.parametrize("text", ["", "one", "1/2", "1e999999999", "nan", "0x10", "1\\2"])
def test_a_rescale_that_is_no_number(tmp_path: Path, text: str) -> None:
    scan = scan_of(write_series(tmp_path, noise("int16", 12)))
    files = tuple(replace(f, rescale_slope=text) for f in scan.files)
    with pytest.raises(ScanExcluded, match="no_rescale"):
        load_volume(replace(scan, files=files), RULES)


@pytest.mark.parametrize(
    ("tags", "reason"),
    [
        ({"ImagePositionPatient": None}, "no_position"),
        ({"ImageOrientationPatient": None}, "no_position"),
        ({"PixelSpacing": None}, "no_pixel_spacing"),
        ({"PixelSpacing": ["0", "0.5"]}, "no_pixel_spacing"),
        ({"PhotometricInterpretation": "MONOCHROME1"}, "unsupported_pixels"),
        ({"SamplesPerPixel": 3}, "unsupported_pixels"),
        ({"BitsStored": 8}, "unsupported_pixels"),
        ({"PixelRepresentation": None}, "unsupported_pixels"),
        ({"Rows": 0}, "unsupported_pixels"),
        ({"Rows": 60000}, "unsupported_pixels"),
        ({"Rows": 38}, "short_pixels"),
        ({"PixelData": None}, "no_pixels"),
    ],
)
def test_a_header_that_is_not_enough(tmp_path: Path, tags: dict[str, object], reason: str) -> None:
    pixels = noise("int16", 12)
    paths = write_series(tmp_path, pixels, tags=[tags] * 3)
    assert reason_of(paths) == reason


def test_eight_bits_are_no_ct(tmp_path: Path) -> None:
    tags: dict[str, object] = {"BitsAllocated": 8, "HighBit": 7}
    paths = write_series(tmp_path, noise("int16", 12), bits_stored=8, tags=[tags] * 3)
    assert reason_of(paths) == "unsupported_pixels"


@pytest.mark.parametrize("syntax", [s for s in SYNTAXES if s != DEFLATED])
def test_a_file_that_ends_early(tmp_path: Path, syntax: str) -> None:
    paths = write_series(tmp_path, noise("int16", 16), syntax=syntax)
    scan = scan_of(paths)
    cut = Path(scan.files[1].url)
    cut.write_bytes(cut.read_bytes()[:-200])
    # The index was made after the cut, so sizes agree and only the pixels are short.
    files = tuple(replace(f, size_bytes=Path(f.url).stat().st_size) for f in scan.files)
    with pytest.raises(ScanExcluded) as excluded:
        load_volume(replace(scan, files=files), RULES)
    assert excluded.value.reason in ("short_pixels", "undecodable")


def test_a_file_that_changed_since_it_was_indexed(tmp_path: Path) -> None:
    scan = scan_of(write_series(tmp_path, noise("int16", 16)))
    path = Path(scan.files[0].url)
    path.write_bytes(path.read_bytes() + b"\0\0")
    with pytest.raises(ScanFailed, match="index it again"):
        load_volume(scan, RULES)


def test_a_file_that_went_away_may_come_back(tmp_path: Path) -> None:
    scan = scan_of(write_series(tmp_path, noise("int16", 16)))
    Path(scan.files[2].url).unlink()
    with pytest.raises(ResourceError):
        load_volume(scan, RULES)


def test_overlay_in_unused_bits_is_removed(tmp_path: Path) -> None:
    pixels = noise("uint16", 12)
    with_overlay = pixels | 0x8000
    volume = load(write_series(tmp_path, with_overlay, bits_stored=12))
    np.testing.assert_array_equal(volume.stored, pixels)
    assert [row.value for row in volume.notes if row.check == "unused_bits"] == [3]


def test_sign_bit_is_the_high_bit(tmp_path: Path) -> None:
    pixels = noise("int16", 12)
    not_extended = (pixels.view(np.uint16) & 0x0FFF).view(np.int16)
    np.testing.assert_array_equal(
        load(write_series(tmp_path, not_extended, bits_stored=12)).stored, pixels
    )


def test_sample_in_the_high_bits(tmp_path: Path) -> None:
    pixels = noise("int16", 12)
    tags: list[dict[str, object]] = [{"HighBit": 15}] * 3
    paths = write_series(tmp_path, pixels << 4 | 0x5, bits_stored=12, tags=tags)
    np.testing.assert_array_equal(load(paths).stored, pixels)


def test_copies_are_dropped_and_counted(tmp_path: Path) -> None:
    pixels = noise("int16", 16)
    paths = write_series(tmp_path, pixels)
    copy = tmp_path / "copy.dcm"
    copy.write_bytes(paths[1].read_bytes())
    volume = load([copy, *paths])
    np.testing.assert_array_equal(volume.stored, pixels)
    assert [row.value for row in volume.notes if row.check == "duplicate_slices"] == [1]


def test_two_images_at_one_place_are_not_chosen_between(tmp_path: Path) -> None:
    pixels = noise("int16", 16)
    paths = write_series(tmp_path, pixels)
    other = save(
        ct_dataset(pixels[1] + 1, position=(-120.5, -80.25, -297.5)), tmp_path / "other.dcm"
    )
    assert reason_of([*paths, other]) == "duplicate_slices"


def test_same_integers_with_other_rescale_are_no_copy(tmp_path: Path) -> None:
    pixels = noise("int16", 16)
    paths = write_series(tmp_path, pixels)
    other = save(
        ct_dataset(pixels[1], position=(-120.5, -80.25, -297.5), RescaleIntercept="0"),
        tmp_path / "other.dcm",
    )
    assert reason_of([*paths, other]) == "duplicate_slices"


def test_signed_and_unsigned_slices_in_one_series(tmp_path: Path) -> None:
    signed, unsigned = noise("int16", 12), noise("uint16", 12)
    a = write_series(tmp_path / "a", signed[:2])
    b = save(ct_dataset(unsigned[2], position=(-120.5, -80.25, -295)), tmp_path / "b.dcm")
    volume = load([*a, b])
    assert volume.stored.dtype == np.int16
    np.testing.assert_array_equal(volume.stored[:2], signed[:2])
    np.testing.assert_array_equal(volume.stored[2], unsigned[2])


def test_header_against_geometry_is_noted(tmp_path: Path) -> None:
    paths = write_series(tmp_path, noise("int16", 16), increment=2.5)
    notes = {
        row.check: row
        for row in load(
            paths, slice_thickness_mm=3.75, spacing_between_slices_mm=3.0, gantry_tilt_deg=12.0
        ).notes
    }
    assert notes["slice_overlap"].value == 1.25
    assert notes["slice_overlap"].status == "pass"
    assert notes["slice_spacing"].status == "warn"
    assert notes["gantry_tilt_tag"].status == "warn"
    thin = {row.check: row for row in load(paths, slice_thickness_mm=1.0).notes}
    assert thin["slice_overlap"].status == "warn"
    assert thin["gantry_tilt_tag"].status == "unknown"
    assert thin.keys() == notes.keys() >= ALWAYS | {"slice_overlap", "slice_spacing"}


def test_the_index_offset_is_where_the_pixels_are(tmp_path: Path) -> None:
    path = write_series(tmp_path, noise("int16", 16))[0]
    header = file_header(path)
    assert header.pixel_offset is not None
    assert path.read_bytes()[header.pixel_offset :] == noise("int16", 16)[0].tobytes() + (
        b"\0" if SHAPE[1] * SHAPE[2] * 2 % 2 else b""
    )

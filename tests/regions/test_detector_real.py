"""The detector on openly licensed CT, as a person who looked at it would judge it."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest
from nibabel.processing import resample_from_to
from scipy import ndimage

from calcarium.config.detector import DetectorRules
from calcarium.errors import ScanExcluded
from calcarium.regions.anatomy.given import Anatomy
from calcarium.regions.anatomy.landmarks import find_landmarks
from calcarium.regions.detector.detect import detect
from calcarium.volume.model import Geometry, Rescale, Volume
from calcarium_kernels import load
from calcarium_kernels.contract import Box

RULES = DetectorRules()
KERNELS = load("numpy")
COUNTED = ("accepted", "doubtful")


def volume(stored, z_mm, spacing_mm, slope, intercept) -> Volume:
    n, rows, columns = stored.shape
    origin = np.stack([np.zeros(n), np.zeros(n), z_mm], axis=1)
    increment = float(np.median(np.diff(z_mm)))
    geometry = Geometry(
        origin,
        (1.0, 0.0, 0.0),
        (0.0, 1.0, 0.0),
        *spacing_mm,
        rows,
        columns,
        z_mm,
        increment,
        np.full(n, increment),
        0.0,
    )
    rescale = Rescale((Fraction(slope),) * n, (Fraction(intercept),) * n)
    return Volume(np.ascontiguousarray(stored), rescale, geometry, ("",) * n)


def series(folder: Path) -> Volume:
    """An axial series in the standard orientation."""
    files = [f for f in sorted(folder.rglob("*")) if f.is_file() and f.suffix != ".md"]
    slices = [pydicom.dcmread(f, force=True) for f in files]
    slices = sorted(
        (s for s in slices if "ImagePositionPatient" in s),
        key=lambda s: float(s.ImagePositionPatient[2]),
    )
    first = slices[0]
    return volume(
        np.stack([s.pixel_array for s in slices]),
        np.array([float(s.ImagePositionPatient[2]) for s in slices]),
        [float(mm) for mm in first.PixelSpacing],
        str(first.RescaleSlope),
        str(first.RescaleIntercept),
    )


def nifti(image: nibabel.Nifti1Image) -> Volume:
    image = nibabel.as_closest_canonical(image)
    stored = np.rint(np.asanyarray(image.dataobj))[::-1, ::-1].transpose(2, 1, 0).astype(np.int16)
    x, y, z = (float(mm) for mm in image.header.get_zooms())
    return volume(stored, np.arange(len(stored)) * z, (y, x), 1, 0)


def places(scan: Volume) -> dict[str, list[tuple[float, float, float, float]]]:
    """Where (z, y, x) each candidate lies and its Agatston score, by standing."""
    found: dict[str, list[tuple[float, float, float, float]]] = {}
    for label in detect(scan, RULES, KERNELS).meaning.values():
        f = label.features
        found.setdefault(label.standing, []).append((f["z"], f["y"], f["x"], f["agatston"]))
    return found


def at(spots, z: float, y: float, x: float, *, within: float = 12) -> bool:
    return any(abs(a - z) <= 4 and np.hypot(b - y, c - x) <= within for a, b, c, _ in spots)


def test_heavy_left_main_and_lad_calcium_of_a_low_dose_chest_ct(test_data):
    found = places(series(test_data / "nlst_101287_ldct" / "dicom"))
    accepted = found["accepted"]
    assert at(accepted, 55, 223, 259)
    assert at(accepted, 53, 210, 312)
    assert sum(s[3] for s in accepted) > 700
    counted = accepted + found.get("doubtful", [])
    assert all(30 <= z <= 60 for z, _, _, _ in counted)  # nothing of the arch, nothing below
    assert all(160 <= y <= 265 and 190 <= x <= 345 for _, y, x, _ in counted)  # within the heart


def averaged(scan: Volume, first: int, count: int) -> Volume:
    """Slices ``count`` times as thick, from the slice ``first`` on."""
    n = (len(scan.stored) - first) // count
    part = slice(first, first + n * count)
    shape = scan.stored.shape[1:]
    stored = scan.stored[part].reshape(n, count, *shape).mean(axis=1)
    z_mm = scan.geometry.slice_position_mm[part].reshape(n, count).mean(axis=1)
    spacing = scan.geometry.row_spacing_mm, scan.geometry.column_spacing_mm
    slope, intercept = scan.rescale.slope[0], scan.rescale.intercept[0]
    return volume(np.rint(stored).astype(np.int16), z_mm, spacing, slope, intercept)


@pytest.mark.parametrize("first", [0, 1])
def test_slices_of_4_mm_keep_the_left_main(test_data, first):
    found = places(averaged(series(test_data / "nlst_101287_ldct" / "dicom"), first, 2))
    assert at(found["accepted"], 27, 223, 259)
    assert sum(s[3] for s in found["accepted"]) > 700


@pytest.mark.parametrize("first", [0, 1, 2])
def test_slices_of_6_mm_warn_of_the_left_main(test_data, first):
    thick = averaged(series(test_data / "nlst_101287_ldct" / "dicom"), first, 3)
    region = detect(thick, RULES, KERNELS)
    seen = [label for label in region.meaning.values() if label.standing != "rejected"]
    assert sum(label.features["agatston"] for label in seen) > 600
    warned = {row.check for row in region.quality if row.status == "warn"}
    assert warned & {"score_certainty", "aortic_wall"}


def test_calcium_of_a_chest_ct_at_140_kv(test_data):
    found = places(series(test_data / "acrin_nsclc_petct_042" / "CT_875394858561"))
    counted = found["accepted"] + found.get("doubtful", [])
    assert at(counted, 26, 196, 287)
    assert at(counted, 20, 158, 233)
    # an arc in the wall of the root: not surely coronary, but not dropped without a word
    assert not at(found["accepted"], 23, 184, 249)
    assert at(found.get("doubtful", []) + found.get("possible", []), 23, 184, 249)
    assert all(18 <= z <= 30 and y <= 225 and 200 <= x <= 330 for z, y, x, _ in counted)


@pytest.mark.parametrize("kernel", ["3_B40f", "2_B70f"])
def test_no_calcium_is_no_calcium_in_either_kernel(test_data, kernel):
    found = places(series(test_data / "lung_pet_ct_dx" / "A0002" / kernel))
    assert sum(s[3] for name in COUNTED for s in found.get(name, [])) < 1


def sharpened(scan: Volume) -> Volume:
    """As by a sharper kernel: what a blur of 1 mm takes away is added once more."""
    hu = scan.stored.astype(np.float32)
    sigma = [0.0, 1 / scan.geometry.row_spacing_mm, 1 / scan.geometry.column_spacing_mm]
    stored = np.rint(2 * hu - ndimage.gaussian_filter(hu, sigma))
    return replace(scan, stored=np.clip(stored, hu.min(), 4000).astype(scan.stored.dtype))


def test_strong_noise_is_no_calcium_and_is_told_of(test_data):
    noisy = sharpened(series(test_data / "lung_pet_ct_dx" / "A0002" / "2_B70f"))
    region = detect(noisy, RULES, KERNELS)
    assert not {label.standing for label in region.meaning.values()} & set(COUNTED)
    row = {row.check: row for row in region.quality}
    assert row["image_noise"].status == "warn"
    # measured elsewhere, in the blood of the aorta
    assert row["image_noise"].value == pytest.approx(row["blood_noise"].value, rel=0.1)


def test_contrast_is_refused(test_data):
    with pytest.raises(ScanExcluded, match="contrast"):
        detect(series(test_data / "rider_pilot_0117_contrast_partial"), RULES, KERNELS)
    image = nibabel.load(test_data / "totalseg_testdata/pulmonary_report/ct_cropped.nii.gz")
    with pytest.raises(ScanExcluded, match="contrast"):
        detect(nifti(image), RULES, KERNELS)


def test_a_scan_without_a_heart_is_refused(test_data):
    image = nibabel.load(test_data / "totalseg_testdata" / "example_ct.nii.gz")
    with pytest.raises(ScanExcluded, match="no_heart"):
        detect(nifti(image), RULES, KERNELS)


def test_the_region_covers_a_heart_mask_even_with_contrast(test_data):
    folder = test_data / "totalseg_testdata" / "pulmonary_report"
    image = nibabel.load(folder / "ct_cropped.nii.gz")
    on_scan = resample_from_to(nibabel.load(folder / "heart.nii.gz"), image, order=0)
    heart = nifti(on_scan).stored > 0
    scan = nifti(image)
    landmarks = find_landmarks(scan, RULES, KERNELS, Anatomy())
    region = landmarks.thorax.grid.in_box(landmarks.heart.mask, Box.whole(scan.stored.shape))
    assert (heart & region).sum() >= 0.99 * heart.sum()
    assert region.sum() <= 3 * heart.sum()

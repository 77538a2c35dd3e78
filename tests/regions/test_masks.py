from __future__ import annotations

import hashlib
from itertools import permutations, product
from pathlib import Path

import nibabel as nib
import nrrd
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation
from small_masks import RAS, on_scan
from small_scans import centres_mm, geometry, lps_affine

from calcarium.config import RegionRules
from calcarium.errors import ScanExcluded, ScanFailed
from calcarium.regions.labelmap import LabelMap
from calcarium.regions.masks import read_marked
from calcarium.regions.model import Label, Region
from calcarium.regions.resample import place
from calcarium.volume.model import Geometry


def mask_region(url: str, scan: Geometry, rules: RegionRules) -> Region:
    region = read_marked(url, scan, rules).region
    assert region is not None
    return region


def turned(
    labels: NDArray[np.uint16],
    affine: NDArray[np.float64],
    order: tuple[int, ...],
    flips: tuple[bool, ...],
) -> tuple[NDArray[np.uint16], NDArray[np.float64]]:
    """The same voxels with other axes: permuted, then flipped."""
    new = affine.copy()
    new[:3, :3] = affine[:3, order]
    labels = labels.transpose(order)
    for axis, flip in enumerate(flips):
        if flip:
            new[:3, 3] += new[:3, axis] * (labels.shape[axis] - 1)
            new[:3, axis] *= -1
            labels = np.flip(labels, axis)
    return labels, new


def write_nifti(path: Path, labels: NDArray[np.generic], lps: NDArray[np.float64]) -> None:
    image = nib.Nifti1Image(labels, RAS @ lps)
    image.set_sform(RAS @ lps, code=1)
    nib.save(image, path)


def write_nrrd(
    path: Path, labels: NDArray[np.generic], lps: NDArray[np.float64], space: str
) -> None:
    flip = {"left-posterior-superior": (1, 1, 1), "RAS": (-1, -1, 1), "LAS": (1, -1, 1)}[space]
    affine = np.diag([*flip, 1.0]) @ lps
    header = {
        "space": space,
        "space directions": affine[:3, :3].T,
        "space origin": affine[:3, 3],
    }
    nrrd.write(str(path), labels, header)


def some_labels(seed: int = 3) -> NDArray[np.uint16]:
    rng = np.random.default_rng(seed)
    labels = np.zeros((5, 7, 9), dtype=np.uint16)
    labels[1:4, 2:6, 1:8] = rng.integers(0, 5, (3, 4, 7))
    return labels


@pytest.mark.parametrize("order", list(permutations(range(3))))
@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".nrrd"])
def test_every_axis_order_and_flip_gives_the_same_voxels(
    tmp_path: Path, order: tuple[int, ...], suffix: str
) -> None:
    scan = geometry()
    labels = some_labels()
    for flips in product((False, True), repeat=3):
        path = tmp_path / f"mask{suffix}"
        stored, affine = turned(labels, lps_affine(scan), order, flips)
        if suffix == ".nrrd":
            write_nrrd(path, stored, affine, "left-posterior-superior")
        else:
            write_nifti(path, stored, affine)
        region = mask_region(str(path), scan, RegionRules())
        np.testing.assert_array_equal(on_scan(region, scan.shape), labels)
        assert region.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
        assert {row.check: row.text or row.value for row in region.quality} == {
            "mask_overlap": 1.0,
            "mask_grid": "same",
        }


@pytest.mark.parametrize("space", ["left-posterior-superior", "RAS", "LAS"])
def test_nrrd_spaces(tmp_path: Path, space: str) -> None:
    scan, labels = geometry(), some_labels()
    path = tmp_path / "mask.nrrd"
    write_nrrd(path, labels, lps_affine(scan), space)
    region = mask_region(str(path), scan, RegionRules())
    np.testing.assert_array_equal(on_scan(region, scan.shape), labels)


def test_a_feet_first_and_an_oblique_scan(tmp_path: Path) -> None:
    turn = Rotation.from_euler("xyz", [12, -7, 4], degrees=True).as_matrix()
    for row, column in (
        [(-1.0, 0.0, 0.0), (0.0, -1.0, 0.0)],
        [tuple(turn[:, 0]), tuple(turn[:, 1])],
    ):
        scan, labels = geometry(row=row, column=column), some_labels()
        write_nifti(tmp_path / "mask.nii", *turned(labels, lps_affine(scan), (2, 1, 0), (1, 0, 1)))
        region = mask_region(str(tmp_path / "mask.nii"), scan, RegionRules())
        np.testing.assert_array_equal(on_scan(region, scan.shape), labels)


def test_a_cropped_mask_is_placed_exactly(tmp_path: Path) -> None:
    scan, labels = geometry(), some_labels()
    affine = lps_affine(scan)
    affine[:3, 3] = centres_mm(scan)[1, 2, 1]
    write_nifti(tmp_path / "mask.nii.gz", labels[1:4, 2:6, 1:8], affine)
    region = mask_region(str(tmp_path / "mask.nii.gz"), scan, RegionRules())
    np.testing.assert_array_equal(on_scan(region, scan.shape), labels)
    assert region.quality[1].text == "same"


def test_the_box_is_the_labelled_part() -> None:
    scan = geometry()
    labels = np.zeros(scan.shape, dtype=np.uint16)
    labels[2, 3, 4] = labels[3, 5, 6] = 2
    placed = place(LabelMap.of(labels, lps_affine(scan)), scan)
    assert placed.box.slices == (slice(2, 4), slice(3, 6), slice(4, 7))
    assert not placed.resampled


@settings(max_examples=60)
@given(
    angles=st.tuples(*[st.sampled_from([0.0, 90.0, 0.3, 17.0, -64.0])] * 3),
    spacing=st.tuples(*[st.floats(0.4, 3.0)] * 3),
    shift=st.tuples(*[st.floats(-4.0, 4.0)] * 3),
    seed=st.integers(0, 2**16),
)
def test_each_voxel_has_the_label_of_the_nearest_centre(
    angles: tuple[float, ...], spacing: tuple[float, ...], shift: tuple[float, ...], seed: int
) -> None:
    scan = geometry()
    centres = centres_mm(scan)
    shape = (6, 5, 7)
    turn = Rotation.from_euler("xyz", angles, degrees=True).as_matrix() * spacing
    affine = np.eye(4)
    affine[:3, :3] = turn
    affine[:3, 3] = centres.reshape(-1, 3).mean(axis=0) + shift - turn @ [2.5, 2.0, 3.0]
    labels = np.random.default_rng(seed).integers(1, 60, shape).astype(np.uint16)
    placed = place(LabelMap.of(labels, affine), scan)

    # A voxel of the mask is the part of the patient within half a step along each of its axes.
    index = (centres - affine[:3, 3]) @ np.linalg.inv(turn).T
    off = np.abs(index - np.rint(index))
    clear = (off < 0.49).all(axis=-1)
    inside = ((index > -0.5) & (index < np.array(shape) - 0.5)).all(axis=-1)
    grid = np.indices(shape).reshape(3, -1).T
    nearest = cKDTree(grid).query(index)[1]
    expected = np.where(inside, labels.reshape(-1)[nearest], 0)
    dense = np.zeros(scan.shape, dtype=np.uint16)
    dense[placed.box.slices] = placed.labels
    np.testing.assert_array_equal(dense[clear], expected[clear])
    to_scan = np.linalg.inv(lps_affine(scan))
    where = np.c_[grid @ turn.T + affine[:3, 3], np.ones(len(grid))] @ to_scan.T
    held = ((where[:, :3] >= -0.5) & (where[:, :3] <= np.array(scan.shape) - 0.5)).all(axis=1)
    assert placed.overlap == pytest.approx(held.mean(), abs=2 / len(grid))


def test_unevenly_spaced_slices_are_followed() -> None:
    even = geometry()
    stray = np.array([0.0, 0.4, -0.4, 0.3, 0.0])[:, None] * [0, 0, 1]
    scan = Geometry(**{**even.__dict__, "origin_mm": even.origin_mm + stray})
    labels = some_labels()
    placed = place(LabelMap.of(labels, lps_affine(even)), scan)
    dense = np.zeros(scan.shape, dtype=np.uint16)
    dense[placed.box.slices] = placed.labels
    np.testing.assert_array_equal(dense, labels)
    assert placed.resampled


def test_a_mask_of_another_place_is_a_mismatch(tmp_path: Path) -> None:
    scan = geometry()
    affine = lps_affine(scan)
    affine[2, 3] += 400.0
    write_nifti(tmp_path / "far.nii", some_labels(), affine)
    with pytest.raises(ScanExcluded, match=r"mask_mismatch: 0% of"):
        mask_region(str(tmp_path / "far.nii"), scan, RegionRules())


def test_a_mask_that_is_mostly_outside_is_a_mismatch_and_a_cut_one_is_a_doubt() -> None:
    scan = geometry()
    labels = np.ones(scan.shape, dtype=np.uint16)
    for rows_off, share in ((1, 6 / 7), (3, 4 / 7)):
        affine = lps_affine(scan)
        affine[:3, 3] += rows_off * affine[:3, 1]
        assert place(LabelMap.of(labels, affine), scan).overlap == pytest.approx(share)


def test_a_cut_mask_is_a_doubt(tmp_path: Path) -> None:
    scan = geometry()
    labels = np.ones(scan.shape, dtype=np.uint8)
    affine = lps_affine(scan)
    affine[:3, 3] += 2 * affine[:3, 1]
    write_nifti(tmp_path / "cut.nii", labels, affine)
    row = mask_region(str(tmp_path / "cut.nii"), scan, RegionRules()).quality[0]
    assert (row.check, row.status, row.value) == ("mask_overlap", "warn", pytest.approx(5 / 7))
    affine[:3, 3] += 2 * affine[:3, 1]
    write_nifti(tmp_path / "cut.nii", labels, affine)
    with pytest.raises(ScanExcluded, match="43%"):
        mask_region(str(tmp_path / "cut.nii"), scan, RegionRules())


def test_a_file_that_does_not_say_where_it_lies(tmp_path: Path) -> None:
    image = nib.Nifti1Image(np.ones((5, 7, 9), dtype=np.uint8), None)
    nib.save(image, tmp_path / "nowhere.nii")
    nrrd.write(str(tmp_path / "nowhere.nrrd"), np.ones((5, 7, 9), dtype=np.uint8))
    for name in ("nowhere.nii", "nowhere.nrrd"):
        with pytest.raises(ScanExcluded, match="mask_mismatch"):
            mask_region(str(tmp_path / name), geometry(), RegionRules())


@pytest.mark.parametrize("step_mm", [0.0, np.nan, 1e30])
def test_a_grid_that_is_nowhere_in_the_patient(tmp_path: Path, step_mm: float) -> None:
    affine = np.diag([step_mm, 0.7, 2.5, 1.0])
    write_nrrd(tmp_path / "m.nrrd", some_labels(), affine, "left-posterior-superior")
    with pytest.raises((ScanFailed, ScanExcluded), match=r"nowhere|mask_mismatch|cannot be read"):
        mask_region(str(tmp_path / "m.nrrd"), geometry(), RegionRules())


def test_an_empty_mask_is_a_score_of_zero_only_by_rule_and_in_place(tmp_path: Path) -> None:
    scan = geometry()
    path = tmp_path / "empty.nii.gz"
    empty = np.zeros(scan.shape, dtype=np.uint8)
    write_nifti(path, empty, lps_affine(scan))
    with pytest.raises(ScanExcluded, match="empty_mask"):
        mask_region(str(path), scan, RegionRules())
    region = mask_region(str(path), scan, RegionRules(empty_mask="zero"))
    assert region.box.shape == (0, 0, 0)
    affine = lps_affine(scan)
    affine[0, 3] += 300
    write_nifti(path, empty, affine)
    with pytest.raises(ScanExcluded, match="mask_mismatch"):
        mask_region(str(path), scan, RegionRules(empty_mask="zero"))


def test_labels_have_the_names_of_the_protocol(tmp_path: Path) -> None:
    write_nifti(tmp_path / "m.nii", some_labels(), lps_affine(geometry()))
    rules = RegionRules(labels={"1": "RCA", "4": "LAD"}, rule="select")
    region = mask_region(str(tmp_path / "m.nii"), geometry(), rules)
    assert region.meaning == {
        1: Label("RCA"),
        2: Label("unassigned"),
        3: Label("unassigned"),
        4: Label("LAD"),
    }
    assert (region.rule, region.source) == ("select", "mask")


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.full((5, 7, 9), 0.5, dtype=np.float32), "fractions"),
        (np.full((5, 7, 9), -1, dtype=np.int16), "outside"),
        (np.full((5, 7, 9), 70000, dtype=np.int32), "outside"),
        (np.ones((5, 7, 9, 2), dtype=np.uint8), "three dimensions"),
    ],
)
def test_what_is_no_label_map_fails(
    tmp_path: Path, labels: NDArray[np.generic], message: str
) -> None:
    write_nifti(tmp_path / "m.nii", labels, lps_affine(geometry()))
    with pytest.raises(ScanFailed, match=message):
        mask_region(str(tmp_path / "m.nii"), geometry(), RegionRules())


def test_scaled_and_four_dimensional_label_maps_are_read(tmp_path: Path) -> None:
    image = nib.Nifti1Image(
        some_labels()[..., None].astype(np.float64), RAS @ lps_affine(geometry())
    )
    nib.save(image, tmp_path / "m.nii.gz")
    region = mask_region(str(tmp_path / "m.nii.gz"), geometry(), RegionRules())
    np.testing.assert_array_equal(on_scan(region, (5, 7, 9)), some_labels())


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".nrrd"])
def test_a_damaged_file_fails_with_its_name(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"damaged{suffix}"
    if suffix == ".nrrd":
        write_nrrd(path, some_labels(), lps_affine(geometry()), "RAS")
    else:
        write_nifti(path, some_labels(), lps_affine(geometry()))
    whole = path.read_bytes()
    for content in (b"", b"nonsense", whole[: len(whole) // 2], whole[:-40]):
        path.write_bytes(content)
        with pytest.raises(ScanFailed, match="damaged"):
            mask_region(str(path), geometry(), RegionRules())

"""What a label means: folders of structures as TotalSegmentator has them, and names."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from small_masks import RAS, UID, blocks, on_scan, vessels, write_nifti
from small_scans import geometry

from calcarium.config import RegionRules
from calcarium.errors import ScanExcluded
from calcarium.regions.inputs import gather_inputs
from calcarium.regions.masks import read_marked
from calcarium.regions.names import meaning, sort_labels


def test_a_folder_of_structures_marks_anatomy(tmp_path: Path) -> None:
    folder = tmp_path / UID
    heart, aorta = blocks(1, 1, 0), blocks(0, 0, 1)
    write_nifti(folder / "heart.nii.gz", heart)
    write_nifti(folder / "aorta.nii.gz", aorta)
    write_nifti(folder / "lung_upper_lobe_left.nii.gz", blocks(0, 0, 0, 1))
    marked = read_marked(str(folder), geometry(), RegionRules())
    assert marked.region is None
    np.testing.assert_array_equal(marked.anatomy.heart, heart > 0)
    np.testing.assert_array_equal(marked.anatomy.aorta, aorta > 0)
    assert gather_inputs(str(tmp_path)).masks == {UID: f"file://{folder}"}


def test_the_chambers_make_the_heart(tmp_path: Path) -> None:
    folder = tmp_path / UID
    write_nifti(folder / "heart_atrium_left.nii.gz", blocks(1))
    write_nifti(folder / "heart_myocardium.nii.gz", blocks(0, 1))
    marked = read_marked(str(folder), geometry(), RegionRules())
    np.testing.assert_array_equal(marked.anatomy.heart, blocks(1, 1) > 0)
    assert marked.anatomy.aorta is None


def test_a_folder_with_arteries_is_a_region(tmp_path: Path) -> None:
    folder = tmp_path / UID
    write_nifti(folder / "heart.nii.gz", blocks(1, 1, 1))
    write_nifti(folder / "coronary_arteries.nii.gz", blocks(0, 1))
    marked = read_marked(str(folder), geometry(), RegionRules(rule="select"))
    np.testing.assert_array_equal(on_scan(marked.region) > 0, blocks(0, 1) > 0)
    assert set(vessels(marked).values()) == {"unassigned"}
    assert marked.region is not None
    assert marked.region.rule == "select"
    write_nifti(folder / "coronary_arteries.nii.gz", blocks())
    with pytest.raises(ScanExcluded, match="empty_mask"):
        read_marked(str(folder), geometry(), RegionRules())


def test_a_folder_of_arteries_names_each(tmp_path: Path) -> None:
    folder = tmp_path / UID
    write_nifti(folder / "LAD.nii.gz", blocks(1))
    write_nifti(folder / "right coronary artery.nii.gz", blocks(0, 5))
    write_nifti(folder / "graft.nii.gz", blocks(0, 0, 1))
    marked = read_marked(str(folder), geometry(), RegionRules(labels={"graft": "LIMA"}))
    found = on_scan(marked.region)
    names = vessels(marked)
    assert [names[int(found[1, 2, x])] for x in (1, 3, 5)] == ["LAD", "RCA", "LIMA"]


def test_one_multi_label_file_of_totalsegmentator(tmp_path: Path) -> None:
    names = {51: "heart", 52: "aorta", 5: "liver", 10: "lung_upper_lobe_left"}
    path = write_nifti(tmp_path / "m.nii.gz", blocks(51, 52, 5, 10), names)
    marked = read_marked(path, geometry(), RegionRules())
    assert marked.region is None
    np.testing.assert_array_equal(marked.anatomy.heart, blocks(1) > 0)
    np.testing.assert_array_equal(marked.anatomy.aorta, blocks(0, 1) > 0)


def test_a_plain_mask_may_be_named_heart_by_the_protocol(tmp_path: Path) -> None:
    path = write_nifti(tmp_path / "m.nii.gz", blocks(1, 2))
    marked = read_marked(path, geometry(), RegionRules(labels={"1": "heart", "2": "aorta"}))
    assert marked.region is None
    np.testing.assert_array_equal(marked.anatomy.heart, blocks(1) > 0)


def test_what_marks_neither_calcium_nor_heart_is_no_mask(tmp_path: Path) -> None:
    path = write_nifti(tmp_path / "m.nii.gz", blocks(1), {1: "liver"})
    with pytest.raises(ScanExcluded, match="missing_mask"):
        read_marked(path, geometry(), RegionRules())


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Left Coronary Artery", "LM"),
        ("LEFT_CIRCUMFLEX-ARTERY", "LCX"),
        ("RCA", "RCA"),
        ("heart_ventricle_left", "heart"),
        ("aorta", "aorta"),
        ("pulmonary_artery", "other"),
        ("atrial_appendage_left", "other"),
        ("vertebrae_T8", "other"),
        ("aortic arch", "other"),
        ("Segment_1", None),
        ("calcification", None),
    ],
)
def test_names_that_people_give(name: str, expected: str | None) -> None:
    assert meaning(name) == expected


def test_a_name_goes_before_a_number() -> None:
    labels = {"1": "LM", "2": "LAD", "stent": "LCX"}
    names = {1: "RCA", 2: "spot", 3: "stent"}
    assert sort_labels([1, 2, 3, 4], names, labels)[0] == {
        1: "RCA",
        2: "unassigned",
        3: "LCX",
        4: "unassigned",
    }


def test_a_heart_mask_of_totalsegmentator_on_its_scan(test_data: Path) -> None:
    folder = test_data / "totalseg_testdata" / "pulmonary_report"
    ct, heart = nib.load(folder / "ct_cropped.nii.gz"), nib.load(folder / "heart.nii.gz")
    # The CT has the axes L, P, S after its first two are turned round: a scan of rows along L.
    affine = RAS @ ct.affine
    order = [int(np.abs(affine[:3, axis]).argmax()) for axis in range(3)]
    assert order == [0, 1, 2]
    low = affine[:3, 3] + sum(np.minimum(affine[:3, a] * (ct.shape[a] - 1), 0) for a in range(3))
    spacing = np.abs(np.diag(affine)[:3])
    of = geometry(
        (ct.shape[2], ct.shape[1], ct.shape[0]),
        increment_mm=float(spacing[2]),
        row_spacing_mm=float(spacing[1]),
        column_spacing_mm=float(spacing[0]),
        origin_mm=low,
    )
    rules = RegionRules(labels={"1": "heart"})
    marked = read_marked(str(folder / "heart.nii.gz"), of, rules)
    inside = marked.anatomy.heart
    assert inside is not None
    values = np.asanyarray(ct.dataobj).transpose(2, 1, 0)
    for axis in range(3):
        if affine[axis, axis] < 0:
            values = np.flip(values, 2 - axis)
    volume_ml = inside.sum() * np.prod(spacing) / 1000
    mask = np.asanyarray(heart.dataobj) > 0
    assert volume_ml == pytest.approx(
        mask.sum() * abs(np.linalg.det(heart.affine)) / 1000, rel=0.01
    )
    # Published beside the data: 198176 voxels with a mean of 405 HU.
    assert mask.sum() == 198176
    assert values[inside].mean() == pytest.approx(405, abs=2)

"""Masks that may be of another scan: scored, with a warning."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from small_scans import geometry, lps_affine

from calcarium.config import RegionRules
from calcarium.regions.formats.read import read_masks
from calcarium.regions.masks import mask_calcium, read_marked
from calcarium.regions.model import Label, Region
from calcarium_kernels.contract import Box


def test_a_mask_of_as_many_voxels_that_lies_elsewhere_warns(tmp_path: Path) -> None:
    of = geometry()
    for shift_mm, status in ((0.0, "pass"), (1.0, "warn")):
        affine = np.diag([-1.0, -1.0, 1.0, 1.0]) @ lps_affine(of)
        affine[0, 3] += shift_mm
        labels = np.zeros(of.shape, dtype=np.uint8)
        labels[2, 3, 4] = 1
        nib.save(nib.Nifti1Image(labels, affine), tmp_path / "m.nii.gz")
        region = read_marked(str(tmp_path / "m.nii.gz"), of, RegionRules()).region
        assert region is not None
        rows = {row.check: row.status for row in region.quality}
        assert rows["mask_grid"] == status


@pytest.mark.parametrize(("detected", "status"), [(True, "pass"), (False, "warn")])
def test_a_mask_of_calcium_that_holds_none_warns(detected: bool, status: str) -> None:
    one = {1: Label("LAD")}
    region = Region(Box(0, 1, 0, 1, 0, 1), np.ones((1, 1, 1), np.uint16), one, "clip", "mask")
    assert [row.status for row in mask_calcium(region, detected=detected)] == [status]
    for other in (
        replace(region, rule="select"),
        replace(region, source="shapes"),
        replace(region, labels=None, meaning={}),
    ):
        assert mask_calcium(other, detected=detected) == ()


@pytest.mark.parametrize(("name", "is_taken"), [("sacrum", False), ("4711", True), ("seg", True)])
def test_a_lone_structure_of_unknown_name_is_no_calcium(
    tmp_path: Path, name: str, is_taken: bool
) -> None:
    of = geometry()
    labels = np.zeros(of.shape, dtype=np.uint8)
    labels[2, 3, 4] = 1
    affine = np.diag([-1.0, -1.0, 1.0, 1.0]) @ lps_affine(of)
    nib.save(nib.Nifti1Image(labels, affine), tmp_path / f"{name}.nii.gz")
    assert len(read_masks(str(tmp_path), of, {})) == is_taken

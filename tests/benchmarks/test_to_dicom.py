from __future__ import annotations

from itertools import permutations, product
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
import pytest
from click.testing import CliRunner
from to_dicom import main

RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


@pytest.mark.parametrize("order", list(permutations(range(3)))[::2])
@pytest.mark.parametrize("signs", list(product((1, -1), repeat=3))[::3])
def test_every_voxel_stays_where_it_is(
    tmp_path: Path, order: tuple[int, ...], signs: tuple[int, ...]
) -> None:
    rng = np.random.default_rng(5)
    values = rng.integers(-1000, 2000, (3, 4, 5)).astype(np.int16)
    affine = np.eye(4)
    affine[:3, :3] = np.diag([0.5, 0.75, 2.5])[:, list(order)] * np.array(signs)
    affine[:3, 3] = (-31.25, 47.5, -1020.25)
    (tmp_path / "in").mkdir()
    nib.save(nib.Nifti1Image(values, affine), tmp_path / "in" / "scan 1.nii.gz")
    words = [str(tmp_path / "in"), "--out", str(tmp_path / "out")]
    assert CliRunner().invoke(main, words, catch_exceptions=False).exit_code == 0
    found = {}
    for file in sorted((tmp_path / "out" / "scan 1").iterdir()):
        ds = pydicom.dcmread(file)
        x, y = np.array(ds.ImageOrientationPatient).reshape(2, 3)
        assert np.cross(x, y) == pytest.approx([0, 0, 1])
        for (row, column), value in np.ndenumerate(ds.pixel_array):
            place = ds.ImagePositionPatient + x * column * ds.PixelSpacing[1]
            place = place + y * row * ds.PixelSpacing[0]
            found[tuple(np.round(place, 6))] = int(value)
    expected = {
        tuple(np.round((RAS @ affine @ [*index, 1])[:3], 6)): int(value)
        for index, value in np.ndenumerate(values)
    }
    assert found == expected
    again = CliRunner().invoke(main, words)
    assert again.exit_code == 1
    assert "is there already" in again.output


def test_what_is_no_scan_ends_in_a_sentence(tmp_path: Path) -> None:
    def said() -> str:
        done = CliRunner().invoke(main, [str(tmp_path), "--out", str(tmp_path / "out")])
        assert done.exit_code in (1, 2)
        return done.output

    assert "no file ends in" in said()
    (tmp_path / "a.nii").write_bytes(b"nonsense")
    assert "a.nii cannot be read" in said()
    nib.save(nib.Nifti1Image(np.full((2, 2, 2), 1e9, np.float32), np.eye(4)), tmp_path / "a.nii")
    assert "no Hounsfield units" in said()

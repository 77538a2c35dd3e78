"""The coarse grid: block means, orientation and the way back to native voxels."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from calcarium.errors import ScanExcluded
from calcarium.regions.anatomy.grid import coarse_grid, resample_mask
from calcarium.volume.model import Geometry, Rescale, Volume
from calcarium_kernels import load

KERNELS = load("numpy")


def scan(shape=(7, 26, 32), *, spacing_mm=0.75, increment_mm=3.0, row=(1, 0, 0), column=(0, 1, 0)):
    stored = np.random.default_rng(3).integers(0, 2000, shape).astype(np.int16)
    position = np.arange(shape[0]) * increment_mm
    geometry = Geometry(
        np.stack([np.zeros(shape[0]), np.zeros(shape[0]), position], axis=1),
        row,
        column,
        spacing_mm,
        spacing_mm,
        shape[1],
        shape[2],
        position,
        increment_mm,
        np.full(shape[0], increment_mm),
        0.0,
    )
    rescale = Rescale((Fraction(1),) * shape[0], (Fraction(-1024),) * shape[0])
    return Volume(stored, rescale, geometry, ("",) * shape[0])


def test_a_block_is_the_mean_of_its_voxels():
    volume = scan()
    grid = coarse_grid(volume, KERNELS)
    assert grid.factor == 4
    means = volume.stored[:, :24, :32].reshape(7, 6, 4, 8, 4).mean(axis=(2, 4)) - 1024
    np.testing.assert_allclose(grid.hu, means[::-1], atol=1e-3)  # cranial slices first


@pytest.mark.parametrize(
    ("row", "column", "axes"),
    [
        ((-1, 0, 0), (0, -1, 0), (1, 2)),
        ((-1, 0, 0), (0, 1, 0), (0, 2)),
        ((1, 0, 0), (0, -1, 0), (0, 1)),
    ],
)
def test_the_grid_is_in_the_patients_directions_whatever_the_files(row, column, axes):
    volume = scan(shape=(7, 24, 32))
    turned = replace(scan(shape=(7, 24, 32), row=row, column=column))
    turned = replace(turned, stored=np.ascontiguousarray(np.flip(volume.stored, axes)))
    np.testing.assert_array_equal(coarse_grid(turned, KERNELS).hu, coarse_grid(volume, KERNELS).hu)


def test_rows_along_the_body_axis_of_another_view_are_refused():
    with pytest.raises(ScanExcluded, match="not_axial"):
        coarse_grid(scan(row=(0, 1, 0), column=(-1, 0, 0)), KERNELS)


@pytest.mark.parametrize("increment_mm", [0.7, 1.5, 3.0, 5.0, 8.0])
def test_resampling_keeps_height_and_mean(increment_mm):
    volume = scan(shape=(30, 24, 32), increment_mm=increment_mm)
    grid = coarse_grid(volume, KERNELS)
    assert len(grid.hu) * grid.slice_mm == pytest.approx(30 * increment_mm)
    assert grid.hu.mean() == pytest.approx(volume.stored.mean() - 1024, abs=8)


def test_a_native_voxel_is_found_in_the_block_that_holds_it():
    volume = scan(row=(-1, 0, 0), column=(0, 1, 0))
    grid = coarse_grid(volume, KERNELS)
    k, row, column = grid.from_native(np.array([6.0]), np.array([9.5]), np.array([1.5]))
    # file order: the last slice is cranial unless rows and columns turn the normal over
    assert (k[0], row[0], column[0]) == (6.0, 2.0, 7.0)


def test_padding_slices_weigh_nothing():
    volume = scan(shape=(12, 24, 32), increment_mm=1.5)
    volume.stored[::2] = -2000
    hu = coarse_grid(volume, KERNELS).hu
    assert hu.min() > -1024


def test_a_mask_survives_the_way_to_the_grid_and_back():
    volume = scan(shape=(9, 40, 40))
    mask = np.zeros((9, 40, 40), bool)
    mask[2:6, 8:20, 12:32] = True
    grid = coarse_grid(volume, KERNELS)
    coarse = resample_mask(mask, grid)
    box = grid.native_box(coarse, 0.0)
    assert (box.z0, box.z1, box.y0, box.y1, box.x0, box.x1) == (2, 6, 8, 20, 12, 32)
    np.testing.assert_array_equal(grid.in_box(coarse, box), mask[box.slices])

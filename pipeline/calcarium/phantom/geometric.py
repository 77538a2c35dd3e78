"""Boxes and cylinders of one HU on a plain background: scores that a hand can compute.

No blur, no noise: a voxel belongs to an object if its centre does.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from calcarium.phantom.model import (
    ARTERY_LABELS,
    Artery,
    Grid,
    PhantomScan,
    Point,
    VoxelSet,
)


@dataclass(frozen=True)
class VoxelBox:
    """A half-open box of voxels with one HU.

    Attributes
    ----------
    start, stop : voxel index (z, y, x)
    """

    artery: Artery
    start: tuple[int, int, int]
    stop: tuple[int, int, int]
    hu: float

    def voxels(self, grid: Grid) -> VoxelSet:
        """Boolean array of ``grid.shape``."""
        inside = np.zeros(grid.shape, dtype=bool)
        inside[tuple(slice(a, b) for a, b in zip(self.start, self.stop, strict=True))] = True
        return inside


@dataclass(frozen=True)
class UprightCylinder:
    """A cylinder along z with one HU, in patient millimetres."""

    artery: Artery
    centre_mm: Point
    radius_mm: float
    length_mm: float
    hu: float

    def voxels(self, grid: Grid) -> VoxelSet:
        """Boolean array of ``grid.shape``."""
        x, y, z = self.centre_mm
        along_x = (grid.axis_mm(2) - x)[None, None, :]
        along_y = (grid.axis_mm(1) - y)[None, :, None]
        along_z = (grid.axis_mm(0) - z)[:, None, None]
        in_plane = along_x**2 + along_y**2 <= self.radius_mm**2
        return np.asarray(in_plane & (np.abs(along_z) <= self.length_mm / 2))


def geometric_scan(
    grid: Grid, objects: Iterable[VoxelBox | UprightCylinder], background_hu: float = 40.0
) -> PhantomScan:
    """Objects on a plain background; a later object replaces an earlier one.

    The mask of an object is the object and one voxel round it in its slices, as a
    reader draws it: what is counted must come from the threshold.
    """
    hu = np.full(grid.shape, background_hu, dtype=np.float32)
    calcium = np.zeros(grid.shape, dtype=np.uint8)
    for item in objects:
        inside = item.voxels(grid)
        hu[inside] = item.hu
        calcium[_grown(inside) & (calcium == 0) | inside] = ARTERY_LABELS[item.artery]
    return PhantomScan(grid=grid, hu=hu, calcium=calcium)


def _grown(inside: VoxelSet) -> VoxelSet:
    """The voxels and their in-slice neighbours, diagonals included."""
    rows = inside.copy()
    rows[:, 1:] |= inside[:, :-1]
    rows[:, :-1] |= inside[:, 1:]
    both = rows.copy()
    both[:, :, 1:] |= rows[:, :, :-1]
    both[:, :, :-1] |= rows[:, :, 1:]
    return both


def default_grid(origin_mm: Point = (-61.3, -48.7, -150.25)) -> Grid:
    """Unequal spacings, sizes and origin, thickness unlike the increment.

    Nothing is symmetric, so an exchange of two axes or a lost origin shows.
    """
    return Grid(
        shape=(14, 96, 112),
        origin_mm=origin_mm,
        slice_increment_mm=2.5,
        row_spacing_mm=0.5,
        column_spacing_mm=0.625,
        slice_thickness_mm=3.0,
    )


def default_objects() -> tuple[VoxelBox | UprightCylinder, ...]:
    """Objects whose scores are worked out in ``docs/phantom.md``."""
    return (
        VoxelBox("LM", (2, 20, 20), (4, 24, 26), 250.0),
        VoxelBox("LAD", (5, 40, 30), (8, 50, 38), 450.0),
        VoxelBox("LCX", (9, 60, 60), (10, 62, 61), 500.0),
        VoxelBox("RCA", (10, 30, 80), (12, 36, 84), 129.0),
        VoxelBox("RCA", (6, 70, 90), (7, 74, 92), 130.0),
    )

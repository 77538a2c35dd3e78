"""Where each candidate lies relative to the aorta."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calcarium.regions.anatomy.aorta import Aorta
from calcarium.regions.anatomy.grid import Float64, Grid, Mask
from calcarium.regions.detector.candidates import Candidates

FAR_MM = 99.0
BEYOND_ASCENDING, BEYOND_DESCENDING = 0.5, 3.0  # grid slices below the end


@dataclass(frozen=True)
class BesideAorta:
    """One value per candidate; the meanings are those of :class:`~.places.Places`."""

    outside_aorta_mm: Float64
    across_wall_mm: Float64
    outside_descending_mm: Float64
    above_root_mm: Float64
    left_of_aorta_mm: Float64
    behind_aorta_mm: Float64
    beside_aorta: Mask
    aorta_support: Float64
    to_aorta: Float64


def beside_aorta(
    candidates: Candidates,
    grid: Grid,
    aorta: Aorta,
    k: Float64,
    row: Float64,
    column: Float64,
) -> BesideAorta:
    """Distances to the walls, and the direction to the axis, in the plane of each candidate.

    Parameters
    ----------
    candidates, grid, aorta : as found
    k, row, column : grid indices of the middle of each candidate
    """
    n = len(k)
    down = aorta.descending.at(k, beyond=BEYOND_DESCENDING)
    away = np.hypot(row - down.row, column - down.column) * grid.pixel_mm
    outside_descending_mm = np.where(down.known, away - down.radius_mm, FAR_MM)
    if not aorta.is_sure:
        far, unknown, none = np.full(n, FAR_MM), np.full(n, np.nan), np.zeros(n)
        return BesideAorta(
            far,
            none,
            outside_descending_mm,
            unknown,
            unknown,
            unknown,
            none > 0,
            none,
            np.zeros((n, 2)),
        )
    axis = aorta.axis_at(k)
    behind_mm = (row - axis.row) * grid.pixel_mm
    left_mm = (column - axis.column) * grid.pixel_mm
    length = np.maximum(np.hypot(behind_mm, left_mm), 1e-3)
    outside_mm, across_mm = _outside_mm(candidates, grid, aorta)
    return BesideAorta(
        np.where(axis.known, outside_mm, FAR_MM),
        np.where(axis.known, across_mm, 0.0),
        outside_descending_mm,
        (aorta.ascending.last - k) * grid.slice_mm,
        left_mm,
        behind_mm,
        aorta.ascending.at(k, beyond=BEYOND_ASCENDING).known,
        np.where(axis.known, axis.support, 0.0),
        -np.stack([behind_mm, left_mm], axis=1) / length[:, None] * native_sign(grid),
    )


def native_sign(grid: Grid) -> Float64:
    """Turns a direction in grid rows and columns into one in native rows and columns."""
    return np.array([-1.0 if grid.flipped[1] else 1.0, -1.0 if grid.flipped[2] else 1.0])


def _outside_mm(candidates: Candidates, grid: Grid, aorta: Aorta) -> tuple[Float64, Float64]:
    """Mean over the voxels, as the middle of an arc along the wall is well inside; and depth.

    A layer of even depth ``d`` has a standard deviation of ``d / sqrt(12)`` across.
    """
    k, row, column = grid.from_native(
        *(i.astype(np.float64) for i in (candidates.z, candidates.y, candidates.x))
    )
    axis = aorta.axis_at(k)
    outside = np.hypot(row - axis.row, column - axis.column) * grid.pixel_mm - axis.radius_mm
    mean = candidates.mean(outside)
    variance = candidates.mean(outside**2) - mean**2
    return mean, np.sqrt(12 * np.maximum(variance, 0))

"""How noisy the soft tissue of the heart is, slice by slice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calcarium.regions.anatomy.body import neighbours_in_plane
from calcarium.regions.anatomy.grid import Float64, Grid, Mask
from calcarium.volume.model import Volume

Index = NDArray[np.intp]

LAG_MM = 3.0  # beyond the correlation of neighbouring voxels
SOFT_HU = (-20.0, 130.0)
LEAST_BLOCKS, LEAST_PAIRS = 150, 200  # blocks of 3 mm: 13 cm2 of soft tissue away from edges
EVERY_SECOND_BELOW_MM = 4.0
UNKNOWN_HU = 20.0  # engineering choice: usual in gated scans
MAD_TO_SIGMA = 1.4826


@dataclass(frozen=True)
class Noise:
    """Standard deviation of the noise in the heart.

    Attributes
    ----------
    hu : shape (n_slices,): of every slice of the scan, between and beyond those that were
        measured from the nearest; a usual value where none was
    median_hu : of the slices that were measured; ``None`` where none was
    """

    hu: Float64
    median_hu: float | None


def measure_noise(volume: Volume, grid: Grid, heart: Mask) -> Noise:
    """Measure the noise of the soft tissue of the heart, slice by slice.

    From the median absolute difference of pixels 3 mm apart in a row: edges and calcium
    do not move it. What is soft tissue is asked of block means: a window on the pixels
    themselves would cut off strong noise, and call 60 HU 42.
    """
    n = volume.geometry.shape[0]
    step = 2 if volume.geometry.slice_increment_mm < EVERY_SECOND_BELOW_MM else 1
    level, rows, columns = (
        grid.nearest(axis, np.arange(size, dtype=np.intp))
        for axis, size in enumerate(volume.geometry.shape)
    )
    found = np.full(n, np.nan)
    soft = heart & (grid.hu > SOFT_HU[0]) & (grid.hu < SOFT_HU[1])
    soft &= neighbours_in_plane(soft) == 9  # away from edges
    blocks = soft.sum(axis=(1, 2))
    for z in range(0, n, step):
        if blocks[level[z]] >= LEAST_BLOCKS:
            found[z] = _slice_noise(volume, z, soft[level[z]], rows, columns)
    known = np.flatnonzero(np.isfinite(found))
    if len(known) == 0:
        return Noise(np.full(n, UNKNOWN_HU), None)
    hu = np.asarray(np.interp(np.arange(n), known, found[known]))
    return Noise(hu, float(np.median(found[known])))


def _slice_noise(volume: Volume, z: int, soft: Mask, rows: Index, columns: Index) -> float:
    """Noise of a slice, in soft tissue of a plane; the grid holds its pixels at rows, columns."""
    down, row = _every_second(rows, soft, 1)
    across, column = _every_second(columns, soft, 0)
    hu = volume.hu((slice(z, z + 1), down, across))[0]
    native = soft.take(column, axis=1).take(row, axis=0)
    lag = max(1, round(LAG_MM / volume.geometry.column_spacing_mm / 2))
    both = native[:, lag:] & native[:, :-lag]
    difference = (hu[:, lag:] - hu[:, :-lag])[both]
    if difference.size <= LEAST_PAIRS:
        return np.nan
    return float(MAD_TO_SIGMA * np.median(np.abs(difference)) / np.sqrt(2))


def _every_second(held: Index, mask: Mask, other_axis: int) -> tuple[slice, Index]:
    """Native indices over a mask's extent along one axis, and where the grid holds them."""
    inside = np.flatnonzero(mask.any(axis=other_axis))
    native = np.flatnonzero((held >= inside[0]) & (held <= inside[-1]))
    step = slice(int(native[0]), int(native[-1]) + 1, 2)
    return step, held[step]

"""How noisy the soft tissue of the heart is, slice by slice."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from calcarium.regions.anatomy.grid import Float64, Grid, Mask
from calcarium.volume.model import Volume

LAG_MM = 3.0  # beyond the correlation of neighbouring voxels
SOFT_HU = (-20.0, 130.0)
LEAST_BLOCKS, LEAST_PAIRS = 150, 200
EVERY_SECOND_BELOW_MM = 4.0
UNKNOWN_HU = 20.0
MAD_TO_SIGMA = 1.4826


def noise_hu(volume: Volume, grid: Grid, heart: Mask) -> Float64:
    """Standard deviation of the noise in the heart, per slice of the scan.

    From the median absolute difference of pixels 3 mm apart in a row: edges and calcium
    do not move it.

    Returns
    -------
    float64 array, shape (n_slices,); see :func:`is_measured`
    """
    n = volume.geometry.shape[0]
    level = grid.nearest(0, np.arange(n, dtype=np.intp))
    step = 2 if volume.geometry.slice_increment_mm < EVERY_SECOND_BELOW_MM else 1
    found = np.full(n, np.nan)
    blocks = heart.sum(axis=(1, 2))
    for z in range(0, n, step):
        if blocks[level[z]] >= LEAST_BLOCKS:
            found[z] = _slice_noise(volume, grid, heart[level[z]], z)
    known = np.flatnonzero(np.isfinite(found))
    if len(known) == 0:
        return np.full(n, UNKNOWN_HU)
    return np.asarray(np.interp(np.arange(n), known, found[known]))


def is_measured(noise: Float64) -> bool:
    """Whether any slice had enough soft tissue; otherwise a usual value stands in."""
    return bool((noise != UNKNOWN_HU).any())


def _slice_noise(volume: Volume, grid: Grid, heart: Mask, z: int) -> float:
    """Noise of one slice, in a plane of the heart's region."""
    rows, row = _every_second(grid, 1, heart)
    columns, column = _every_second(grid, 2, heart)
    hu = volume.hu((slice(z, z + 1), rows, columns))[0]
    soft = heart[np.ix_(row, column)] & (hu > SOFT_HU[0]) & (hu < SOFT_HU[1])
    lag = max(1, round(LAG_MM / volume.geometry.column_spacing_mm / 2))
    both = soft[:, lag:] & soft[:, :-lag]
    difference = (hu[:, lag:] - hu[:, :-lag])[both]
    if difference.size <= LEAST_PAIRS:
        return np.nan
    return float(MAD_TO_SIGMA * np.median(np.abs(difference)) / np.sqrt(2))


def _every_second(grid: Grid, axis: int, heart: Mask) -> tuple[slice, NDArray[np.intp]]:
    """Native indices over the heart's extent along one axis, and where the grid holds them."""
    inside = np.flatnonzero(heart.any(axis=2 - axis))
    native = grid.holding(axis, int(inside[0]), int(inside[-1]))
    step = slice(native.start, native.stop, 2)
    return step, grid.nearest(axis, np.arange(step.start, step.stop, 2, dtype=np.intp))

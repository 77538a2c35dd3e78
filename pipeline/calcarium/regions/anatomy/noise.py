"""How noisy the soft tissue of the heart is, slice by slice."""

from __future__ import annotations

import numpy as np

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
    for z in range(0, n, step):
        if heart[level[z]].sum() >= LEAST_BLOCKS:
            found[z] = _slice_noise(volume, grid, heart, z)
    known = np.flatnonzero(np.isfinite(found))
    if len(known) == 0:
        return np.full(n, UNKNOWN_HU)
    return np.asarray(np.interp(np.arange(n), known, found[known]))


def is_measured(noise: Float64) -> bool:
    """Whether any slice had enough soft tissue; otherwise a usual value stands in."""
    return bool((noise != UNKNOWN_HU).any())


def _slice_noise(volume: Volume, grid: Grid, heart: Mask, z: int) -> float:
    k = int(grid.nearest(0, np.array([z]))[0])
    here = np.zeros_like(heart)
    here[k] = heart[k]
    box = grid.native_box(here, 0.0)
    rows, columns = slice(box.y0, box.y1, 2), slice(box.x0, box.x1, 2)
    hu = volume.hu((slice(z, z + 1), rows, columns))[0]
    row = grid.nearest(1, np.arange(box.y0, box.y1, 2, dtype=np.intp))
    column = grid.nearest(2, np.arange(box.x0, box.x1, 2, dtype=np.intp))
    soft = heart[k][np.ix_(row, column)] & (hu > SOFT_HU[0]) & (hu < SOFT_HU[1])
    lag = max(1, round(LAG_MM / volume.geometry.column_spacing_mm / 2))
    both = soft[:, lag:] & soft[:, :-lag]
    difference = (hu[:, lag:] - hu[:, :-lag])[both]
    if difference.size <= LEAST_PAIRS:
        return np.nan
    return float(MAD_TO_SIGMA * np.median(np.abs(difference)) / np.sqrt(2))

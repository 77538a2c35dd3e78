"""The patient's body on the grid, and what lies inside its outline."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from calcarium.regions.anatomy.grid import Float32, Grid, Mask
from calcarium.regions.anatomy.parts import Parts

BODY_HU = -300.0  # midway between lung (-840) and fat (-100)
BODY_NEIGHBOURS = 4  # of the 3 x 3: a shell of the table one voxel thick has 3, a body's edge 6
BACK_CUT_COLUMNS = 0.15  # body in the last rows of more columns than this: the back is cut off
FRONT_CUT_COLUMNS = 0.3
FRONT_CUT_MM = 30.0  # denser than air for this far from the first row: lung, not a blanket
AIR_BAND_HU = 60.0
TRUE_AIR_HU = -1000.0


def body_mask(grid: Grid) -> Mask:
    """The largest thing that is denser than lung; no table, no blanket."""
    return largest(neighbours_in_plane(grid.hu > BODY_HU) >= BODY_NEIGHBOURS)


def enclosed(grid: Grid, body: Mask) -> Mask:
    """Voxels with body in front and behind in their column, so that air there is in a lung.

    Where the field of view cuts the back or the front off, that side is not asked for.
    """
    in_front = _from_front(body | _front_cut(grid, body))
    if body[:, -2:].any(axis=1).mean() > BACK_CUT_COLUMNS:
        return in_front
    return np.asarray(in_front & _from_front(body[:, ::-1])[:, ::-1])


def _from_front(mask: Mask) -> Mask:
    """The mask and what is behind it; five times as fast as ``accumulate``."""
    behind = mask.copy()
    for row in range(1, mask.shape[1]):
        behind[:, row] |= behind[:, row - 1]
    return behind


def neighbours_in_plane(mask: Mask) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """How many of the 3 x 3 voxels around each voxel of a slice are in the mask."""
    rows = mask.astype(np.uint8)
    rows[:, 1:] += mask[:, :-1]
    rows[:, :-1] += mask[:, 1:]
    count = rows.copy()
    count[:, :, 1:] += rows[:, :, :-1]
    count[:, :, :-1] += rows[:, :, 1:]
    return count


def largest(mask: Mask) -> Mask:
    """The largest 6-connected part of a mask."""
    parts = Parts.of(mask)
    if len(parts) == 0:
        return mask
    return parts.only(np.arange(len(parts)) == parts.size.argmax())


def _front_cut(grid: Grid, body: Mask) -> Mask:
    """True in the first row of columns where the front wall lies outside the image."""
    depth = grid.pixels(FRONT_CUT_MM) + 1
    rows = body.shape[1]
    first = np.where(body.any(axis=1), body.argmax(axis=1), rows)
    density = ndimage.uniform_filter(grid.hu[:, :depth].mean(axis=1), 5, mode="nearest")
    dense = (first >= depth) & (density > _air_hu(grid.hu, body) + AIR_BAND_HU)
    dense &= (dense | (first == 0)).mean(axis=1, keepdims=True) > FRONT_CUT_COLUMNS
    cut = np.zeros_like(body)
    cut[:, 0] = dense
    return cut


def _air_hu(hu: Float32, body: Mask) -> float:
    """HU of air by the scan itself; other tube voltages move it."""
    air = hu[::4][~body[::4]]
    air = air[(air < -850) & (air > -1023.5)]
    level = float(np.percentile(air, 5)) if air.size > 300 else 0.0
    return level if level < -940 else TRUE_AIR_HU

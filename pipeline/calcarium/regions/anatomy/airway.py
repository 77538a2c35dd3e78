"""Where the central airways end: above every coronary artery."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from calcarium.regions.anatomy.thorax import Thorax

AIRWAY_HU = -600.0
SEARCH_MM = 50.0  # to each side; what reaches further is a recess of the lung
HALF_WIDTH_MM = 20.0
BEFORE_SPINE_MM = (18.0, 58.0)
LEAST_AREA_MM2 = 40.0
LEAST_LENGTH_MM = 25.0
LEAST_FORK_MM = 25.0  # the trachea is 15-20 mm wide, the two main bronchi span more
IN_SLICE = np.array([np.zeros((3, 3)), np.ones((3, 3)), np.zeros((3, 3))], dtype=bool)


@dataclass(frozen=True)
class Airway:
    """The lower end of trachea and main bronchi in the middle of the chest.

    Attributes
    ----------
    end : lowest grid slice with a central airway; ``None`` if none is in the scan
    is_forked : it was followed far enough to be the main bronchi, not a trachea lost early
    """

    end: int | None
    is_forked: bool


def find_airway(thorax: Thorax, widest: int) -> Airway:
    """The lowest slice, above the widest lung, that holds central airways.

    The main bronchi leave the middle above the left atrium. Only a fork proves that it was
    them: a trachea that noise or thick slices hide early ends too high.
    """
    grid, spine = thorax.grid, thorax.spine
    if widest < 2:
        return Airway(None, is_forked=False)
    half = grid.pixels(SEARCH_MM)
    left, right = max(0, spine.column - half), spine.column + half + 1
    front = max(0, int(spine.front_row[:widest].min() - 70 / grid.pixel_mm))
    back = int(spine.front_row[:widest].max()) + 1
    part = grid.hu[:widest, front:back, left:right] < AIRWAY_HU
    labels, count = ndimage.label(part, IN_SLICE)
    reaches_lung = np.zeros(count + 1, bool)
    reaches_lung[np.unique(labels[:, :, [0, -1]])] = True
    reaches_lung[0] = True
    airway = ~reaches_lung[labels]
    rows = front + np.arange(part.shape[1])  # the spine may lie behind the field of view
    before_spine = (spine.front_row[:widest, None] - rows) * grid.pixel_mm
    zone = (before_spine > BEFORE_SPINE_MM[0]) & (before_spine <= BEFORE_SPINE_MM[1])
    airway &= zone[:, :, None]
    side_mm = (np.arange(left, left + part.shape[2]) - spine.column) * grid.pixel_mm
    area_mm2 = airway[:, :, np.abs(side_mm) <= HALF_WIDTH_MM].sum(axis=(1, 2)) * grid.pixel_mm2
    seen = ndimage.median_filter((area_mm2 > LEAST_AREA_MM2).view(np.uint8), 3, mode="nearest")
    where = np.flatnonzero(seen)
    if len(where) == 0:
        return Airway(None, is_forked=False)
    end = int(where[-1])
    above = slice(max(0, end - grid.slices(LEAST_LENGTH_MM)), end + 1)
    across = side_mm[airway[above].any(axis=(0, 1))]
    fork_mm = float(across[-1] - across[0]) if len(across) else 0.0
    is_long = seen[above].sum() * grid.slice_mm >= LEAST_LENGTH_MM
    return Airway(end, is_forked=bool(is_long and fork_mm >= LEAST_FORK_MM))

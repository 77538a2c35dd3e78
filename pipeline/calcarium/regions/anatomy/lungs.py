"""The lungs, and the hull around them in each slice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calcarium.regions.anatomy.grid import Float64, Grid, Mask
from calcarium.regions.anatomy.parts import Parts

LUNG_HU = -450.0
LEAST_ML = 30.0
LEAST_SHARE = 0.05  # of the largest part
MEAN_HU = (-965.0, -550.0)  # darker is air or foam, brighter is bowel or partial volume
LUNG_SLICE_SHARE = 0.1  # of the largest area: a slice with lung
HULL_DIRECTIONS = 48


@dataclass(frozen=True)
class Lungs:
    """The lungs on the grid.

    Attributes
    ----------
    mask, hull : the lungs, and their convex hull slice by slice
    area_mm2 : area of lung in each slice
    with_lung : slices that hold lung
    ml : volume
    back_rows : rows in front of which 10 % and 98 % of the lung lie
    """

    mask: Mask
    hull: Mask
    area_mm2: Float64
    with_lung: Mask
    ml: float
    back_rows: tuple[int, int]


def find_lungs(grid: Grid, enclosed: Mask) -> Lungs:
    """Large, air-filled parts inside the body."""
    parts = Parts.of((grid.hu < LUNG_HU) & enclosed)
    mean_hu, ml = parts.sum(grid.hu) / parts.size, parts.size * grid.voxel_ml
    keep = (ml > LEAST_ML) & (mean_hu > MEAN_HU[0]) & (mean_hu < MEAN_HU[1])
    if keep.any():
        keep &= ml > LEAST_SHARE * ml[keep].max()
    mask = parts.only(keep)
    area_mm2 = mask.sum(axis=(1, 2)) * grid.pixel_mm2
    with_lung = area_mm2 > LUNG_SLICE_SHARE * max(float(area_mm2.max()), 1.0)
    profile = (
        mask[with_lung].mean(axis=0).sum(axis=1) if with_lung.any() else np.zeros(mask.shape[1])
    )
    share = np.cumsum(profile) / max(float(profile.sum()), 1e-6)
    rows = int(share.searchsorted(0.1)), int(share.searchsorted(0.98))
    return Lungs(mask, _hull(mask), area_mm2, with_lung, float(ml[keep].sum()), rows)


def _hull(mask: Mask) -> Mask:
    """Convex hull of each slice, from its supporting lines in evenly spread directions."""
    slices, rows, columns = mask.shape
    seen: Mask = np.asarray(mask.any(axis=2))
    first = np.where(seen, mask.argmax(axis=2), np.inf)
    last = np.where(seen, columns - 1 - mask[:, :, ::-1].argmax(axis=2), -np.inf)
    row = np.arange(rows, dtype=np.float64)
    left, right = np.full((slices, rows), -np.inf), np.full((slices, rows), np.inf)
    inside = np.repeat(np.asarray(seen.any(axis=1, keepdims=True)), rows, axis=1)
    for angle in np.arange(HULL_DIRECTIONS) * 2 * np.pi / HULL_DIRECTIONS:
        a, b = round(float(np.cos(angle)), 9), round(float(np.sin(angle)), 9)
        reach = a * (last if a > 0 else first) if a else np.where(seen, 0.0, -np.inf)
        support = (reach + b * row).max(axis=1)
        limit = np.where(np.isfinite(support), support, 0)[:, None] + 0.5 - b * row
        if a > 0:
            right = np.minimum(right, limit / a)
        elif a < 0:
            left = np.maximum(left, limit / a)
        else:
            inside &= limit >= 0
    first, last = np.ceil(np.clip(left, 0, columns)), np.floor(np.clip(right, -1, columns))
    column = np.arange(columns, dtype=np.int16)
    hull = column >= first.astype(np.int16)[:, :, None]
    hull &= column <= last.astype(np.int16)[:, :, None]
    return np.asarray(hull & inside[:, :, None])

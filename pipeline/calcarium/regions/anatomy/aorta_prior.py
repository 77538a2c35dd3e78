"""Where anatomy expects the aorta, as weights of 0 to 1 on a part of the grid."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from calcarium.regions.anatomy.extent import Extent
from calcarium.regions.anatomy.grid import Float32, Float64
from calcarium.regions.anatomy.rings import flat_top
from calcarium.regions.anatomy.thorax import Thorax
from calcarium.regions.boxes import Bounds


def looks_like_blood(thorax: Thorax, part: Bounds) -> Float32:
    """How much each voxel's surroundings are as bright as blood, 0 to 1; 0 in the lungs."""
    grid = thorax.grid
    blood_hu = min(thorax.blood_hu, 70.0)
    inside = ndimage.gaussian_filter(
        np.clip(grid.hu[part], -150, 250), (0, 4 / grid.pixel_mm, 4 / grid.pixel_mm)
    )
    like = np.clip((inside - (blood_hu - 80)) / 25, 0, 1) * np.clip(
        (blood_hu + 60 - inside) / 20, 0, 1
    )
    return np.asarray(like * ~thorax.lungs.mask[part], dtype=np.float32)


def _places(thorax: Thorax, part: Bounds) -> tuple[Float64, Float64, Float64]:
    """Behind the vertebra's front, left of the spine (mm); depth behind the front wall (share)."""
    grid, (z, y, x) = thorax.grid, part
    rows = np.arange(y.start, y.stop)[None, :, None]
    behind = (rows - thorax.spine.front_row[z, None, None]) * grid.pixel_mm
    depth = (rows - thorax.front_row[z, None, None]) * grid.pixel_mm / thorax.depth_mm
    return behind, thorax.left_mm[:, :, x], depth


def descending_prior(thorax: Thorax, extent: Extent, part: Bounds, *, side: int) -> Float32:
    """Left of the vertebra, and nearer to the midline further down; at the left lung."""
    grid, (z, _, _) = thorax.grid, part
    behind, left, _ = _places(thorax, part)
    above = (extent.bottom - np.arange(z.start, z.stop)) * grid.slice_mm
    low = np.clip(1 - above / 90, 0, 1)[:, None, None]
    left = side * left
    prior = flat_top(left - (24 - 12 * low), 12, 8) * flat_top(behind - (-2 - 14 * low), 14, 8)
    in_spine = (np.abs(left) < 18) & (behind > -3)
    return np.asarray(prior * ~in_spine, dtype=np.float32)


def ascending_prior(thorax: Thorax, extent: Extent, part: Bounds, tilt: float) -> Float32:
    """Before the spine and right of it, in the middle of the depth, well above the underside."""
    grid, (z, _, _) = thorax.grid, part
    behind, left, depth = _places(thorax, part)
    prior = flat_top(left + tilt * behind + 6, 12, 9) * flat_top(depth - 0.40, 0.09, 0.06)
    above = (extent.bottom - np.arange(z.start, z.stop)) * grid.slice_mm
    return np.asarray(prior * np.clip((above - 50) / 25, 0, 1)[:, None, None], dtype=np.float32)

"""The frame of the chest: what lies inside the ribs, and coordinates to say where."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from calcarium.regions.anatomy.body import body_mask, enclosed
from calcarium.regions.anatomy.bright_disc import BrightDisc, find_bright_disc
from calcarium.regions.anatomy.grid import Float64, Grid, Mask
from calcarium.regions.anatomy.lungs import Lungs, find_lungs
from calcarium.regions.anatomy.parts import Parts
from calcarium.regions.anatomy.spine import Spine, find_spine
from calcarium.regions.boxes import Bounds

CARRY_MM = 60.0  # the heart touches the front wall; the lungs above it do not hide it
FRONT_PERCENTILE, SMOOTH_MM = 30, 45.0
DEFAULT_DEPTH_MM = 100.0
SPINE_ZONE_MM = 32.0  # half width
SOFT_HU = (-20.0, 200.0)
BLOOD_PERCENTILE, BLOOD_DEFAULT_HU, BLOOD_GREATEST_HU = 60, 40.0, 80.0
LEAST_SOFT_VOXELS = 300
CONTRAST_HU = 110.0  # no soft tissue without contrast is that bright
CONTRAST_FLATTENED_HU = 60.0
BONE_ABOVE_BLOOD_HU = 40.0  # calcifying cartilage is 90-120 HU
BONE_LEAST_ML, BONE_SHARE_OUTSIDE = 1.0, 0.2


@dataclass(frozen=True)
class Thorax:
    """The chest on the grid.

    Attributes
    ----------
    grid : with contrast its bright voxels are flattened, so that blood looks like blood
    body, lungs, spine : as found
    inside : interior of the lungs' hull, carried down over the heart
    front_row : grid row of the front wall, per slice
    depth_mm : distance from the front wall to the spine
    soft : soft tissue inside, without the front wall and the spine's zone
    blood_hu : typical value of blood and muscle
    contrast : share of the soft tissue that is brighter than any without contrast
    disc : with contrast, the descending aorta
    """

    grid: Grid
    body: Mask
    lungs: Lungs
    spine: Spine
    inside: Mask
    front_row: Float64
    depth_mm: float
    soft: Mask
    blood_hu: float
    contrast: float
    disc: BrightDisc | None = None

    @property
    def rows(self) -> np.ndarray[tuple[int, ...], np.dtype[np.intp]]:
        """Row indices, shaped to broadcast over a grid."""
        return np.arange(self.grid.hu.shape[1])[None, :, None]

    @property
    def left_mm(self) -> Float64:
        """Distance of each column to the left of the spine, shaped to broadcast."""
        columns = np.arange(self.grid.hu.shape[2])[None, None, :]
        return np.asarray((columns - self.spine.column) * self.grid.pixel_mm)


def find_thorax(grid: Grid, contrast_limit: float) -> Thorax:
    """Body, lungs, spine, front wall and the soft tissue between them.

    Parameters
    ----------
    grid : the scan
    contrast_limit : share of bright soft tissue from which the blood holds contrast
    """
    body = body_mask(grid)
    lungs = find_lungs(grid, enclosed(grid, body))
    contrast = bright_share(grid, body, lungs) or 0.0
    spine = find_spine(grid, body, lungs, contrast=contrast > contrast_limit)
    disc = None
    if contrast > contrast_limit:
        disc = find_bright_disc(grid, body, lungs, spine.column)
        grid = replace(grid, hu=np.minimum(grid.hu, np.float32(CONTRAST_FLATTENED_HU)))
    inside = _carried_down(lungs.hull, grid.slices(CARRY_MM))
    front = _front_wall(grid, lungs.hull, spine.column)
    slices = lungs.with_lung
    distance = np.median((spine.front_row - front)[slices]) if slices.any() else None
    depth_mm = DEFAULT_DEPTH_MM if distance is None else float(distance) * grid.pixel_mm
    soft = _soft_tissue(grid, body, lungs, spine, inside, front)
    values = grid.hu[soft & (grid.hu > SOFT_HU[0]) & (grid.hu <= SOFT_HU[1])]
    enough = values.size > LEAST_SOFT_VOXELS
    percentile = float(np.percentile(values, BLOOD_PERCENTILE)) if enough else BLOOD_DEFAULT_HU
    blood_hu = min(percentile, BLOOD_GREATEST_HU)
    return Thorax(grid, body, lungs, spine, inside, front, depth_mm, soft, blood_hu, contrast, disc)


def wall_bone(thorax: Thorax, part: Bounds) -> Mask:
    """Ribs, cartilage, sternum and spine in a part of the grid.

    Everything brighter than blood that hangs together with bone outside the lungs' hull:
    so a rib that bulges into the hull is found, and a calcified artery is not.
    """
    grid = thorax.grid
    hu = grid.hu[part]
    if grid.factor == 1:  # native 3 mm voxels: their noise is not averaged yet
        hu = ndimage.uniform_filter(hu, (1, 3, 3))
    bright = (hu > min(thorax.blood_hu, 60.0) + BONE_ABOVE_BLOOD_HU) & thorax.body[part]
    parts = Parts.of(bright)
    outside = parts.sum(~thorax.inside[part])
    is_bone = parts.size * grid.voxel_ml > BONE_LEAST_ML
    return parts.only(is_bone & (outside > BONE_SHARE_OUTSIDE * parts.size))


def bright_share(grid: Grid, body: Mask, lungs: Lungs) -> float | None:
    """Share of contrast-bright voxels in the front half of the hull: no spine, little bone.

    ``None`` where too little soft tissue is in view.
    """
    front = lungs.hull & ~lungs.mask & body & (grid.hu > SOFT_HU[0])
    front[:, sum(lungs.back_rows) // 2 :] = False
    values = grid.hu[front]
    return float((values > CONTRAST_HU).mean()) if values.size > 200 else None


def _carried_down(hull: Mask, slices: int) -> Mask:
    """The hull, and whatever lies within some slices below it."""
    inside = hull.copy()
    step = 1
    while slices > 0 and step < len(hull):
        step = min(step, slices)
        inside[step:] |= inside[:-step].copy()
        slices -= step
        step *= 2
    return inside


def _front_wall(grid: Grid, hull: Mask, column: int) -> Float64:
    """First row of the hull near the midline, smoothed along the body."""
    first, last = column - round(12 / grid.pixel_mm), column + int(30 / grid.pixel_mm)
    rows = np.any(hull[:, :, max(0, first) : last + 1], axis=2)
    seen = np.flatnonzero(rows.any(axis=1))
    if len(seen) == 0:
        return np.zeros(len(hull))
    front = np.interp(np.arange(len(hull)), seen, rows.argmax(axis=1)[seen])
    size = max(3, int(SMOOTH_MM / grid.slice_mm) | 1)
    return np.asarray(ndimage.percentile_filter(front, FRONT_PERCENTILE, size=size, mode="nearest"))


def _soft_tissue(
    grid: Grid, body: Mask, lungs: Lungs, spine: Spine, inside: Mask, front: Float64
) -> Mask:
    rows = np.arange(grid.hu.shape[1])[None, :, None]
    side_mm = np.abs(np.arange(grid.hu.shape[2]) - spine.column) * grid.pixel_mm
    at_spine = (rows > spine.front_row[:, None, None] - 1) & (side_mm < SPINE_ZONE_MM)
    return np.asarray(inside & ~lungs.mask & body & (rows > front[:, None, None]) & ~at_spine)


def sternum_tilt(thorax: Thorax, bottom: int) -> float:
    """How far the sternum lies to the left per mm in front of the spine.

    A patient who lies turned in the scanner moves the aorta sideways. 0 where no sternum
    is seen (cut off, or not ossified).
    """
    grid, column = thorax.grid, thorax.spine.column
    first = max(0, int(bottom - 125 / grid.slice_mm))
    last = max(1, int(bottom - 45 / grid.slice_mm))
    left, right = max(0, int(column - 55 / grid.pixel_mm)), int(column + 55 / grid.pixel_mm) + 1
    bone = np.zeros(grid.hu[0, 0, left:right].shape)
    seen = 0
    for k in range(first, last):
        a = int(thorax.front_row[k] - 24 / grid.pixel_mm)
        b = int(thorax.front_row[k] + 15 / grid.pixel_mm)
        if b > 2:
            strip = np.clip((grid.hu[k, max(0, a) : b, left:right] - 130) / 150, 0, 1)
            bone += strip.sum(axis=0) * grid.pixel_mm
            seen += 1
    if seen == 0 or bone.max() / seen < 2:  # less than 2 mm of full bone
        return 0.0
    bone = ndimage.gaussian_filter1d(bone, 8 / grid.pixel_mm)
    bone = np.maximum(bone - 0.5 * bone.max(), 0)
    offset = left + float((bone * np.arange(len(bone))).sum() / bone.sum()) - column
    depth = float(np.median((thorax.spine.front_row - thorax.front_row)[first:last]))
    return float(np.clip(offset * grid.pixel_mm / max(depth * grid.pixel_mm, 60.0), -0.3, 0.3))

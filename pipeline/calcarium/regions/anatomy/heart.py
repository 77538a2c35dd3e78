"""The heart on the grid: where coronary arteries may be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calcarium.config.detector_anatomy import HeartRules
from calcarium.regions.anatomy.aorta import Aorta
from calcarium.regions.anatomy.ball import dilated
from calcarium.regions.anatomy.body import neighbours_in_plane
from calcarium.regions.anatomy.extent import Extent
from calcarium.regions.anatomy.grid import Grid, Mask
from calcarium.regions.anatomy.parts import Parts
from calcarium.regions.anatomy.rings import flat_top
from calcarium.regions.anatomy.thorax import Thorax, wall_bone
from calcarium.regions.boxes import Bounds, labelled_bounds

RIGHT_OF_SPINE = (0.5, 60.0)  # share of the chest's depth, but at least so many mm
LEFT_OF_SPINE = (0.95, 125.0)
BONE_MARGIN_MM = (20.0, 60.0)
BEFORE_SPINE_MM = 6.0
AORTA_MARGIN_MM = 2.0
CORE_MM, GROWN_MM = 9.0, 11.5  # a core free of vessels and chest wall, grown back
EPICARDIUM_MM = 8.0  # arteries run in fat outside the chambers of a heart mask
CHAMBER_HU, CHAMBER_DEPTH_MM = -20.0, 6.0  # no fat, and no artery, is within that depth
LIVER_BELOW_MM = 30.0  # the region's lowest part may hold liver, which is brighter than blood
LEAST_BLOOD_VOXELS = 300


@dataclass(frozen=True)
class Heart:
    """The heart's region.

    Attributes
    ----------
    mask : the region on the grid, epicardial fat included
    bone : bone and cartilage of the chest wall
    chambers : what is too thick for an artery, without its outer 6 mm
    blood_hu : of blood and muscle, measured above the liver, which is brighter
    ml, height_mm : of the region
    lung_area_cm2 : median area of lung in its slices
    """

    mask: Mask
    bone: Mask
    chambers: Mask
    blood_hu: float
    ml: float
    height_mm: float
    lung_area_cm2: float


def find_heart(thorax: Thorax, extent: Extent, aorta: Aorta, rules: HeartRules) -> Heart:
    """Soft tissue of the chest that is neither vessel, spine nor wall, near the heart's place."""
    grid, spine = thorax.grid, thorax.spine
    top = _top(thorax, extent, aorta, rules)
    z = slice(top, min(len(grid.hu), extent.bottom + 1))
    y = slice(
        max(0, int(thorax.front_row[z].min()) - 1),
        min(grid.hu.shape[1], int(spine.front_row[z].max()) + 2),
    )
    part = z, y, _beside_spine(thorax, 0.0)
    bone = _bone(thorax, extent, rules)
    soft = thorax.soft[part] & (neighbours_in_plane(bone[part]) == 0)
    rows = np.arange(y.start, y.stop)[None, :, None]
    soft &= rows < spine.front_row[z, None, None] - BEFORE_SPINE_MM / grid.pixel_mm
    soft &= ~_descending(thorax, aorta, part)
    mask = np.zeros(grid.hu.shape, bool)
    mask[part] = _grown_core(thorax, soft, part)
    return _measured(thorax, extent, mask, bone)


def heart_of_mask(thorax: Thorax, extent: Extent, mask: Mask, rules: HeartRules) -> Heart:
    """The region of a user's heart mask (on the grid): it, and the fat around it."""
    bone = _bone(thorax, extent, rules)
    near = dilated(mask, EPICARDIUM_MM, thorax.grid.sampling_mm)
    region = np.asarray(near & ~thorax.lungs.mask & ~bone & thorax.body)
    return _measured(thorax, extent, region, bone)


def _top(thorax: Thorax, extent: Extent, aorta: Aorta, rules: HeartRules) -> int:
    """Upper end: the heart's height above its underside, not above the main bronchi."""
    grid = thorax.grid
    top = extent.bottom - rules.height_mm / grid.slice_mm
    if len(aorta.ascending) * grid.slice_mm > rules.aorta_least_length_mm:
        top = min(top, aorta.ascending.last - rules.above_root_mm / grid.slice_mm)
    if extent.airway_end is not None:
        top = max(top, extent.airway_end - grid.slices(rules.above_bronchi_mm))
    return int(np.clip(round(top), 0, extent.bottom))


def _beside_spine(thorax: Thorax, margin_mm: float) -> slice:
    grid, column, depth = thorax.grid, thorax.spine.column, thorax.depth_mm
    right = max(RIGHT_OF_SPINE[0] * depth, RIGHT_OF_SPINE[1]) + margin_mm
    left = max(LEFT_OF_SPINE[0] * depth, LEFT_OF_SPINE[1]) + margin_mm
    return slice(
        max(0, int(column - right / grid.pixel_mm)),
        min(grid.hu.shape[2], int(column + left / grid.pixel_mm) + 1),
    )


def _bone(thorax: Thorax, extent: Extent, rules: HeartRules) -> Mask:
    grid = thorax.grid
    rows_mm, columns_mm = BONE_MARGIN_MM
    part = (
        slice(
            max(0, extent.bottom - grid.slices(rules.height_mm + 35)),
            min(len(grid.hu), extent.bottom + 4),
        ),
        slice(
            max(0, int(thorax.front_row.min() - rows_mm / grid.pixel_mm)),
            min(grid.hu.shape[1], int(thorax.spine.front_row.max() + rows_mm / grid.pixel_mm)),
        ),
        _beside_spine(thorax, columns_mm),
    )
    bone = np.zeros(grid.hu.shape, bool)
    bone[part] = wall_bone(thorax, part)
    return bone


def _descending(thorax: Thorax, aorta: Aorta, part: Bounds) -> Mask:
    z, y, x = part
    levels = np.arange(z.start, z.stop, dtype=np.float64)
    circle = aorta.descending.at(levels, beyond=0)
    rows = np.arange(y.start, y.stop)[None, :, None] - circle.row[:, None, None]
    columns = np.arange(x.start, x.stop)[None, None] - circle.column[:, None, None]
    radius = (circle.radius_mm + AORTA_MARGIN_MM) / thorax.grid.pixel_mm
    within = rows * rows + columns * columns <= (radius * radius)[:, None, None]
    return np.asarray(within & (circle.known & (levels >= aorta.descending.first))[:, None, None])


def _grown_core(thorax: Thorax, soft: Mask, part: Bounds) -> Mask:
    """The thick part nearest to the heart's place, grown back to its surface."""
    grid, (z, y, x) = thorax.grid, part
    padded = np.pad(soft, ((0, 0), (1, 1), (1, 1)))
    core = ~dilated(~padded, CORE_MM, grid.sampling_mm)[:, 1:-1, 1:-1]
    parts = Parts.of(core)
    if len(parts) == 0:
        return soft
    left = thorax.left_mm[:, :, x]
    middle = (thorax.front_row * 0.55 + thorax.spine.front_row * 0.45)[z, None, None]
    rows_mm = (np.arange(y.start, y.stop)[None, :, None] - middle) * grid.pixel_mm
    expected = flat_top(left - 0.22 * thorax.depth_mm, 25, 25) * flat_top(rows_mm, 15, 25)
    nearest = np.arange(len(parts)) == parts.sum(expected).argmax()
    grown = dilated(parts.only(nearest), GROWN_MM, grid.sampling_mm)
    return np.asarray(grown & soft)


def _measured(thorax: Thorax, extent: Extent, mask: Mask, bone: Mask) -> Heart:
    grid = thorax.grid
    slices = mask.any(axis=(1, 2))
    lung = float(np.median(thorax.lungs.area_mm2[slices])) / 100 if slices.any() else 0.0
    chambers = _chambers(grid, mask)
    return Heart(
        mask,
        bone,
        chambers,
        _blood_hu(thorax, extent, chambers),
        float(mask.sum()) * grid.voxel_ml,
        float(slices.sum()) * grid.slice_mm,
        lung,
    )


def _chambers(grid: Grid, mask: Mask) -> Mask:
    chambers = np.zeros_like(mask)
    part = labelled_bounds(mask)
    soft = mask[part] & (grid.hu[part] > CHAMBER_HU)
    chambers[part] = ~dilated(~soft, CHAMBER_DEPTH_MM, grid.sampling_mm)
    return chambers


def _blood_hu(thorax: Thorax, extent: Extent, chambers: Mask) -> float:
    """The median of the chambers; of all soft tissue where too little of them is seen."""
    grid = thorax.grid
    above_liver = slice(None, max(0, extent.bottom - grid.slices(LIVER_BELOW_MM)))
    values = grid.hu[above_liver][chambers[above_liver]]
    return float(np.median(values)) if values.size > LEAST_BLOOD_VOXELS else thorax.blood_hu

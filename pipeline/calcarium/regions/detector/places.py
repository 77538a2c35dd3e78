"""Where each candidate lies, in the anatomy's own coordinates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import KDTree

from calcarium.regions.anatomy.ball import dilated
from calcarium.regions.anatomy.body import neighbours_in_plane
from calcarium.regions.anatomy.grid import Float64, Grid, Mask
from calcarium.regions.anatomy.heart import CHAMBER_DEPTH_MM, Heart
from calcarium.regions.anatomy.landmarks import Landmarks
from calcarium.regions.anatomy.thorax import Thorax
from calcarium.regions.boxes import labelled_bounds
from calcarium.regions.detector.beside_aorta import FAR_MM, beside_aorta, native_sign
from calcarium.regions.detector.candidates import Candidates
from calcarium.volume.model import Volume
from calcarium_kernels.contract import Int64

RIM_PX = 2
LEAST_NOISE_HU = 8.0
AGATSTON_STEPS_HU = (200.0, 300.0, 400.0)
MIN_AREA_MM2 = 1.0
AROUND_MM = 12.0  # Gaussian; 8 to 14 tell pericardium from artery nearly alike


@dataclass(frozen=True)
class Places:
    """One value per candidate in every array; lengths in mm, NaN where unknown.

    Attributes
    ----------
    volume_mm3, area_mm2, peak_hu : of the candidate
    noise_hu, peak_over_blood_sd : noise of its slice; how far the peak stands out of it
    agatston : approximate score of it, all islands of a slice taken as one
    z, y, x : native index of its middle
    in_region, at_rim : share of voxels in the heart's region, at the image's border
    lung_mm, bone_mm : distance to lung, to bone or cartilage of the chest wall
    muscle_share : of what lies around (Gaussian of 12 mm), chambers and great vessels
    left_mm : to the left of the spine, corrected for a turned patient
    before_spine_mm, behind_wall_mm : in front of the vertebra, behind the chest wall
    depth : ``before_spine_mm`` as a share of the distance from spine to wall
    above_bottom_mm : above the heart's underside
    below_bronchi_mm : below the main bronchi (99 where unknown)
    outside_aorta_mm : from the wall of ascending aorta or root, negative inside (99 if far)
    across_wall_mm : depth across the wall of that aorta (0 where unknown)
    outside_descending_mm : from the wall of the descending aorta
    above_root_mm : above the lower end of the ascending aorta
    left_of_aorta_mm, behind_aorta_mm : from the axis of the ascending aorta
    beside_aorta : at a level where the ascending aorta itself was seen
    aorta_support : how well the circle of its level was seen, 0 to 1
    to_aorta, to_heart : (n, 2) in-plane unit vectors in native rows and columns
    """

    volume_mm3: Float64
    area_mm2: Float64
    peak_hu: Float64
    noise_hu: Float64
    peak_over_blood_sd: Float64
    agatston: Float64
    z: Float64
    y: Float64
    x: Float64
    in_region: Float64
    at_rim: Float64
    lung_mm: Float64
    bone_mm: Float64
    muscle_share: Float64
    left_mm: Float64
    before_spine_mm: Float64
    behind_wall_mm: Float64
    depth: Float64
    above_bottom_mm: Float64
    below_bronchi_mm: Float64
    outside_aorta_mm: Float64
    across_wall_mm: Float64
    outside_descending_mm: Float64
    above_root_mm: Float64
    left_of_aorta_mm: Float64
    behind_aorta_mm: Float64
    beside_aorta: Mask
    aorta_support: Float64
    to_aorta: Float64
    to_heart: Float64

    def __len__(self) -> int:
        return len(self.z)


def find_places(
    volume: Volume, candidates: Candidates, landmarks: Landmarks, noise: Float64
) -> Places:
    """Measure where every candidate lies.

    Parameters
    ----------
    volume, candidates, landmarks : as found
    noise : standard deviation of the noise, per slice of the scan
    """
    thorax, extent, aorta, heart = (
        landmarks.thorax,
        landmarks.extent,
        landmarks.aorta,
        landmarks.heart,
    )
    grid, geometry = thorax.grid, volume.geometry
    z, y, x = (candidates.mean(i) for i in (candidates.z, candidates.y, candidates.x))
    k, row, column = grid.from_native(z, y, x)
    level = np.clip(np.rint(k), 0, len(grid.hu) - 1).astype(np.int64)
    before_spine = (thorax.spine.front_row[level] - row) * grid.pixel_mm
    lung_mm, bone_mm, in_region = _distances(candidates, thorax, heart)
    beside = beside_aorta(candidates, grid, aorta, k, row, column)
    bronchi = extent.airway_end
    area_mm2 = candidates.size.astype(np.float64) * geometry.pixel_area_mm2
    peak_hu, noise_hu = candidates.peak().astype(np.float64), noise[np.rint(z).astype(int)]
    return Places(
        volume_mm3=area_mm2 * geometry.slice_increment_mm,
        area_mm2=area_mm2,
        peak_hu=peak_hu,
        noise_hu=noise_hu,
        peak_over_blood_sd=(peak_hu - heart.blood_hu) / np.maximum(noise_hu, LEAST_NOISE_HU),
        agatston=_agatston(candidates, volume),
        z=z,
        y=y,
        x=x,
        in_region=in_region,
        at_rim=_at_rim(candidates, geometry.rows, geometry.columns),
        lung_mm=lung_mm,
        bone_mm=bone_mm,
        muscle_share=_muscle_share(grid, heart, k, row, column),
        left_mm=(column - thorax.spine.column) * grid.pixel_mm - landmarks.tilt * before_spine,
        before_spine_mm=before_spine,
        behind_wall_mm=(row - thorax.front_row[level]) * grid.pixel_mm,
        depth=before_spine / thorax.depth_mm,
        above_bottom_mm=(extent.bottom - k) * grid.slice_mm,
        below_bronchi_mm=np.full(len(z), FAR_MM)
        if bronchi is None
        else (k - bronchi) * grid.slice_mm,
        **vars(beside),
        to_heart=_to_heart(grid, heart.mask, level, row, column),
    )


def _agatston(candidates: Candidates, volume: Volume) -> Float64:
    """Area by the density factor of the peak, per slice, in Agatston's 3 mm slices."""
    n = volume.geometry.shape[0]
    key = candidates.owner * n + candidates.z  # voxels are in raster order within a candidate
    first = np.flatnonzero(np.diff(key, prepend=-1))
    if len(first) == 0:
        return np.zeros(0)
    peak = np.maximum.reduceat(candidates.hu, first)
    area = np.diff(np.append(first, len(key))) * volume.geometry.pixel_area_mm2
    score = (1 + np.digitize(peak, AGATSTON_STEPS_HU)) * area * (area >= MIN_AREA_MM2)
    total = np.bincount(candidates.owner[first], score, minlength=len(candidates))
    return np.asarray(total * volume.geometry.slice_increment_mm / 3)


def _at_rim(candidates: Candidates, rows: int, columns: int) -> Float64:
    y, x = candidates.y, candidates.x
    rim = (y < RIM_PX) | (x < RIM_PX) | (y >= rows - RIM_PX) | (x >= columns - RIM_PX)
    return candidates.mean(rim)


def _distances(
    candidates: Candidates, thorax: Thorax, heart: Heart
) -> tuple[Float64, Float64, Float64]:
    """Mean distance to lung and wall bone, and share in the region widened by a block."""
    grid = thorax.grid
    bounds = labelled_bounds(heart.mask)
    part = (bounds[0], *(slice(max(0, b.start - 1), b.stop + 1) for b in bounds[1:]))
    index = [
        grid.nearest(axis, native.astype(np.intp)) - p.start
        for axis, (native, p) in enumerate(
            zip((candidates.z, candidates.y, candidates.x), part, strict=True)
        )
    ]
    region = heart.mask[part]
    shape = region.shape
    within = np.all([(i >= 0) & (i < n) for i, n in zip(index, shape, strict=True)], axis=0)
    nearest = tuple(np.clip(i, 0, n - 1) for i, n in zip(index, shape, strict=True))
    block, of_voxel = np.unique(np.ravel_multi_index(nearest, shape), return_inverse=True)
    lung_mm, bone_mm = (
        _distance_to(mask[part], block, grid)[of_voxel] for mask in (thorax.lungs.mask, heart.bone)
    )
    widened = (neighbours_in_plane(region) > 0).ravel()[block][of_voxel]
    return (
        candidates.mean(lung_mm),
        candidates.mean(bone_mm),
        candidates.mean(widened & within),
    )


def _distance_to(mask: Mask, at: Int64, grid: Grid) -> Float64:
    """Distance to the nearest voxel of a mask, at some places of its flat array.

    A distance transform would tell it of every voxel, of which candidates fill few.
    """
    if not mask.any():
        return np.full(len(at), FAR_MM)
    # Sliding midpoints: points of a grid make medians slow.
    tree = KDTree(_surface(mask) * grid.sampling_mm, balanced_tree=False, compact_nodes=False)
    away_mm = np.zeros(len(at))
    outside = ~mask.ravel()[at]
    there = np.stack(np.unravel_index(at[outside], mask.shape), axis=1)
    away_mm[outside], _ = tree.query(there * grid.sampling_mm)
    return away_mm


def _surface(mask: Mask) -> NDArray[np.intp]:
    """Voxels of a mask of which one of the six neighbours is outside, shape (n, 3)."""
    padded = np.pad(mask, 1)
    inner = padded.copy()
    for axis in range(3):
        for step in (-1, 1):
            inner &= np.roll(padded, step, axis)
    return np.argwhere((padded & ~inner)[1:-1, 1:-1, 1:-1])


def _muscle_share(grid: Grid, heart: Heart, k: Float64, row: Float64, column: Float64) -> Float64:
    """How much muscle and blood surrounds each candidate, on however many sides.

    An artery lies in a groove between chambers, the pericardium over the hump of one. So it
    tells them apart better than the distance to the nearest chamber.
    """
    part = labelled_bounds(heart.mask)
    solid = dilated(heart.chambers[part], CHAMBER_DEPTH_MM, grid.sampling_mm)
    share = ndimage.gaussian_filter(
        solid.astype(np.float32), [AROUND_MM / mm for mm in grid.sampling_mm], mode="constant"
    )
    at = [index - bound.start for index, bound in zip((k, row, column), part, strict=True)]
    return np.asarray(ndimage.map_coordinates(share, at, order=1, mode="nearest"), dtype=float)


def _to_heart(grid: Grid, heart: Mask, level: Int64, row: Float64, column: Float64) -> Float64:
    """In-plane direction from each candidate to the middle of the heart's region."""
    count = np.maximum(heart.sum(axis=(1, 2)), 1)
    rows = heart.sum(axis=2) @ np.arange(heart.shape[1]) / count
    columns = heart.sum(axis=1) @ np.arange(heart.shape[2]) / count
    offset = np.stack([rows[level] - row, columns[level] - column], axis=1)
    length = np.maximum(np.hypot(offset[:, 0], offset[:, 1]), 1e-3)
    return np.asarray(offset / length[:, None] * native_sign(grid))

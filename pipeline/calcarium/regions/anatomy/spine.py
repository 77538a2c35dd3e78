"""The vertebral column on the grid: the origin of the detector's coordinates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from calcarium.regions.anatomy.grid import Float32, Float64, Grid, Mask
from calcarium.regions.anatomy.lungs import Lungs

BONE_HU = (100.0, 200.0)  # none to full bone
FRONT_LUNG_MM = 60.0  # ribs have lung in front of them, the spine has the mediastinum
RIB_WEIGHT = 0.15  # not 0: a thin person has lung in front of the spine as well
BESIDE_SHARE, BESIDE_WEIGHT = 0.02, 0.3  # the spine has lung on both sides, a rib on one
BACK_SHARE = 0.45  # the spine lies behind this share of the lungs' depth
COLUMN_MM = 12.0  # half width of the column whose front edge is followed
BODY_HALF_WIDTH_MM = 24.0
EDGE_SHARE, EDGE_LEAST = 0.4, 0.25  # of the column's bone
REACH_MM = (60.0, 12.0)  # in front of and behind the brightest point
SMOOTH_MM = 45.0
LEAST_SEEN = 0.3  # of the slices with lung
UNSEEN_OFFSET_MM = 15.0  # spine from the lungs' narrowest point, when it lies outside the image


@dataclass(frozen=True)
class Spine:
    """The vertebral column.

    Attributes
    ----------
    column : grid column of its middle
    front_row : grid row of its front edge, per slice
    bone : mean bone fraction where it is most certain, 0 if it was not seen
    """

    column: int
    front_row: Float64
    bone: float


def find_spine(grid: Grid, body: Mask, lungs: Lungs, *, contrast: bool) -> Spine:
    """The bone that persists along the body and has no lung in front of it.

    With contrast the blood is as bright as bone, but no chamber is as long as the scan:
    there the bone must be seen in nine tenths of the slices.
    """
    bone = grid.hu - np.float32(BONE_HU[0])
    bone /= np.float32(BONE_HU[1] - BONE_HU[0])
    np.clip(bone, 0, 1, out=bone)
    bone *= body
    slices = lungs.with_lung if lungs.with_lung.any() else np.ones(len(bone), bool)
    evidence = _evidence(grid, bone[slices], lungs.mask[slices], lungs, contrast=contrast)
    row, _ = np.unravel_index(int(evidence.argmax()), evidence.shape)
    column = _plateau_centre(grid, evidence)
    front, seen = _front_edge(grid, bone, int(row), column)
    if contrast:  # the chambers in front are as bright: the edge of what persists
        back = evidence[:, max(0, column - 2) : column + 3].mean(axis=1)
        weak = np.flatnonzero(back[: back.argmax()] < 0.5 * back.max())
        front[:] = int(weak[-1]) + 1 if len(weak) else 0
    if seen[slices].mean() > LEAST_SEEN:
        where = np.flatnonzero(seen)
        front = np.interp(np.arange(len(front)), where, front[where])
        strength = float(evidence.max())
    else:
        front, strength = np.full(len(front), float(bone.shape[1])), 0.0
        column = _between_the_lungs(grid, lungs.mask[slices])
    size = max(3, int(SMOOTH_MM / grid.slice_mm) | 1)
    return Spine(column, ndimage.median_filter(front, size, mode="nearest"), strength)


def _evidence(grid: Grid, bone: Float32, lung: Mask, lungs: Lungs, *, contrast: bool) -> Float64:
    if contrast:
        bone = ndimage.uniform_filter1d(bone, max(1, grid.slices(30.0)), axis=0)
        persistent = np.quantile(bone, 0.1, axis=0)
    else:
        persistent = bone.mean(axis=0)
    persistent = ndimage.gaussian_filter(persistent.astype(np.float64), 7 / grid.pixel_mm)
    depth = grid.pixels(FRONT_LUNG_MM)
    total = np.cumsum(np.pad(lung.mean(axis=0), ((depth, 0), (0, 0))), axis=0)
    lung_in_front = (total[depth:] - total[:-depth]) / depth
    evidence = persistent * np.clip(1 - 2 * lung_in_front, RIB_WEIGHT, 1)
    across = np.cumsum(lung.sum(axis=(0, 1))) / max(float(lung.sum()), 1.0)
    evidence[:, (across < BESIDE_SHARE) | (across > 1 - BESIDE_SHARE)] *= BESIDE_WEIGHT
    front, back = lungs.back_rows
    evidence[: int(front + BACK_SHARE * (back - front))] = 0
    return np.asarray(evidence)


def _plateau_centre(grid: Grid, evidence: Float64) -> int:
    """Middle of the vertebra; its brightest corner may be 15 mm off."""
    profile = ndimage.gaussian_filter1d(evidence.max(axis=0), 8 / grid.pixel_mm)
    peak, half = int(profile.argmax()), int(BODY_HALF_WIDTH_MM / grid.pixel_mm)
    start = max(0, peak - half)
    part = profile[start : peak + half + 1]
    part = np.maximum(part - 0.5 * part.max(), 0)
    weight = max(float(part.sum()), 1e-6)
    return start + round(float((part * np.arange(len(part))).sum()) / weight)


def _front_edge(grid: Grid, bone: Float32, row: int, column: int) -> tuple[Float64, Mask]:
    """First two rows of bone in a column through the vertebra, per slice; and where seen."""
    half = round(COLUMN_MM / grid.pixel_mm)
    strip = bone[:, :, max(0, column - half) : column + half + 1].mean(axis=2)
    strip = ndimage.gaussian_filter1d(strip, 12 / grid.slice_mm, axis=0)
    first = max(0, int(row - REACH_MM[0] / grid.pixel_mm))
    part = strip[:, first : min(bone.shape[1], int(row + REACH_MM[1] / grid.pixel_mm))]
    limit = np.maximum(EDGE_SHARE * part.max(axis=1, keepdims=True), EDGE_LEAST)
    on = (part >= limit) & (np.roll(part, -1, axis=1) >= limit)
    return (first + on.argmax(axis=1)).astype(np.float64), np.asarray(on.any(axis=1))


def _between_the_lungs(grid: Grid, lung: Mask) -> int:
    """The column with the least lung, away from the lungs' outer borders."""
    profile = ndimage.gaussian_filter1d(lung.mean(axis=(0, 1)), 12 / grid.pixel_mm)
    seen = np.flatnonzero(lung.any(axis=(0, 1)))
    margin = int(25 / grid.pixel_mm)
    if len(seen) <= 2 * margin:
        return len(profile) // 2
    between = profile[seen[0] + margin : seen[-1] + 1 - margin]
    column = seen[0] + margin + int(between.argmin())
    return max(0, int(column - UNSEEN_OFFSET_MM / grid.pixel_mm))

"""Boxes of voxels, and where points of the patient lie in a scan."""

from __future__ import annotations

from math import ceil
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from calcarium.volume.model import Float64, Geometry
from calcarium_kernels.contract import Box, Labels

Bounds: TypeAlias = tuple[slice, slice, slice]
Shape: TypeAlias = tuple[int, int, int]


def labelled_bounds(labels: Labels | NDArray[np.bool_]) -> Bounds:
    """Smallest part of an array that holds every value but 0; empty slices if there is none."""
    bounds = [slice(0, size) for size in labels.shape]
    # The axis with the largest stride first: what is left gets smaller before it gets costly.
    for axis in np.argsort(labels.strides)[::-1]:
        others = tuple(a for a in range(3) if a != axis)
        hit = np.flatnonzero(labels[tuple(bounds)].any(axis=others))
        bounds[axis] = slice(int(hit[0]), int(hit[-1]) + 1) if hit.size else slice(0, 0)
    return bounds[0], bounds[1], bounds[2]


def widened(
    part: Bounds, reach_mm: float, spacing_zyx_mm: tuple[float, float, float], shape: Shape
) -> Bounds:
    """A part of an array and all within reach of it, with a voxel more, up to the array's ends."""
    z, y, x = (
        slice(max(0, side.start - n), min(size, side.stop + n))
        for side, n, size in zip(
            part, (ceil(reach_mm / mm) + 1 for mm in spacing_zyx_mm), shape, strict=True
        )
    )
    return z, y, x


def part_of(box: Box, bounds: Bounds) -> Box:
    """A part of a box, in the voxels of the whole scan."""
    z, y, x = bounds
    return Box(
        box.z0 + z.start, box.z0 + z.stop, box.y0 + y.start, box.y0 + y.stop,
        box.x0 + x.start, box.x0 + x.stop,
    )  # fmt: skip


def to_voxel(geometry: Geometry, lps_mm: Float64) -> Float64:
    """Fractional ``(z, y, x)`` of patient coordinates (n, 3), extrapolated outside the scan.

    The inverse of :meth:`calcarium.volume.model.Geometry.to_patient_mm`.
    """
    row, column = np.asarray(geometry.row_direction), np.asarray(geometry.column_direction)
    position, last = geometry.slice_position_mm, len(geometry.slice_position_mm) - 1
    along = lps_mm @ np.cross(row, column)
    z = np.interp(along, position, np.arange(last + 1))
    z += np.minimum(along - position[0], 0) / geometry.slice_increment_mm
    z += np.maximum(along - position[-1], 0) / geometry.slice_increment_mm
    inside = geometry.to_patient_mm(np.stack([z, 0 * z, 0 * z], axis=1))
    step = geometry.origin_mm[-1] - geometry.origin_mm[0]
    beyond = (z - np.clip(z, 0, last))[:, None] * step / max(last, 1)
    offset = lps_mm - inside - beyond
    return np.stack(
        [z, offset @ column / geometry.row_spacing_mm, offset @ row / geometry.column_spacing_mm],
        axis=1,
    )


def box_between(low: Float64, high: Float64, geometry: Geometry) -> Box:
    """Box of all voxels of a scan from one fractional ``(z, y, x)`` to another."""
    start = np.clip(np.floor(low), 0, geometry.shape).astype(int)
    stop = np.clip(np.ceil(high) + 1, start, geometry.shape).astype(int)
    return Box(*(int(edge) for pair in zip(start, stop, strict=True) for edge in pair))

"""Slices to one geometry: sorted by their positions, measured, or refused.

Pure: knows positions and directions, no pixel and no file. Nothing is taken
from InstanceNumber, SliceLocation, SliceThickness or GantryDetectorTilt; these
may be wrong, absent, or in another order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from calcarium.config import VolumeRules
from calcarium.errors import ScanExcluded
from calcarium.volume.model import Float64, Geometry
from calcarium.volume.slices import Slice

SAME_PLACE_MM = 0.01  # closer than any increment; positions are written to 0.001-0.1 mm
SAME_DIRECTION = 1e-3  # difference of direction cosines, 0.06 degree
SAME_SPACING_MM = 1e-4  # adds up to 0.05 mm over 512 pixels
UNIT_TOLERANCE = 1e-2  # direction cosines are written to a few decimals


@dataclass(frozen=True)
class Stack:
    """Slices in order, with the geometry they make.

    Attributes
    ----------
    slices : one per place, by ascending projection on the normal
    twins : further slices at the place of ``slices[index]``; they are duplicates
        if their pixels are the same, which only the pixels can tell
    n_missing : slices that the gaps have room for
    varies : the distances are not one increment
    """

    geometry: Geometry
    slices: tuple[Slice, ...]
    twins: tuple[tuple[int, Slice], ...]
    n_missing: int
    varies: bool


def arrange(slices: Sequence[Slice], rules: VolumeRules) -> Stack:
    """Sort slices and measure the geometry they make.

    Parameters
    ----------
    slices : in any order; the result does not depend on it
    rules : what is accepted

    Raises
    ------
    ScanExcluded
        ``mixed_geometry``, ``no_position``, ``duplicate_slices``,
        ``too_few_slices``, ``gantry_tilt``, ``missing_slices`` or
        ``irregular_increment``
    """
    row, column = _common_directions(slices)
    normal = np.cross(row, column)
    first, twins = _places(slices, normal)
    if len(first) < 2 and twins:
        raise ScanExcluded("duplicate_slices", f"all {len(slices)} slices lie at one place")
    if len(first) < 2:
        raise ScanExcluded("too_few_slices", "one slice alone has no measured increment")
    origin = np.array([s.position_mm for s in first])
    position = origin @ normal
    increment, n_missing, regular = _increment(np.diff(position), rules)
    geometry = Geometry(
        origin_mm=origin,
        row_direction=_triple(row),
        column_direction=_triple(column),
        row_spacing_mm=first[0].spacing_mm[0],
        column_spacing_mm=first[0].spacing_mm[1],
        rows=first[0].file.rows or 0,
        columns=first[0].file.columns or 0,
        slice_position_mm=position,
        slice_increment_mm=increment,
        slice_extent_mm=(
            np.full(len(first), increment) if regular else _extents(position, increment)
        ),
        shear_deg=_shear_deg(origin, normal, first[0].spacing_mm, rules),
    )
    return Stack(geometry, tuple(first), tuple(twins), n_missing, varies=not regular)


def _common_directions(slices: Sequence[Slice]) -> tuple[Float64, Float64]:
    """Unit vectors along increasing x and increasing y, the same for all slices."""
    reference = slices[0]
    size = (reference.file.rows, reference.file.columns)
    for one in slices[1:]:
        if (one.file.rows, one.file.columns) != size:
            raise ScanExcluded("mixed_geometry", "slices differ in rows or columns")
    orientation = np.array([s.orientation for s in slices])
    if np.ptp(orientation, axis=0).max() > SAME_DIRECTION:
        raise ScanExcluded("mixed_geometry", "slices differ in orientation")
    if np.ptp(np.array([s.spacing_mm for s in slices]), axis=0).max() > SAME_SPACING_MM:
        raise ScanExcluded("mixed_geometry", "slices differ in pixel spacing")
    # The median does not depend on the order of the slices, as a first one would.
    row, column = np.median(orientation, axis=0).reshape(2, 3)
    lengths = np.linalg.norm(row), np.linalg.norm(column)
    if max(abs(lengths[0] - 1), abs(lengths[1] - 1), abs(row @ column)) > UNIT_TOLERANCE:
        raise ScanExcluded("no_position", "ImageOrientationPatient is no pair of unit vectors")
    return row / lengths[0], column / lengths[1]


def _places(
    slices: Sequence[Slice], normal: Float64
) -> tuple[list[Slice], list[tuple[int, Slice]]]:
    """One slice per place in ascending order, and the others with the index of their place."""
    projection = np.array([s.position_mm for s in slices]) @ normal
    order = sorted(range(len(slices)), key=lambda i: (projection[i], _identity(slices[i])))
    first: list[Slice] = []
    twins: list[tuple[int, Slice]] = []
    for i in order:
        one = slices[i]
        if first and projection[i] - first[-1].position_mm @ normal < SAME_PLACE_MM:
            if np.ptp([one.position_mm, first[-1].position_mm], axis=0).max() > SAME_PLACE_MM:
                raise ScanExcluded("duplicate_slices", "one position, different image origins")
            twins.append((len(first) - 1, one))
        else:
            first.append(one)
    return first, twins


def _identity(one: Slice) -> tuple[str, int, str]:
    return one.file.sop_instance_uid or "", one.frame, one.file.url


def _increment(distance: Float64, rules: VolumeRules) -> tuple[float, int, bool]:
    """Slice increment, number of missing slices, and whether all distances are one increment.

    The increment is the whole length over its number of steps: positions that are
    written to a tenth of a millimetre would shift a median by as much.
    """
    tolerance = rules.increment_tolerance_mm
    mean = float(distance.mean())
    if np.abs(distance - mean).max() <= tolerance:
        return mean, 0, True
    # A distance that occurs, also where a gap is the other half.
    lower_median = float(np.sort(distance)[(len(distance) - 1) // 2])
    steps = np.maximum(np.rint(distance / lower_median), 1)
    increment = float(distance.sum() / steps.sum())
    # Each of the positions that a gap leaves out may be off by the tolerance.
    if (np.abs(distance - steps * increment) <= steps * tolerance).all():
        n_missing = int(steps.sum()) - len(steps)
        if n_missing and rules.missing_slices == "exclude":
            raise ScanExcluded(
                "missing_slices", f"{n_missing} missing at an increment of {increment:g} mm"
            )
        return increment, n_missing, not n_missing
    if rules.varying_increment == "exclude":
        raise ScanExcluded(
            "irregular_increment", f"{distance.min():g} to {distance.max():g} mm between slices"
        )
    return lower_median, 0, False


def _extents(position: Float64, increment: float) -> Float64:
    """What each slice stands for: half the way to each neighbour, at most one increment a side.

    So the neighbours of one missing slice share its place, and of a longer gap
    only an increment on each side is filled. The outer sides count half an
    increment, as in a scan without gaps.
    """
    half = np.minimum(np.diff(position) / 2, increment)
    outer = increment / 2
    return np.asarray(np.append(outer, half) + np.append(half, outer))


def _shear_deg(
    origin: Float64, normal: Float64, spacing_mm: tuple[float, ...], rules: VolumeRules
) -> float:
    """Angle between the normal and the line of origins, which must be a straight line."""
    along = origin[-1] - origin[0]
    depth = (origin - origin[0]) @ normal
    on_line = origin[0] + np.outer(depth / depth[-1], along)
    if np.linalg.norm(origin - on_line, axis=1).max() > max(spacing_mm):
        raise ScanExcluded("mixed_geometry", "image origins are off their line by over a pixel")
    across = np.linalg.norm(along - (along @ normal) * normal)
    shear = float(np.degrees(np.arctan2(across, along @ normal)))
    if shear > rules.max_shear_deg:
        raise ScanExcluded("gantry_tilt", f"slices are sheared by {shear:.2f} degrees")
    return shear


def _triple(vector: Float64) -> tuple[float, float, float]:
    return float(vector[0]), float(vector[1]), float(vector[2])

"""How a scan lies in space, from the vectors of its headers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from calcarium.intake.records import FileHeader, Scan

SAME_POSITION_MM = 0.01


@dataclass(frozen=True, slots=True)
class Extent:
    """Slices of a scan along their normal.

    Attributes
    ----------
    n_slices : distinct positions; files (or frames) where the header has no positions
    coverage_mm : distance between the first and the last slice
    increment_mm : median distance between neighbours
    obliquity_deg : angle between the slice normal and the body axis
    """

    n_slices: int
    coverage_mm: float | None
    increment_mm: float | None
    obliquity_deg: float | None


def extent(scan: Scan) -> Extent:
    """Measure a scan; ``None`` where headers lack the vectors."""
    normal = _normal(scan.files[0])
    places = [
        position
        for file in scan.files
        for position in (file.frame_positions or ((file.image_position,)))
        if position is not None
    ]
    if normal is None or not places:
        frames = sum(file.number_of_frames for file in scan.files)
        return Extent(frames, None, None, None if normal is None else _obliquity(normal))
    along = sorted(
        {
            round(sum(float(x) * n for x, n in zip(place, normal, strict=True)) / SAME_POSITION_MM)
            for place in places
        }
    )
    steps = [(b - a) * SAME_POSITION_MM for a, b in pairwise(along)]
    return Extent(
        n_slices=len(along),
        coverage_mm=round((along[-1] - along[0]) * SAME_POSITION_MM, 2),
        increment_mm=round(median(steps), 3) if steps else None,
        obliquity_deg=_obliquity(normal),
    )


def _normal(file: FileHeader) -> tuple[float, float, float] | None:
    if file.image_orientation is None:
        return None
    a, b, c, d, e, f = map(float, file.image_orientation)
    x, y, z = b * f - c * e, c * d - a * f, a * e - b * d
    length = math.sqrt(x * x + y * y + z * z)
    # Directions that are not perpendicular unit vectors are no plane.
    return (x / length, y / length, z / length) if 0.9 < length < 1.1 else None


def _obliquity(normal: tuple[float, float, float]) -> float:
    return round(math.degrees(math.acos(min(1.0, abs(normal[2])))), 2)

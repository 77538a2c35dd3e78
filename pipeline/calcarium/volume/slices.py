"""The slices of a scan: which frame of which file, where it lies, how it rescales.

Numbers are read here once, from the decimal strings of the headers; a header
that does not say what a score needs ends the scan with a reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from calcarium.errors import ScanExcluded
from calcarium.intake.records import FileHeader, Scan
from calcarium.volume.limits import MAX_FRAMES, MAX_POSITION_MM, MAX_SIDE
from calcarium.volume.multiframe import HOUNSFIELD, FrameStrings, frame_strings, is_multiframe

DECIMAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,2})?", re.ASCII)
LONGEST_DECIMAL = 64


@dataclass(frozen=True, slots=True)
class Slice:
    """One cross-section.

    Attributes
    ----------
    file, frame : where its pixels are; ``frame`` counts from 0
    position_mm : ImagePositionPatient, the centre of the first pixel (LPS)
    orientation : ImageOrientationPatient, along increasing x then increasing y
    spacing_mm : PixelSpacing, between rows then between columns
    slope, intercept : exact rescale to Hounsfield units
    rescale_type : HU, or how a multi-frame file says that it is
    """

    file: FileHeader
    frame: int
    position_mm: tuple[float, ...]
    orientation: tuple[float, ...]
    spacing_mm: tuple[float, ...]
    slope: Fraction
    intercept: Fraction
    rescale_type: str = HOUNSFIELD[0]


def slices_of(scan: Scan) -> list[Slice]:
    """Every slice of a scan, in the order of its files and frames.

    Reads the functional groups of multi-frame files; single-frame files are
    not touched.

    Raises
    ------
    ScanExcluded
        ``no_position``, ``no_pixel_spacing``, ``no_rescale``, ``multiframe``,
        or ``unsupported_pixels`` where an image is larger than any CT
    """
    slices = [one for file in scan.files for one in _slices_of_file(file)]
    if not slices:
        raise ScanExcluded("too_few_slices", "the scan has no file")
    return slices


def _slices_of_file(file: FileHeader) -> Iterable[Slice]:
    _check_size(file)
    if is_multiframe(file):
        for frame, strings in enumerate(frame_strings(file)):
            yield _slice(file, frame, strings)
    else:
        strings = FrameStrings(
            file.image_position,
            file.image_orientation,
            file.pixel_spacing,
            file.rescale_slope,
            file.rescale_intercept,
            HOUNSFIELD[0],
        )
        yield _slice(file, 0, strings)


def _check_size(file: FileHeader) -> None:
    rows, columns, frames = file.rows or 0, file.columns or 0, file.number_of_frames
    if not (0 < rows <= MAX_SIDE and 0 < columns <= MAX_SIDE):
        raise ScanExcluded("unsupported_pixels", f"{file.url}: {rows} x {columns} pixels")
    if frames > MAX_FRAMES:
        raise ScanExcluded("multiframe", f"{file.url}: {frames} frames")


def _slice(file: FileHeader, frame: int, strings: FrameStrings) -> Slice:
    slope = _exact(strings.rescale_slope)
    intercept = _exact(strings.rescale_intercept)
    if not slope or intercept is None:
        raise ScanExcluded(
            "no_rescale",
            f"{file.url}: slope {strings.rescale_slope!r}, intercept {strings.rescale_intercept!r}",
        )
    position = _numbers(strings.image_position)
    orientation = _numbers(strings.image_orientation)
    if position is None or orientation is None:
        raise ScanExcluded(
            "no_position",
            f"{file.url}: position {strings.image_position}, "
            f"orientation {strings.image_orientation}",
        )
    spacing = _numbers(strings.pixel_spacing)
    if spacing is None or min(spacing) <= 0:
        raise ScanExcluded("no_pixel_spacing", f"{file.url}: {strings.pixel_spacing}")
    return Slice(
        file, frame, position, orientation, spacing, slope, intercept, strings.rescale_type
    )


def _numbers(strings: tuple[str, ...] | None) -> tuple[float, ...] | None:
    if strings is None:
        return None
    exact = [_exact(text) for text in strings]
    numbers = tuple(float(number) for number in exact if number is not None)
    if len(numbers) < len(strings) or max(map(abs, numbers)) > MAX_POSITION_MM:
        return None
    return numbers


@lru_cache(maxsize=4096)
def _exact(text: str | None) -> Fraction | None:
    """The number a DS stands for; ``None`` where the text is none (PS3.5, 6.2)."""
    text = (text or "").strip(" \0")
    if len(text) > LONGEST_DECIMAL or not DECIMAL.fullmatch(text):
        return None
    return Fraction(text)

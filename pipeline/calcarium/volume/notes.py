"""What the reader of a scan should know about its volume, as quality rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from calcarium.config import VolumeRules
from calcarium.intake.records import Acquisition, Scan
from calcarium.quality import QualityRow, Status
from calcarium.volume.codecs import SYNTAXES
from calcarium.volume.geometry import Stack
from calcarium.volume.multiframe import HOUNSFIELD

NOTICEABLE_TILT_DEG = 0.1
TAG_TOLERANCE_DEG = 0.5  # GantryDetectorTilt is nominal


@dataclass(frozen=True)
class PixelCounts:
    """What was changed while pixels were read."""

    n_duplicates: int
    n_cleared: int
    n_padding: int


def volume_notes(
    scan: Scan, stack: Stack, counts: PixelCounts, rules: VolumeRules
) -> tuple[QualityRow, ...]:
    """Quality rows on geometry and pixels; each check is in :data:`calcarium.quality.CHECKS`."""
    return (*_geometry_notes(scan.acquisition, stack, rules), *_pixel_notes(scan, stack, counts))


def _geometry_notes(header: Acquisition, stack: Stack, rules: VolumeRules) -> Iterator[QualityRow]:
    geometry = stack.geometry
    increment = geometry.slice_increment_mm
    tolerance = rules.increment_tolerance_mm
    claimed, thickness = header.spacing_between_slices_mm, header.slice_thickness_mm
    # The sign tells only in which direction the table moved.
    agrees = claimed is not None and abs(abs(claimed) - increment) <= tolerance
    yield _note("slice_spacing", agrees, claimed)
    overlap = None if thickness is None else thickness - increment
    yield _note("slice_overlap", overlap is not None and overlap >= -tolerance, overlap)
    yield _note("gantry_tilt", geometry.shear_deg <= NOTICEABLE_TILT_DEG, geometry.shear_deg)
    tag = header.gantry_tilt_deg
    agrees = tag is not None and abs(abs(tag) - geometry.shear_deg) <= TAG_TOLERANCE_DEG
    yield _note("gantry_tilt_tag", agrees, tag)
    missing: Status = "fail" if stack.n_missing else "pass"
    yield QualityRow("missing_slices", missing, float(stack.n_missing))
    distance = geometry.slice_position_mm[1:] - geometry.slice_position_mm[:-1]
    varies = stack.varies and not stack.n_missing
    yield _note("varying_increment", not varies, round(float(np.ptp(distance)), 6))


def _pixel_notes(scan: Scan, stack: Stack, counts: PixelCounts) -> Iterator[QualityRow]:
    changes = (
        ("duplicate_slices", counts.n_duplicates),
        ("bright_padding", counts.n_padding),
        ("unused_bits", counts.n_cleared),
    )
    for check, n in changes:
        yield _note(check, not n, float(n))
    rescales = {(s.slope, s.intercept) for s in stack.slices}
    yield _note("mixed_rescale", True, float(len(rescales)))
    others = {s.rescale_type for s in stack.slices} - {HOUNSFIELD[0]}
    yield QualityRow("rescale_type", "warn" if others else "pass", text=", ".join(sorted(others)))
    lossy = {
        SYNTAXES[s.file.transfer_syntax_uid].name
        for s in stack.slices
        if SYNTAXES[s.file.transfer_syntax_uid].lossy
    }
    if scan.acquisition.lossy_image_compression == "01":
        lossy = lossy or {"LossyImageCompression says so"}
    yield QualityRow(
        "lossy_compression", "warn" if lossy else "pass", text=", ".join(sorted(lossy))
    )


def _note(check: str, good: bool, value: float | None) -> QualityRow:
    """A check of a number; unknown without one."""
    if value is None:
        return QualityRow(check, "unknown")
    return QualityRow(check, "pass" if good else "warn", value)

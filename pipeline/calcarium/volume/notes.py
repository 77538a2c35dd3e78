"""What the reader of a scan should know about its volume, as quality rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from calcarium.config import VolumeRules
from calcarium.intake.records import Acquisition, Scan
from calcarium.quality import QualityRow
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
    claimed = header.spacing_between_slices_mm
    if claimed is not None:
        # The sign tells only in which direction the table moved.
        agrees = abs(abs(claimed) - increment) <= tolerance
        yield QualityRow("slice_spacing", "pass" if agrees else "warn", claimed)
    if header.slice_thickness_mm is not None:
        overlap = header.slice_thickness_mm - increment
        yield QualityRow("slice_overlap", "pass" if overlap >= -tolerance else "warn", overlap)
    tilted = geometry.shear_deg > NOTICEABLE_TILT_DEG
    yield QualityRow("gantry_tilt", "warn" if tilted else "pass", geometry.shear_deg)
    tag = header.gantry_tilt_deg
    if tag is not None and abs(abs(tag) - geometry.shear_deg) > TAG_TOLERANCE_DEG:
        yield QualityRow("gantry_tilt_tag", "warn", tag)
    if stack.n_missing:
        yield QualityRow("missing_slices", "fail", float(stack.n_missing))
    elif stack.varies:
        distance = geometry.slice_position_mm[1:] - geometry.slice_position_mm[:-1]
        yield QualityRow("varying_increment", "warn", float(distance.max() - distance.min()))


def _pixel_notes(scan: Scan, stack: Stack, counts: PixelCounts) -> Iterator[QualityRow]:
    changes = (
        ("duplicate_slices", counts.n_duplicates),
        ("bright_padding", counts.n_padding),
        ("unused_bits", counts.n_cleared),
    )
    for check, n in changes:
        if n:
            yield QualityRow(check, "warn", float(n))
    rescales = {(s.slope, s.intercept) for s in stack.slices}
    if len(rescales) > 1:
        yield QualityRow("mixed_rescale", "pass", float(len(rescales)))
    types = {s.rescale_type for s in stack.slices} - {HOUNSFIELD[0]}
    if types:
        yield QualityRow("rescale_type", "warn", text=", ".join(sorted(types)))
    lossy = {
        SYNTAXES[s.file.transfer_syntax_uid].name
        for s in stack.slices
        if SYNTAXES[s.file.transfer_syntax_uid].lossy
    }
    if lossy or scan.acquisition.lossy_image_compression == "01":
        text = ", ".join(sorted(lossy)) or "LossyImageCompression says so"
        yield QualityRow("lossy_compression", "warn", text=text)

"""Checks of how a scan was acquired, from its header and measured geometry."""

from __future__ import annotations

from dataclasses import replace

from calcarium.intake.records import Scan
from calcarium.intake.select import ScanChoice
from calcarium.outcome import VolumeFacts
from calcarium.quality import QualityRow, Status
from calcarium.regions.model import Region

CALCIUM_INCREMENT_MM = (2.5, 3.0)  # Agatston 1990: 3 mm; GE calcium protocols 2.5 mm
TOLERANCE_MM = 0.05


def acquisition_quality(
    choice: ScanChoice, volume: VolumeFacts, region: Region
) -> tuple[QualityRow, ...]:
    """How far a scan is from the one that the score was defined on."""
    low, high = CALCIUM_INCREMENT_MM
    increment = volume.slice_increment_mm
    seen = choice.scan.acquisition
    usual = low - TOLERANCE_MM <= increment <= high + TOLERANCE_MM
    rows = (
        QualityRow("slice_increment", _status(usual), increment),
        _kernel(choice),
        QualityRow("region_is_coronary", "pass" if region.is_coronary else "fail"),
        _field_of_view(choice.scan, volume),
        _told("heart_rate", seen.heart_rate_bpm),
        _told("cardiac_phase", seen.cardiac_phase_percent),
    )
    return (*rows, _gating(choice), _contrast(choice, region))


def _kernel(choice: ScanChoice) -> QualityRow:
    """A kernel of no known group may be sharp; only a header without one leaves it open."""
    status: Status = "pass" if choice.kernel == "soft" else "warn"
    if not choice.scan.acquisition.convolution_kernel:
        status = "unknown"
    return QualityRow("kernel", status, text=choice.kernel)


def _field_of_view(scan: Scan, volume: VolumeFacts) -> QualityRow:
    """ReconstructionDiameter; without it the width of the image."""
    diameter = scan.acquisition.reconstruction_diameter_mm
    if diameter:
        return QualityRow("field_of_view", "pass", diameter)
    columns = scan.files[0].columns
    width = volume.column_spacing_mm * columns if columns else None
    return replace(_told("field_of_view", width), text="width of the image")


def _gating(choice: ScanChoice) -> QualityRow:
    """A gated class needs proof; a non-gated one must not have it; with contrast either goes."""
    proven = choice.gated == "yes"
    fits = {"gated": proven, "nongated": not proven, "contrast": True}[choice.scan_class]
    text = f"{choice.gated}: {choice.gated_evidence}" if choice.gated_evidence else choice.gated
    return QualityRow("gating", _status(fits), text=text)


def _contrast(choice: ScanChoice, region: Region) -> QualityRow:
    """Whether the pixels bear out what the header says of an agent."""
    bright = region.threshold_hu is not None
    looked = any(row.check == "blood_contrast" and row.value is not None for row in region.quality)
    seen = "bright" if bright else "dark" if looked else "not looked at"
    text = f"header: {choice.contrast_evidence}; blood: {seen}"
    if not bright and not looked:
        return QualityRow("contrast", "unknown", text=text)
    return QualityRow("contrast", _status((choice.contrast == "yes") == bright), text=text)


def _told(check: str, value: float | None) -> QualityRow:
    """A value that has no published limit: told, or not known; 0 is what headers leave there."""
    return QualityRow(check, "pass", value) if value else QualityRow(check, "unknown")


def _status(passes: bool) -> Status:
    return "pass" if passes else "warn"

"""Checks of how a scan was acquired, from its header and measured geometry."""

from __future__ import annotations

from calcarium.intake.quirks import KernelGroup
from calcarium.intake.select import ScanChoice
from calcarium.outcome import VolumeFacts
from calcarium.quality import QualityRow, Status
from calcarium.regions.model import Region

CALCIUM_INCREMENT_MM = (2.5, 3.0)  # Agatston 1990: 3 mm; GE calcium protocols 2.5 mm
TOLERANCE_MM = 0.05
KERNEL_STATUS: dict[KernelGroup, Status] = {"soft": "pass", "sharp": "warn", "unknown": "unknown"}


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
        QualityRow("kernel", KERNEL_STATUS[choice.kernel], text=choice.kernel),
        QualityRow("region_is_coronary", "pass" if region.is_coronary else "fail"),
        _told("field_of_view", seen.reconstruction_diameter_mm),
        _told("heart_rate", seen.heart_rate_bpm),
        _told("cardiac_phase", seen.cardiac_phase_percent),
    )
    return (*rows, _gating(choice))


def _gating(choice: ScanChoice) -> QualityRow:
    """A gated class needs proof; a non-gated one must not have it; with contrast either goes."""
    proven = choice.gated == "yes"
    fits = {"gated": proven, "nongated": not proven, "contrast": True}[choice.scan_class]
    text = f"{choice.gated}: {choice.gated_evidence}" if choice.gated_evidence else choice.gated
    return QualityRow("gating", _status(fits), text=text)


def _told(check: str, value: float | None) -> QualityRow:
    """A value of the header that has no published limit: told, or not known."""
    return QualityRow(check, "unknown" if value is None else "pass", value)


def _status(passes: bool) -> Status:
    return "pass" if passes else "warn"

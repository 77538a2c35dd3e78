"""Caveats of a scan that was scored: a check, its value, and whether it passes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Status: TypeAlias = Literal["pass", "warn", "fail"]


@dataclass(frozen=True)
class QualityRow:
    """One check on one scan.

    Attributes
    ----------
    check : key of :data:`CHECKS`
    value : what was measured; ``None`` where it could not be
    text : what was read, where it is no number; never a name, date or path
    """

    check: str
    status: Status
    value: float | None = None
    text: str = ""


@dataclass(frozen=True)
class Check:
    """What a check asks, the unit of its value, and where its limit comes from."""

    asks: str
    unit: str
    source: str


CHECKS: dict[str, Check] = {
    "kvp_threshold": Check(
        "Has the tube voltage a published threshold?",
        "kV",
        "threshold sets of the protocol (FQM, Graeni 2018, BRAINSia)",
    ),
    "gating": Check(
        "Do the tags say that the scan was ECG-gated?", "", "DICOM cardiac synchronization tags"
    ),
    "kernel": Check(
        "Is the reconstruction kernel a known soft one?", "", "DeepCAC soft-to-hard order"
    ),
    "slice_increment": Check(
        "Is the slice increment near the one that the score was defined at?",
        "mm",
        "Agatston 1990: 3 mm; vendors' calcium protocols 2.5-3 mm",
    ),
    "mass_calibration": Check(
        "Is there a calibration factor for the mass?", "mg/cm3/HU", "DICOM (0018,9351), protocol"
    ),
    "region_is_coronary": Check(
        "Is the score limited to the coronary arteries?", "", "region of the protocol"
    ),
}

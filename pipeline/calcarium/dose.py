"""The radiation dose of a scan, as quality rows: what its header and its dose report tell."""

from __future__ import annotations

from dataclasses import dataclass
from math import fsum

from calcarium.config.dose import DoseRules
from calcarium.dose_report import Irradiation, StudyDose, event_uids
from calcarium.intake.records import Scan
from calcarium.quality import QualityRow, Status


@dataclass(frozen=True)
class ScanDose:
    """What of a study's dose belongs to one scan.

    Attributes
    ----------
    scope : how it was matched, or why nothing was
    is_exact : it is the dose of this scan, and not of the whole study
    """

    dlp_mgy_cm: float | None
    ctdi_vol_mgy: float | None
    scope: str
    is_exact: bool


def dose_quality(scan: Scan, study: StudyDose, rules: DoseRules) -> tuple[QualityRow, ...]:
    """CTDIvol, dose length product and effective dose of a scan."""
    dose = dose_of(scan, study)
    dlp = dose.dlp_mgy_cm
    k = f"k = {rules.msv_per_mgy_cm:g} mSv/(mGy cm)"
    if dlp is None:
        products = (
            QualityRow("dose_length_product", "unknown", text=dose.scope),
            QualityRow("effective_dose", "unknown", text=k),
        )
    else:
        status: Status = "pass" if dose.is_exact else "warn"
        products = (
            QualityRow("dose_length_product", status, dlp, dose.scope),
            QualityRow("effective_dose", status, rules.msv_per_mgy_cm * dlp, f"{k}; {dose.scope}"),
        )
    return (_ctdi_row(scan, dose), *products)


def dose_of(scan: Scan, study: StudyDose) -> ScanDose:
    """Match a scan to the irradiation that made it.

    By the UID of the irradiation event, which images and reports name alike (some scanners take
    the SeriesInstanceUID for it). An image that names none belongs to the only irradiation that
    is no localizer. Else there is the dose of the whole study alone.
    """
    if study.total_mgy_cm is None:
        told = "dose report cannot be read" if study.n_unreadable else "no dose report"
        return ScanDose(None, None, told, is_exact=False)
    scans = [event for event in study.events if not event.is_localizer]
    named = _named_events(scan)
    uids = named | {scan.files[0].series_instance_uid}
    only = scans if len(scans) == 1 and not named else []
    for scope, events in (
        ("irradiation event", [event for event in study.events if event.event_uid in uids]),
        ("only scan of the dose report", only),
    ):
        known = [event.dlp_mgy_cm for event in events if event.dlp_mgy_cm is not None]
        if events and len(known) == len(events):
            return ScanDose(fsum(known), _ctdi_vol(events), scope, is_exact=True)
    scope = f"total of the study: {len(scans) or 'unknown'} scans"
    return ScanDose(study.total_mgy_cm, None, scope, is_exact=False)


def _named_events(scan: Scan) -> frozenset[str]:
    """UIDs of the irradiation events of a scan, by its first and last image.

    Where these differ there are others between them, whose dose would be missing: ``{""}``,
    which no event has.
    """
    first, *others = scan.files
    events = event_uids(first)
    if others and event_uids(others[-1]) != events:
        return frozenset({""})
    return events


def _ctdi_vol(events: list[Irradiation]) -> float | None:
    return events[0].ctdi_vol_mgy if len(events) == 1 else None


def _ctdi_row(scan: Scan, dose: ScanDose) -> QualityRow:
    header = scan.acquisition.ctdi_vol_mgy
    if header:  # 0 is what some scanners leave there
        return QualityRow("ctdi_vol", "pass", header, "header")
    if dose.ctdi_vol_mgy is not None:
        return QualityRow("ctdi_vol", "pass", dose.ctdi_vol_mgy, f"dose report, {dose.scope}")
    return QualityRow("ctdi_vol", "unknown")

"""The Radiation Dose SR of a study: what each irradiation of a CT gave (DICOM TID 10011)."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from math import fsum, isfinite

import pydicom
from pydicom.dataset import Dataset

from calcarium.errors import CalciumError
from calcarium.intake.pydicom_headers import MALFORMED
from calcarium.intake.records import FileHeader, Study
from calcarium.volume.files import read_all

# Radiation Dose SR; scanners older than it wrote the same content as Enhanced or Comprehensive SR.
REPORT_CLASSES = tuple(f"1.2.840.10008.5.1.4.1.1.88.{n}" for n in (67, 22, 33))
MOST_BYTES = 32 << 20  # a longer report is taken for broken
TITLE = "113701"
ACCUMULATED, TOTAL_DLP = "113811", "113813"
ACQUISITION, ACQUISITION_TYPE, CONSTANT_ANGLE = "113819", "113820", "113805"
EVENT_UID, CT_DOSE, MEAN_CTDI_VOL, DLP = "113769", "113829", "113830", "113838"
UNREADABLE = (CalciumError, *MALFORMED)


@dataclass(frozen=True)
class Irradiation:
    """One irradiation event of a CT.

    Attributes
    ----------
    event_uid : as images name it in IrradiationEventUID
    is_localizer : the tube stood still while the table moved
    """

    event_uid: str
    dlp_mgy_cm: float | None
    ctdi_vol_mgy: float | None
    is_localizer: bool


@dataclass(frozen=True)
class StudyDose:
    """All dose reports of a study taken together.

    Attributes
    ----------
    events : each once, however many reports tell of it
    total_mgy_cm : dose length product of all events; where reports hold none, what they state
    n_unreadable : reports that could not be read
    """

    events: tuple[Irradiation, ...] = ()
    total_mgy_cm: float | None = None
    n_unreadable: int = 0


def study_dose(study: Study) -> StudyDose:
    """Read every dose report of a study; one that cannot be read is counted, never raised."""
    events: dict[str, Irradiation] = {}
    stated: list[float] = []
    n_unreadable = 0
    for file in _reports(study):
        try:
            report = _read(file)
            events |= {event.event_uid: event for event in _irradiations(report)}
            stated += _stated_totals(report)
        except UNREADABLE:
            n_unreadable += 1
    known = [event.dlp_mgy_cm for event in events.values() if event.dlp_mgy_cm is not None]
    # A report that was sent again holds what the one before held.
    total = fsum(known) if known else max(stated, default=None)
    return StudyDose(tuple(events.values()), total, n_unreadable)


def event_uids(file: FileHeader) -> frozenset[str]:
    """IrradiationEventUID of an image; empty if it has none or cannot be read."""
    try:
        image = _parsed(file, ["IrradiationEventUID"])
        value = image.get("IrradiationEventUID")
    except UNREADABLE:
        return frozenset()
    if value is None:
        return frozenset()
    return frozenset([str(value)] if isinstance(value, str) else map(str, value))


def _reports(study: Study) -> Iterator[FileHeader]:
    for scan in study.scans:
        yield from (file for file in scan.files if file.sop_class_uid in REPORT_CLASSES)


def _read(file: FileHeader) -> Dataset:
    """A dose report; another SR has no content here."""
    report = _parsed(file)
    return report if _code(report) == TITLE else Dataset()


def _parsed(file: FileHeader, tags: list[str] | None = None) -> Dataset:
    if file.size_bytes > MOST_BYTES:
        raise ValueError("too long")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pydicom.dcmread(
            BytesIO(read_all(file)), stop_before_pixels=True, force=True, specific_tags=tags
        )


def _irradiations(report: Dataset) -> Iterator[Irradiation]:
    for acquisition in _items(report, ACQUISITION):
        uid = next((str(item.UID) for item in _items(acquisition, EVENT_UID)), None)
        kinds = [item.ConceptCodeSequence[0] for item in _items(acquisition, ACQUISITION_TYPE)]
        dose = [item for part in _items(acquisition, CT_DOSE) for item in _content(part)]
        if uid is not None:
            yield Irradiation(
                uid,
                _number(dose, DLP, "mGy.cm"),
                _number(dose, MEAN_CTDI_VOL, "mGy"),
                any(kind.CodeValue == CONSTANT_ANGLE for kind in kinds),
            )


def _stated_totals(report: Dataset) -> list[float]:
    totals = (_number(_content(part), TOTAL_DLP, "mGy.cm") for part in _items(report, ACCUMULATED))
    return [total for total in totals if total is not None]


def _items(parent: Dataset, code: str) -> list[Dataset]:
    return [item for item in _content(parent) if _code(item) == code]


def _content(parent: Dataset) -> list[Dataset]:
    return list(parent.get("ContentSequence") or ())


def _code(item: Dataset) -> str | None:
    """DCM code of a content item's name."""
    names = item.get("ConceptNameCodeSequence") or ()
    dcm = [name for name in names if name.get("CodingSchemeDesignator") == "DCM"]
    return str(dcm[0].get("CodeValue")) if dcm else None


def _number(items: list[Dataset], code: str, unit: str) -> float | None:
    """The first value of a code, if it is in this unit and no error code stands in its place."""
    for item in items:
        values = item.get("MeasuredValueSequence") if _code(item) == code else None
        for value in values or ():
            number = float(value.NumericValue)
            units = value.MeasurementUnitsCodeSequence[0].CodeValue
            if units == unit and isfinite(number) and number >= 0:
                return number
    return None

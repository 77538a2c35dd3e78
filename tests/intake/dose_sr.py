"""Radiation Dose SR made of highdicom's content items, after DICOM TID 10011."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from highdicom.sr import (
    CodeContentItem,
    ContainerContentItem,
    ContentSequence,
    NumContentItem,
    RelationshipTypeValues,
    UIDRefContentItem,
)
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

CONTAINS = RelationshipTypeValues.CONTAINS
DCM = codes.DCM
MGY_CM, MGY = Code("mGy.cm", "UCUM", "mGy.cm"), Code("mGy", "UCUM", "mGy")
REPORT_CLASS = "1.2.840.10008.5.1.4.1.1.88.67"


@dataclass(frozen=True)
class Event:
    """One irradiation event of a report."""

    uid: str
    dlp: float
    ctdi_vol: float = 4.0
    kind: Code = codes.SCT.SpiralAcquisition


def container(name: Code, *content: Dataset) -> ContainerContentItem:
    item = ContainerContentItem(name=name, relationship_type=CONTAINS)
    item.ContentSequence = ContentSequence(content)
    return item


def number(name: Code, value: float, unit: Code) -> NumContentItem:
    return NumContentItem(name=name, value=value, unit=unit, relationship_type=CONTAINS)


def acquisition(event: Event, unit: Code) -> ContainerContentItem:
    return container(
        DCM.CTAcquisition,
        CodeContentItem(DCM.CTAcquisitionType, event.kind, CONTAINS),
        UIDRefContentItem(DCM.IrradiationEventUID, event.uid, CONTAINS),
        container(
            DCM.CTDose,
            number(DCM.MeanCtdivol, event.ctdi_vol, MGY),
            number(DCM.DLP, event.dlp, unit),
        ),
    )


def write_report(
    path: Path,
    study_uid: str,
    events: Sequence[Event],
    *,
    total: float | None = None,
    title: Code = DCM.XRayRadiationDoseReport,
    sop_class: str = REPORT_CLASS,
    unit: Code = MGY_CM,
) -> None:
    """Write a dose report of some events into a study."""
    stated = sum(event.dlp for event in events) if total is None else total
    accumulated = container(
        DCM.CTAccumulatedDoseData,
        number(DCM.CTDoseLengthProductTotal, stated, unit),
    )
    root = container(title, accumulated, *(acquisition(event, unit) for event in events))
    report = Dataset()
    report.update(root)
    del report.RelationshipType
    report.SOPClassUID, report.SOPInstanceUID = sop_class, generate_uid()
    report.StudyInstanceUID, report.SeriesInstanceUID = study_uid, generate_uid()
    report.Modality = "SR"
    report.PatientID = "P1"
    report.file_meta = FileMetaDataset()
    report.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    report.file_meta.MediaStorageSOPClassUID = sop_class
    report.file_meta.MediaStorageSOPInstanceUID = report.SOPInstanceUID
    path.parent.mkdir(parents=True, exist_ok=True)
    report.save_as(path, enforce_file_format=True)

"""Headers as bytes: what the tests of both readers write and read."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from calcarium.intake.locations import Container, File

PLAIN = (ImplicitVRLittleEndian, ExplicitVRLittleEndian)


def encoded(ds: Dataset, *, preamble: bool = True) -> bytes:
    buffer = BytesIO()
    ds.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue() if preamble else buffer.getvalue()[132:]


def in_memory(content: bytes) -> File:
    return File.plain(Container("/memory", len(content), 0))


FULL: dict[str, Any] = {
    "PatientBirthDate": "19500102",
    "PatientAge": "070Y",
    "PatientSex": "F",
    "AccessionNumber": "A1",
    "SeriesDescription": "Thorax  3.0",
    "ScanOptions": ["HELICAL", "ECG"],
    "TriggerTime": "650.5",
    "HeartRate": "61",
    "NominalPercentageOfCardiacPhase": 70.0,
    "ContrastBolusVolume": "80",
    "XRayTubeCurrent": "220",
    "CTDIvol": 4.25,
    "CalciumScoringMassFactorPatient": 0.75,
    "CalciumScoringMassFactorDevice": [0.5, 0.625, 0.75],
    "AcquisitionTime": "101500.25",
    "PixelPaddingValue": 0,
    "GantryDetectorTilt": "-2.5",
}

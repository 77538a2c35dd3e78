"""The calibration factor of the mass score: measured, or there is no mass."""

from __future__ import annotations

from dataclasses import dataclass

from calcarium.intake.records import Acquisition
from calcarium.quality import QualityRow
from calcarium.scoring.model import MassCalibration


@dataclass(frozen=True)
class MassFactor:
    """Calcium hydroxyapatite per Hounsfield unit, and where it came from."""

    mg_per_cm3_hu: float
    source: MassCalibration


def mass_factor(acquisition: Acquisition, protocol_factor: float | None) -> MassFactor | None:
    """The factor of a scan: patient factor in DICOM, then device factor, then protocol.

    (0018,9351) Calcium Scoring Mass Factor Patient has one value; (0018,9352) Device has
    three, for patient sizes that the header does not tell, so it is used only where all three
    agree. The unit in DICOM is that of the protocol key, mg/cm3 per HU.
    """
    patient = acquisition.mass_factor_patient
    if patient is not None and patient > 0:
        return MassFactor(patient, "dicom_patient")
    device = set(acquisition.mass_factor_device)
    if len(device) == 1 and min(device) > 0:
        return MassFactor(device.pop(), "dicom_device")
    if protocol_factor is not None:
        return MassFactor(protocol_factor, "protocol")
    return None


def mass_quality(factor: MassFactor | None) -> QualityRow:
    """Where the calibration factor came from; without one there is no mass."""
    if factor is None:
        return QualityRow("mass_calibration", "unknown", text="none, so no mass")
    return QualityRow("mass_calibration", "pass", factor.mg_per_cm3_hu, factor.source)

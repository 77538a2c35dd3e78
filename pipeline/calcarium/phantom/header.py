"""Who is scanned and how: the parts of a DICOM header that are not pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Person:
    """An invented patient and visit.

    Every text here is unmistakable, so that a search for it in shareable output
    proves or disproves a leak.
    """

    name: str
    patient_id: str
    birth_date: str
    age_years: int
    sex: Literal["F", "M"]
    accession_number: str
    study_date: str
    institution: str
    physician: str

    def secrets(self) -> tuple[str, ...]:
        """All texts that must not appear in anything shareable."""
        return (
            *self.name.split("^"),
            self.patient_id,
            self.birth_date,
            self.accession_number,
            self.study_date,
            self.institution,
            *self.physician.split("^"),
        )


def invented_person(number: int, sex: Literal["F", "M"] = "F", age_years: int = 60) -> Person:
    """The patient of study ``number``; the same number is always the same person."""
    year = 2011 + number % 10
    return Person(
        name=f"Zzphantom{number:05d}^Quillon",
        patient_id=f"PTID-{number:05d}-QX",
        birth_date=f"{year - age_years}0317",
        age_years=age_years,
        sex=sex,
        accession_number=f"ACCN{number:06d}",
        study_date=f"{year}11{1 + number % 28:02d}",
        institution="Vexworth Infirmary",
        physician="Thrandlebury^Odo",
    )


@dataclass(frozen=True)
class Technique:
    """How the scan was taken, as headers say it."""

    gated: bool
    kvp: float = 120.0
    convolution_kernel: str = "Qr36d"
    manufacturer: str = "SIEMENS"
    manufacturer_model: str = "SOMATOM Force"
    heart_rate_bpm: int = 62
    contrast_agent: str = ""

    @property
    def series_description(self) -> str:
        """What a technologist would call the series."""
        if self.contrast_agent:
            return "CTA 75 %" if self.gated else "CHEST WITH CONTRAST"
        return "CaScore 3.0 75 %" if self.gated else "LOW DOSE CHEST"

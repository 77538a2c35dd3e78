"""What is known of a patient besides the images: from DICOM, and above it from a table.

The table is Parquet or CSV with one row per patient, study or series, keyed by
one of ``patient_id``, ``accession_number`` and ``series_instance_uid``. Its other
columns are the fields of :class:`Covariates` and ``birth_date``; columns with
other names are left alone. A cell that is empty is unknown, and stays unknown:
nothing is filled in. The DICOM element EthnicGroup is free text and is not read.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal, TypeAlias

from calcarium.intake.records import Acquisition
from calcarium.quality import QualityRow

Sex: TypeAlias = Literal["F", "M"]
Race: TypeAlias = Literal["white", "black", "chinese", "hispanic"]
Value: TypeAlias = str | float | bool | None

DAYS_PER_YEAR = 365.25
DAYS_PER_UNIT = {"D": 1.0, "W": 7.0, "M": DAYS_PER_YEAR / 12, "Y": DAYS_PER_YEAR}
DICOM_SEX: dict[str, Sex] = {"F": "F", "M": "M"}


@dataclass(frozen=True)
class Covariates:
    """Facts about a patient at the time of a scan; ``None`` is unknown.

    Attributes
    ----------
    age_years : age at the scan
    sex : as in DICOM; any other value of PatientSex is unknown
    race_ethnicity : one of the four groups of MESA; only ever from a table
    total_cholesterol_mg_dl, hdl_mg_dl, sbp_mm_hg : measured values (systolic pressure)
    diabetes, current_smoker, lipid_lowering_medication, hypertension_medication,
    family_history_heart_attack : risk factors
    ascvd_risk_10y_percent : ten-year risk as the registry computed it without calcium
    myocardial_infarction, stent, bypass, known_ascvd : known disease
    pacemaker : or a defibrillator: leads in the heart
    symptomatic, pregnant : at the time of the scan
    """

    age_years: float | None = None
    sex: Sex | None = None
    race_ethnicity: Race | None = None
    total_cholesterol_mg_dl: float | None = None
    hdl_mg_dl: float | None = None
    sbp_mm_hg: float | None = None
    diabetes: bool | None = None
    current_smoker: bool | None = None
    lipid_lowering_medication: bool | None = None
    hypertension_medication: bool | None = None
    family_history_heart_attack: bool | None = None
    ascvd_risk_10y_percent: float | None = None
    myocardial_infarction: bool | None = None
    stent: bool | None = None
    bypass: bool | None = None
    pacemaker: bool | None = None
    known_ascvd: bool | None = None
    symptomatic: bool | None = None
    pregnant: bool | None = None


def merge_covariates(
    acquisition: Acquisition, row: Mapping[str, Value]
) -> tuple[Covariates, tuple[QualityRow, ...]]:
    """Put what the table says above what the header says, and say where they disagree.

    Parameters
    ----------
    acquisition : header facts of the scan
    row : the scan's row of the table, by column; empty if there is none
    """
    header = from_header(acquisition)
    table = {name: value for name, value in row.items() if value is not None}
    birth_date = table.pop("birth_date", None)
    if "age_years" not in table and birth_date is not None:
        age = age_between(str(birth_date), acquisition.study_date)
        table |= {} if age is None else {"age_years": age}
    merged = replace(header, **table)  # type: ignore[arg-type]
    return merged, _doubts(acquisition, header, merged)


def from_header(acquisition: Acquisition) -> Covariates:
    """Age and sex from PatientAge, PatientSex, PatientBirthDate and StudyDate.

    PatientAge goes first: de-identification often replaces dates, and seldom the
    age. Any PatientSex but ``M`` and ``F`` is unknown.
    """
    age = parse_age(acquisition.patient_age)
    if age is None:
        age = age_between(acquisition.patient_birth_date, acquisition.study_date)
    return Covariates(
        age_years=age, sex=DICOM_SEX.get((acquisition.patient_sex or "").strip().upper())
    )


def parse_age(age_string: str | None) -> float | None:
    """Years of a DICOM age string (``067Y``, ``018M``, ``003W``, ``010D``); else ``None``."""
    text = (age_string or "").strip().upper()
    number, unit = text[:-1], text[-1:]
    if unit not in DAYS_PER_UNIT or not (number.isascii() and number.isdigit()):
        return None
    return int(number) * DAYS_PER_UNIT[unit] / DAYS_PER_YEAR


def age_between(birth: str | None, when: str | None) -> float | None:
    """Completed years between two dates (``YYYYMMDD`` or ``YYYY-MM-DD``).

    ``None`` if either is missing or no date, or the birth is after the scan.
    """
    born, scanned = parse_date(birth), parse_date(when)
    if born is None or scanned is None or born > scanned:
        return None
    had_no_birthday = (scanned.month, scanned.day) < (born.month, born.day)
    return float(scanned.year - born.year - had_no_birthday)


def parse_date(text: str | None) -> date | None:
    """A date written ``YYYYMMDD`` or ``YYYY-MM-DD``; else ``None``."""
    try:
        return date.fromisoformat((text or "").strip())
    except ValueError:
        return None


def _doubts(
    acquisition: Acquisition, header: Covariates, merged: Covariates
) -> tuple[QualityRow, ...]:
    by_dates = age_between(acquisition.patient_birth_date, acquisition.study_date)
    ages = [age for age in (header.age_years, by_dates, merged.age_years) if age is not None]
    rows = []
    if ages and math.floor(max(ages)) - math.floor(min(ages)) > 1:
        rows.append(
            QualityRow("age_conflict", "warn", max(ages) - min(ages), "sources of age disagree")
        )
    if header.sex and header.sex != merged.sex:
        rows.append(
            QualityRow("sex_conflict", "warn", text=f"DICOM {header.sex}, table {merged.sex}")
        )
    return tuple(rows)

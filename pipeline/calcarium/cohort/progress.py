"""Change of the score between two scans of one patient.

Change is what is reported; no published rule makes it the effect of a treatment.
Dates stay in ``private/``: only intervals leave this module.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from statistics import median

from calcarium.cohort.scans import ScoredScan

DAYS_PER_YEAR = 365.25
INCREMENT_TOLERANCE = 0.10
"""Engineering choice: increments within 10 % are the same."""


@dataclass(frozen=True)
class Change:
    """One pair of scans of one patient and class; the fields are the columns of the table.

    Attributes
    ----------
    years : between the two scans; 0 where they are of one day
    change_per_year : ``(after - before) / years``; ``None`` within one day
    percent_change, percent_change_per_year : of the score before, simple rate; ``None`` where
        that was 0
    sqrt_change_per_year : ``(sqrt(after) - sqrt(before)) / years``
    incident : no calcium before, some after
    significant_sevrukov_2005, significant_volume_sevrukov_2005 : beyond the 95 % repeatability,
        in either direction
    progression_koica_2019, progression_koica_2021 : square-root change of at least, or above, 2.5
    progression_15_percent_per_year : ``None`` where the score before was 0
    not_comparable : what differs or is unknown, joined by ``;``; empty if comparable
    """

    patient_key: str
    scan_class: str
    convention: str
    scan_id_before: str
    scan_id_after: str
    years: float
    agatston_before: float
    agatston_after: float
    volume_mm3_before: float
    volume_mm3_after: float
    change: float
    change_per_year: float | None
    percent_change: float | None
    percent_change_per_year: float | None
    sqrt_change: float
    sqrt_change_per_year: float | None
    incident: bool
    significant_sevrukov_2005: bool
    significant_volume_sevrukov_2005: bool
    progression_koica_2019: bool
    progression_koica_2021: bool
    progression_15_percent_per_year: bool | None
    not_comparable: str


def changes(scans: Iterable[ScoredScan], *, since_first: bool = False) -> list[Change]:
    """Changes between the scans of each patient, class and convention.

    Parameters
    ----------
    scans : in any order; those without a patient or a date are left out
    since_first : pair each scan with the patient's first, not with the one before
    """
    dated = [scan for scan in scans if scan.patient_key is not None and scan.taken is not None]
    dated.sort(key=lambda scan: (*_group(scan), scan.taken, scan.scan_id))
    found = []
    for _, group in groupby(dated, key=_group):
        found += [change(before, after) for before, after in _pairs(list(group), since_first)]
    return found


def _group(scan: ScoredScan) -> tuple[str, str, str]:
    return scan.patient_key or "", scan.scan_class, scan.convention


def _pairs(scans: list[ScoredScan], since_first: bool) -> Iterable[tuple[ScoredScan, ScoredScan]]:
    return [(scans[0], later) for later in scans[1:]] if since_first else pairwise(scans)


def change(before: ScoredScan, after: ScoredScan) -> Change:
    """The change between two dated scans of one patient."""
    assert before.taken is not None
    assert after.taken is not None
    b, f = before.agatston, after.agatston
    years = (after.taken - before.taken).days / DAYS_PER_YEAR
    percent = 100 * (f - b) / b if b > 0 else None
    sqrt_change = math.sqrt(f) - math.sqrt(b)
    percent_per_year = _per_year(percent, years)
    return Change(
        patient_key=before.patient_key or "",
        scan_class=before.scan_class,
        convention=before.convention,
        scan_id_before=before.scan_id,
        scan_id_after=after.scan_id,
        years=years,
        agatston_before=b,
        agatston_after=f,
        volume_mm3_before=before.volume_mm3,
        volume_mm3_after=after.volume_mm3,
        change=f - b,
        change_per_year=_per_year(f - b, years),
        percent_change=percent,
        percent_change_per_year=percent_per_year,
        sqrt_change=sqrt_change,
        sqrt_change_per_year=_per_year(sqrt_change, years),
        incident=b == 0 and f > 0,
        significant_sevrukov_2005=significant_agatston(b, f),
        significant_volume_sevrukov_2005=significant_volume(before.volume_mm3, after.volume_mm3),
        progression_koica_2019=sqrt_change >= 2.5,
        progression_koica_2021=sqrt_change > 2.5,
        progression_15_percent_per_year=None
        if percent_per_year is None
        else percent_per_year >= 15,
        not_comparable=";".join(differences(before, after)),
    )


def _per_year(amount: float | None, years: float) -> float | None:
    return None if amount is None or years == 0 else amount / years


def significant_agatston(before: float, after: float) -> bool:
    """Beyond the 95 % repeatability of the Agatston score (Sevrukov 2005, AJR, 2217 pairs)."""
    return after > 11.6 if before == 0 else abs(after - before) > 4.930 * math.sqrt(before)


def significant_volume(before_mm3: float, after_mm3: float) -> bool:
    """Beyond the 95 % repeatability of the volume score (Sevrukov 2005)."""
    if before_mm3 == 0:
        return after_mm3 > 9.5
    return abs(after_mm3 - before_mm3) > 3.445 * math.sqrt(before_mm3)


def differences(before: ScoredScan, after: ScoredScan) -> list[str]:
    """Why two scores must not be compared: what differs, or is unknown on either side."""
    same = {
        "scanner": _same(
            (before.manufacturer, before.manufacturer_model),
            (after.manufacturer, after.manufacturer_model),
        ),
        "kernel": _same((before.convolution_kernel,), (after.convolution_kernel,)),
        "increment": _same_increment(before.slice_increment_mm, after.slice_increment_mm),
        "tube_voltage": _same((before.kvp,), (after.kvp,)),
        "threshold": before.threshold_hu == after.threshold_hu,
        "convention": before.convention == after.convention,
        "region_source": before.region_source == after.region_source,
        "protocol": before.protocol_hash == after.protocol_hash,
    }
    return [
        f"{name}_unknown" if is_same is None else name
        for name, is_same in same.items()
        if not is_same
    ]


def _same(before: tuple[object, ...], after: tuple[object, ...]) -> bool | None:
    return None if None in before + after else before == after


def _same_increment(before_mm: float | None, after_mm: float | None) -> bool | None:
    if before_mm is None or after_mm is None:
        return None
    return abs(after_mm - before_mm) <= INCREMENT_TOLERANCE * before_mm


@dataclass(frozen=True)
class Progress:
    """What a cohort's changes come to; everything but the first four counts comparable pairs.

    Attributes
    ----------
    n_patients, n_pairs, n_comparable : what there is
    not_comparable : pairs by what differs or is unknown
    n_zero_before, n_incident : pairs without calcium before; those of them with some after
    n_met, n_judged : by rule, pairs that meet it, of those that it applies to
    median_change_per_year : ``None`` without pairs of different days
    """

    n_patients: int
    n_pairs: int
    n_comparable: int
    not_comparable: dict[str, int]
    n_zero_before: int
    n_incident: int
    n_met: dict[str, int]
    n_judged: dict[str, int]
    median_change_per_year: float | None


RULES = (
    "significant_sevrukov_2005",
    "significant_volume_sevrukov_2005",
    "progression_koica_2019",
    "progression_koica_2021",
    "progression_15_percent_per_year",
)


def summarise(found: Sequence[Change]) -> Progress:
    """Count the pairs, what makes them incomparable, and which rules the others meet."""
    comparable = [pair for pair in found if not pair.not_comparable]
    verdicts = {
        rule: [getattr(pair, rule) for pair in comparable if getattr(pair, rule) is not None]
        for rule in RULES
    }
    yearly = [p.change_per_year for p in comparable if p.change_per_year is not None]
    return Progress(
        n_patients=len({pair.patient_key for pair in found}),
        n_pairs=len(found),
        n_comparable=len(comparable),
        not_comparable=dict(
            Counter(why for pair in found for why in pair.not_comparable.split(";") if why)
        ),
        n_zero_before=sum(pair.agatston_before == 0 for pair in comparable),
        n_incident=sum(pair.incident for pair in comparable),
        n_met={rule: sum(met) for rule, met in verdicts.items()},
        n_judged={rule: len(met) for rule, met in verdicts.items()},
        median_change_per_year=median(yearly) if yearly else None,
    )

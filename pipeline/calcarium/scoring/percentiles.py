"""Where a score stands among people of the same age and sex.

MESA (McClelland 2006) needs sex, race and an age of 45 to 84 and gives a
percentile; Hoff 2001 needs sex and age and gives a band. Both describe gated
scans without contrast. Nothing is clamped: outside its ages a reference says
nothing.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass
from functools import cache
from typing import Literal, TypeAlias

import numpy as np

from calcarium.covariates import Race, Sex
from calcarium.scoring.reference import manifest, read_csv

MESA_TABLE = "percentiles-mesa-2006.csv"
HOFF_TABLE = "percentiles-hoff-2001.csv"
HoffBand: TypeAlias = Literal["zero", "<25", "25-50", "50-75", "75-90", ">=90"]
SEX_IN_TABLES: dict[Sex, str] = {"F": "female", "M": "male"}
HOFF_BANDS: tuple[HoffBand, ...] = ("<25", "25-50", "50-75", "75-90", ">=90")


@dataclass(frozen=True)
class MesaPercentile:
    """A percentile of MESA 2006.

    Attributes
    ----------
    percentile : share of peers with a lower score, 0 to 99; 0 for a score of 0
    nonzero_percent : share of peers with any calcium, which is what places a score of 0
    reference : name and version of the table
    """

    percentile: float
    nonzero_percent: float
    reference: str


def mesa_percentile(
    agatston: float, *, age_years: float, sex: Sex, race: Race
) -> MesaPercentile | None:
    """Percentile among people of the same age, sex and race in MESA.

    Between the scores of the table the percentile is linear in the logarithm
    of the score; a score between 0 and 1 has that of 1, one above the table
    that of its last column.

    Parameters
    ----------
    agatston : Agatston score of a gated scan without contrast, not rounded
    age_years : age; completed years count

    Returns
    -------
    ``None`` if the age is outside 45 to 84 years.
    """
    cell = _mesa().get((SEX_IN_TABLES[sex], race, math.floor(age_years)))
    if cell is None:
        return None
    scores, percentiles = _ladder(cell)
    percentile = (
        float(np.interp(math.log(max(agatston, 1.0)), np.log(scores), percentiles))
        if agatston > 0
        else 0.0
    )
    return MesaPercentile(percentile, float(cell["p_nonzero_pct"]), reference_name(MESA_TABLE))


def hoff_band(agatston: float, *, age_years: float, sex: Sex) -> HoffBand:
    """Band of percentiles among people of the same sex and age band in Hoff 2001.

    A score on a cut-off is in the band above it. A score of 0 is ``zero``: where
    most people have none, it is not the 50th percentile for being the median.

    Parameters
    ----------
    agatston : Agatston score, not rounded
    age_years : age; completed years count
    """
    if agatston <= 0:
        return "zero"
    age = math.floor(age_years)
    (row,) = (
        row
        for row in _hoff()
        if row["sex"] == SEX_IN_TABLES[sex]
        and float(row["age_from"] or 0) <= age <= float(row["age_to"] or math.inf)
    )
    cut_offs = [float(row[name]) for name in ("p25", "p50", "p75", "p90")]
    return HOFF_BANDS[bisect_right(cut_offs, agatston)]


def reference_name(table: str) -> str:
    """Name and version of a table, as written beside a result."""
    entry = manifest()[table]
    return f"{entry.name}, table {entry.version}"


@cache
def _hoff() -> list[dict[str, str]]:
    return read_csv(HOFF_TABLE)


@cache
def _mesa() -> dict[tuple[str, str, int], dict[str, str]]:
    return {(row["sex"], row["race"], int(row["age"])): row for row in read_csv(MESA_TABLE)}


def _ladder(cell: dict[str, str]) -> tuple[list[float], list[float]]:
    """Scores of the table's columns ``pct_at_<score>``, and their percentiles."""
    columns = [name for name in cell if name.startswith("pct_at_")]
    scores = [float(name.removeprefix("pct_at_")) for name in columns]
    return scores, [float(cell[name]) for name in columns]

"""Scores of a cohort: how many have calcium, how much, by sex and decade of age."""

from __future__ import annotations

from dataclasses import dataclass, replace

import duckdb

from calcarium.scoring.categories import schemes
from calcarium.tables.parts import connect_whole

QUANTILES = (0.25, 0.5, 0.75, 0.9, 0.95)
STRATA = f"""
SELECT score_type, sex, decade, count(*), count(*) FILTER (NOT detected),
       avg(agatston), quantile_cont(agatston, {list(QUANTILES)})
FROM (
    SELECT score_type, coalesce(sex, 'unknown') AS sex, detected, agatston,
           coalesce(cast(cast(floor(age_years / 10) * 10 AS INTEGER) AS VARCHAR), 'unknown')
               AS decade
    FROM studies WHERE outcome = 'scored' AND agatston IS NOT NULL
)
GROUP BY GROUPING SETS (
    (score_type), (score_type, sex), (score_type, decade), (score_type, sex, decade))
ORDER BY score_type, sex NULLS FIRST, decade NULLS FIRST
"""


@dataclass(frozen=True)
class Stratum:
    """Scores of a part of the cohort.

    Attributes
    ----------
    score_type : class of scan
    sex, age_decade : ``"all"``, or one of them; a decade is named by its first year
    n, n_zero : studies with a score; those without any calcium
    zero_percent, mean, p25 ... p95 : ``None`` where the stratum is smaller than asked for
    """

    score_type: str
    sex: str
    age_decade: str
    n: int
    n_zero: int
    zero_percent: float | None
    mean: float | None
    p25: float | None
    p50: float | None
    p75: float | None
    p90: float | None
    p95: float | None


@dataclass(frozen=True)
class CategoryCount:
    """Studies in one class of one scheme."""

    score_type: str
    scheme: str
    label: str
    n: int
    percent: float


@dataclass(frozen=True)
class Description:
    """What a cohort looks like.

    Attributes
    ----------
    outcomes : studies by outcome and reason; the reason is empty for the scored
    """

    outcomes: dict[tuple[str, str], int]
    strata: list[Stratum]
    categories: list[CategoryCount]


def describe(results: str, *, min_cell: int = 0) -> Description:
    """Describe the studies of a result folder by their primary scan.

    Parameters
    ----------
    min_cell : strata of fewer studies keep their counts and lose their statistics
    """
    database = connect_whole(results)
    strata = [_stratum(row) for row in database.execute(STRATA).fetchall()]
    return Description(
        _outcomes(database),
        [s if s.n >= min_cell else _suppressed(s) for s in strata],
        [count for scheme in schemes() for count in _category_counts(database, scheme)],
    )


def _outcomes(database: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], int]:
    rows = database.execute(
        "SELECT outcome, coalesce(reason, ''), count(*) FROM studies GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    return {(outcome, reason): n for outcome, reason, n in rows}


def _stratum(row: tuple[str, str | None, str | None, int, int, float, list[float]]) -> Stratum:
    score_type, sex, decade, n, n_zero, mean, quantiles = row
    return Stratum(
        score_type, sex or "all", decade or "all", n, n_zero, 100 * n_zero / n, mean, *quantiles
    )


def _suppressed(stratum: Stratum) -> Stratum:
    return replace(
        stratum, zero_percent=None, mean=None, p25=None, p50=None, p75=None, p90=None, p95=None
    )


def _category_counts(database: duckdb.DuckDBPyConnection, scheme: str) -> list[CategoryCount]:
    """Every class of a scheme, in its order, those without a study included."""
    rows = database.execute(
        f"SELECT score_type, category_{scheme}, count(*) FROM studies "
        f"WHERE category_{scheme} IS NOT NULL GROUP BY ALL"
    ).fetchall()
    counts = {(score_type, label): n for score_type, label, n in rows}
    totals: dict[str, int] = {}
    for (score_type, _), n in counts.items():
        totals[score_type] = totals.get(score_type, 0) + n
    return [
        CategoryCount(score_type, scheme, label, n, 100 * n / total)
        for score_type, total in sorted(totals.items())
        for label in schemes()[scheme].labels
        for n in [counts.get((score_type, label), 0)]
    ]

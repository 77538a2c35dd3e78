"""How well a score tells who has a disease: by threshold and decade of age."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from calcarium.cohort.scans import CHOSEN
from calcarium.cohort.score_pairs import KEYS
from calcarium.cohort.statistics import Estimate, proportion
from calcarium.errors import UsageError
from calcarium.table_file import EMPTY, TRUTH, read_table_file
from calcarium.tables.parts import connect_whole

QUERY = f"""
SELECT scores.scan_id, scores.scan_id AS series_instance_uid, scores.study_id,
       accession_number, patient_id, scores.agatston, studies.age_years
FROM scores JOIN studies ON studies.study_id = scores.study_id
LEFT JOIN links ON links.scan_id = scores.scan_id
WHERE {CHOSEN} AND scores.scan_id = studies.primary_scan_id
"""


@dataclass(frozen=True)
class Case:
    """One study whose disease is known; ``age_decade`` is named by its first year."""

    age_decade: str
    agatston: float
    diseased: bool


@dataclass(frozen=True)
class Accuracy:
    """A threshold as a test for the disease: positive is a score of at least ``threshold``.

    Attributes
    ----------
    age_decade : ``all`` or a decade
    true_positive, false_positive, false_negative, true_negative : studies
    sensitivity ... npv : shares; NaN of nothing, ``None`` in a stratum smaller than asked for
    sensitivity_low ... npv_high : exact 95 % intervals
    """

    age_decade: str
    threshold: float
    true_positive: int
    false_positive: int
    false_negative: int
    true_negative: int
    sensitivity: float | None = None
    sensitivity_low: float | None = None
    sensitivity_high: float | None = None
    specificity: float | None = None
    specificity_low: float | None = None
    specificity_high: float | None = None
    ppv: float | None = None
    ppv_low: float | None = None
    ppv_high: float | None = None
    npv: float | None = None
    npv_low: float | None = None
    npv_high: float | None = None


def read_cases(
    results: str, table: str, column: str, *, convention: str | None = None
) -> list[Case]:
    """Studies of a run whose disease a table knows, by their primary scan.

    Parameters
    ----------
    table : with a key (one of :data:`~calcarium.cohort.score_pairs.KEYS`) and ``column``,
        yes or no; an empty cell is unknown. A key that names several studies is left out

    Raises
    ------
    UsageError
        if the table cannot be used, or no study is in both.
    """
    file = read_table_file(table)
    key, keys = file.keys(KEYS)
    if column not in file.columns:
        raise UsageError(f"{table}: no column {column!r}; name the column of the disease")
    known = {
        k: _truth(table, column, number, text)
        for number, (k, text) in enumerate(zip(keys, file.columns[column], strict=True), start=1)
        if text.lower() not in EMPTY
    }
    parameters = {"convention": convention or ""}
    rows = connect_whole(results).sql(QUERY, params=parameters).to_arrow_table().to_pylist()
    times = Counter(row[key] for row in rows)
    cases = [
        Case(_decade(row["age_years"]), row["agatston"], known[row[key]])
        for row in rows
        if row[key] in known and times[row[key]] == 1
    ]
    if not cases:
        raise UsageError(f"no study is in both {results} and {table} (by {key})")
    return cases


def _truth(table: str, column: str, number: int, text: str) -> bool:
    if text.lower() not in TRUTH:
        raise UsageError(f"{table}: {column} in data row {number}: {text!r} is neither yes nor no")
    return TRUTH[text.lower()]


def _decade(age_years: float | None) -> str:
    return "unknown" if age_years is None else str(int(age_years // 10) * 10)


def accuracies(
    cases: Sequence[Case], thresholds: Iterable[float], *, min_cell: int = 0
) -> list[Accuracy]:
    """One row per stratum and threshold.

    Parameters
    ----------
    thresholds : a score of 0 is negative at any threshold above 0
    min_cell : strata of fewer studies keep their counts and lose their shares
    """
    decades = sorted({case.age_decade for case in cases})
    strata = {"all": list(cases)} | {
        decade: [case for case in cases if case.age_decade == decade] for decade in decades
    }
    return [
        _accuracy(name, stratum, threshold, shares=len(stratum) >= min_cell)
        for name, stratum in strata.items()
        for threshold in thresholds
    ]


def _accuracy(name: str, cases: list[Case], threshold: float, *, shares: bool) -> Accuracy:
    counts = Counter((case.agatston >= threshold, case.diseased) for case in cases)
    tp, fp = counts[True, True], counts[True, False]
    fn, tn = counts[False, True], counts[False, False]
    if not shares:
        return Accuracy(name, threshold, tp, fp, fn, tn)
    estimates = {
        "sensitivity": proportion(tp, tp + fn),
        "specificity": proportion(tn, tn + fp),
        "ppv": proportion(tp, tp + fp),
        "npv": proportion(tn, tn + fn),
    }
    return Accuracy(name, threshold, tp, fp, fn, tn, **_columns(estimates))


def _columns(estimates: Mapping[str, Estimate]) -> dict[str, float]:
    return {
        f"{name}{suffix}": value
        for name, e in estimates.items()
        for suffix, value in (("", e.value), ("_low", e.low), ("_high", e.high))
    }

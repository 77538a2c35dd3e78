"""Pairs of scores of the same scans: this run beside a user's table or another run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from calcarium.cohort.scans import CHOSEN
from calcarium.cohort.statistics import Float64
from calcarium.errors import UsageError
from calcarium.table_file import EMPTY, read_table_file
from calcarium.tables.folder import ResultFolder
from calcarium.tables.parts import connect_whole

KEYS = ("scan_id", "series_instance_uid", "study_id", "accession_number", "patient_id")
TOTAL = "total"
QUERY = f"""
WITH chosen AS (
    SELECT scores.scan_id, scores.study_id, scores.convention, scores.agatston
    FROM scores JOIN studies ON studies.study_id = scores.study_id
    WHERE {CHOSEN} AND ($by_scan OR scores.scan_id = studies.primary_scan_id)
)
SELECT scan_id, scan_id AS series_instance_uid, study_id, accession_number, patient_id,
       '{TOTAL}' AS vessel, agatston
FROM chosen LEFT JOIN links USING (scan_id, study_id)
UNION ALL
SELECT scan_id, scan_id, chosen.study_id, accession_number, patient_id,
       vessels.vessel, vessels.agatston
FROM chosen JOIN vessels USING (scan_id, convention)
LEFT JOIN links USING (scan_id)
WHERE vessels.agatston IS NOT NULL
"""
Scores = Mapping[str, Mapping[str, float]]
"""Agatston score by key and vessel."""


@dataclass(frozen=True)
class ScorePairs:
    """The same scans, scored twice.

    Attributes
    ----------
    n_own, n_reference : scans of the run; rows of the reference
    n_ambiguous : keys that name several scans of the run; left out
    own, reference : scores by vessel, arrays of one length
    """

    n_own: int
    n_reference: int
    n_ambiguous: int
    own: Mapping[str, Float64]
    reference: Mapping[str, Float64]

    @property
    def n_pairs(self) -> int:
        """Scans with both totals."""
        return len(self.own.get(TOTAL, ()))


def score_pairs(
    results: str, reference: str, *, column: str = "agatston", convention: str | None = None
) -> ScorePairs:
    """Pair the scores of a run with those of a reference.

    Parameters
    ----------
    results : result folder
    reference : another result folder, or a table with a key (one of :data:`KEYS`), the column
        of the total, and ``agatston_LM`` and the like where arteries were scored apart.
        A key of the study, accession or patient stands for its primary scan.
    column : the reference's column of the total
    convention : of the run; without one, its primary convention

    Raises
    ------
    UsageError
        if a reference cannot be read, or no scan is in both.
    """
    if ResultFolder.at(reference).exists("run.json"):
        key, theirs = "scan_id", run_scores(reference, "scan_id", convention)[0]
    else:
        key, theirs = table_scores(reference, column)
    ours, n_ambiguous = run_scores(results, key, convention)
    common = sorted(set(ours) & set(theirs))
    pairs = {
        vessel: [
            (ours[k][vessel], theirs[k][vessel]) for k in common if _both(ours, theirs, k, vessel)
        ]
        for vessel in dict.fromkeys(v for k in common for v in ours[k])
    }
    if not pairs.get(TOTAL):
        raise UsageError(
            f"no scan is in both {results} ({len(ours)} scans) and {reference} "
            f"({len(theirs)} rows by {key})"
        )
    arrays = {
        vessel: np.array(both, dtype=np.float64).reshape(-1, 2) for vessel, both in pairs.items()
    }
    return ScorePairs(
        len(ours),
        len(theirs),
        n_ambiguous,
        {vessel: both[:, 0] for vessel, both in arrays.items() if len(both)},
        {vessel: both[:, 1] for vessel, both in arrays.items() if len(both)},
    )


def _both(ours: Scores, theirs: Scores, key: str, vessel: str) -> bool:
    return vessel in ours[key] and vessel in theirs[key]


def run_scores(results: str, key: str, convention: str | None) -> tuple[Scores, int]:
    """Scores of a run by a key, and how many keys were left out for naming several scans."""
    parameters = {
        "convention": convention or "",
        "by_scan": key in ("scan_id", "series_instance_uid"),
    }
    table = connect_whole(results).sql(QUERY, params=parameters).to_arrow_table()
    rows = [row for row in table.to_pylist() if row[key]]
    scans = Counter(k for k, _ in {(row[key], row["scan_id"]) for row in rows})
    scores: dict[str, dict[str, float]] = {}
    for row in rows:
        if scans[row[key]] == 1:
            scores.setdefault(row[key], {})[row["vessel"]] = row["agatston"]
    found = {k: _with_left_main_and_lad(vessels) for k, vessels in scores.items()}
    return found, sum(n > 1 for n in scans.values())


def table_scores(url: str, column: str) -> tuple[str, Scores]:
    """Key column and scores of a user's table; a cell that is empty is no score."""
    file = read_table_file(url)
    key, keys = file.keys(KEYS)
    if column not in file.columns:
        raise UsageError(f"{url}: no column {column!r}; name the column of the score")
    vessels = {column: TOTAL} | {
        name: name.removeprefix("agatston_").upper().replace("_", "+")
        for name in file.columns
        if name.startswith("agatston_")
    }
    scores: dict[str, dict[str, float]] = {k: {} for k in keys}
    for name, vessel in vessels.items():
        for number, (k, text) in enumerate(zip(keys, file.columns[name], strict=True), start=1):
            if text.lower() not in EMPTY:
                scores[k][vessel] = _score(url, name, number, text)
    return key, {k: _with_left_main_and_lad(v) for k, v in scores.items()}


def _score(url: str, name: str, number: int, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise UsageError(f"{url}: {name} in data row {number}: {text!r} is no score")
    return value


def _with_left_main_and_lad(vessels: dict[str, float]) -> dict[str, float]:
    """Add the sum of LM and LAD, since many sources know only that."""
    if "LM+LAD" in vessels or not {"LM", "LAD"} <= vessels.keys():
        return vessels
    return vessels | {"LM+LAD": vessels["LM"] + vessels["LAD"]}

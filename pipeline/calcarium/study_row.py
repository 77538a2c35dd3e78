"""The one row of a study in the table that a researcher opens first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from calcarium.config.protocol import ScanClass
from calcarium.errors import ReasonGroup
from calcarium.ledger import (
    lesion_columns,
    links_row,
    message_row,
    score_cells,
    score_type,
    scored_rows,
    series_row,
    threshold_free_cells,
    voxel_rows,
)
from calcarium.outcome import ScanResult
from calcarium.privacy import patient_key
from calcarium.scoring.model import ConventionScore
from calcarium.tables.rows import Row, StudyRows
from calcarium.tables.schema import STUDIES, VESSEL_COLUMNS

# A study is spoken for by its best scan: by class, and where none was scored by how near it came.
CLASS_ORDER: tuple[ScanClass, ...] = ("gated", "nongated", "contrast")
# Columns that do not depend on the score of the primary scan.
ABOUT_THE_STUDY = (
    "study_id",
    "patient_key",
    "outcome",
    "reason",
    "reason_group",
    "n_scans",
    "n_scored",
    "gated_scan_id",
    "nongated_scan_id",
    "contrast_scan_id",
    "age_years",
    "sex",
    "study_year",
)
PRIMARY_COLUMNS = tuple(
    column.name
    for column in STUDIES.columns
    if not column.stamped and column.name not in ABOUT_THE_STUDY
)
GROUP_ORDER: tuple[ReasonGroup, ...] = ("unscorable", "ineligible", "not_selected", "not_ct")


def study_rows(study_id: str, results: list[ScanResult], secret: bytes) -> StudyRows:
    """All rows of one study.

    Parameters
    ----------
    results : one per scan of the study, in any order
    secret : key of the hash that stands for PatientID
    """
    results = sorted(results, key=lambda result: result.scan.scan_id)
    series = [series_row(result) for result in results]
    return StudyRows(
        study_id,
        {
            "studies": [_studies_row(study_id, results, series, secret)],
            "series": series,
            **scored_rows(results),
            "voxels": [row for result in results for row in voxel_rows(result)],
            "links": [links_row(result) for result in results],
            "messages": [message_row(result) for result in results if result.message],
        },
        lesion_columns(results),
    )


def _studies_row(
    study_id: str, results: Sequence[ScanResult], series: Sequence[Row], secret: bytes
) -> Row:
    row: Row = {column.name: None for column in STUDIES.columns if not column.stamped}
    row |= {"study_id": study_id, "n_scans": len(results)}
    ids = [result.scan.acquisition.patient_id for result in results]
    row["patient_key"] = patient_key(next((i for i in ids if i), None), secret)
    return row | _time(results) | ended_cells(series, results)


def ended_cells(series: Sequence[Row], results: Sequence[ScanResult]) -> Row:
    """Outcome of a study, the scan that speaks for it, its score and what that means.

    Parameters
    ----------
    series : the row of each of its scans, in the order of their ids
    results : of these scans, those that are known; all that were scored
    """
    best = min(series, key=_rank)
    row: Row = {name: best[name] for name in ("outcome", "reason", "reason_group")}
    scored = [scan for scan in series if scan["outcome"] == "scored"]
    row["n_scored"] = len(scored)
    for scan_class in CLASS_ORDER:
        chosen = [scan["scan_id"] for scan in scored if scan["scan_class"] == scan_class]
        row[f"{scan_class}_scan_id"] = chosen[0] if chosen else None
    for result in results:
        if result.scan.scan_id == best["scan_id"]:
            row |= {"sex": result.covariates.sex, "age_years": result.covariates.age_years}
            row |= _primary_cells(result)
    return row


def _rank(scan: Row) -> tuple[int, int]:
    """Scored before failed before excluded; then the class, or how near it came to a score."""
    if scan["outcome"] == "scored":
        return 0, CLASS_ORDER.index(cast(ScanClass, scan["scan_class"]))
    if scan["reason"] is None:
        return 1, 0
    return 2, GROUP_ORDER.index(cast(ReasonGroup, scan["reason_group"]))


def _time(results: Sequence[ScanResult]) -> Row:
    dates = [result.scan.acquisition.study_date for result in results]
    years = [date[:4] for date in dates if date and date[:4].isdigit()]
    return {"study_year": int(years[0]) if years else None}


def _primary_cells(result: ScanResult) -> Row:
    """Score and meaning of the scan that speaks for a study; nothing if it has none."""
    scores = result.scores
    if scores is None:
        return {}
    score = next(s for s in scores.conventions if s.convention == scores.primary)
    flags = sorted({row.check for row in result.quality if row.status in ("warn", "fail")})
    row: Row = {
        "primary_scan_id": result.scan.scan_id,
        "convention": score.convention,
        "score_type": score_type(result, score),
        "region_source": result.region_source,
        "flags": ";".join(flags) or None,
    }
    row |= score_cells(score) | threshold_free_cells(result) | _vessels(score)
    if result.interpretation is not None:
        row |= result.interpretation.columns
    return row


def _vessels(score: ConventionScore) -> Row:
    columns = {vessel.replace("+", "_"): m.agatston for vessel, m in score.vessels.items()}
    return {f"agatston_{name}": columns[name] for name in VESSEL_COLUMNS if name in columns}

"""The scored scans of a run, one per study and class, with what makes them comparable."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from calcarium.errors import UsageError
from calcarium.tables.parts import connect_whole

CHOSEN = """
    scores.agatston IS NOT NULL
    AND CASE WHEN $convention = '' THEN scores.is_primary
             ELSE scores.convention = $convention END
    AND scores.scan_id IN (
        studies.gated_scan_id, studies.nongated_scan_id, studies.contrast_scan_id)
"""
"""The score of one convention, of the scan chosen for its class."""
QUERY = f"""
SELECT studies.patient_key, scores.study_id, scores.scan_id, series.scan_class,
       scores.convention, links.study_date AS taken, scores.agatston, scores.volume_mm3,
       series.manufacturer, series.manufacturer_model, series.convolution_kernel,
       series.slice_increment_mm, series.kvp, scores.threshold_hu, scores.region_source,
       scores.protocol_hash
FROM scores
JOIN series USING (scan_id)
JOIN studies ON studies.study_id = scores.study_id
LEFT JOIN links USING (scan_id)
WHERE {CHOSEN}
ORDER BY studies.patient_key, taken, scores.scan_id
"""


@dataclass(frozen=True)
class ScoredScan:
    """One score, and how it was acquired and made.

    Attributes
    ----------
    patient_key : ``None`` where the header has no PatientID
    taken : date of the study, from ``private/``; ``None`` where it is unknown
    """

    patient_key: str | None
    study_id: str
    scan_id: str
    scan_class: str
    convention: str
    taken: date | None
    agatston: float
    volume_mm3: float
    manufacturer: str | None
    manufacturer_model: str | None
    convolution_kernel: str | None
    slice_increment_mm: float | None
    kvp: float | None
    threshold_hu: float | None
    region_source: str | None
    protocol_hash: str | None


def scored_scans(results: str, convention: str | None = None) -> list[ScoredScan]:
    """Every chosen scan with an Agatston score, by patient and date.

    Parameters
    ----------
    results : result folder
    convention : its name; without one, the primary convention of the protocol

    Raises
    ------
    UsageError
        if there is no result folder, or nothing was scored by the convention.
    """
    connection = connect_whole(results)
    table = connection.sql(QUERY, params={"convention": convention or ""}).to_arrow_table()
    scans = [ScoredScan(**row | {"taken": _date(row["taken"])}) for row in table.to_pylist()]
    if not scans:
        known = connection.execute("SELECT DISTINCT convention FROM scores ORDER BY 1").fetchall()
        raise UsageError(
            f"{results}: no score by {convention or 'the primary convention'} "
            f"(there are: {', '.join(str(row[0]) for row in known) or 'none'})"
        )
    return scans


def _date(text: object) -> date | None:
    try:
        return date.fromisoformat(str(text))
    except ValueError:
        return None

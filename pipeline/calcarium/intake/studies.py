"""Studies of an index, one at a time, grouped on disk."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from pathlib import Path

from calcarium.intake.grouping import Member, digest, scans_of_series
from calcarium.intake.index_store import connect, record_batches
from calcarium.intake.index_tables import ACQUISITION_FIELDS, members
from calcarium.intake.records import Scan, Study

# A UID that is in use for two patients or in two studies names neither alone:
# a hash of the other key makes it distinct.
GROUPED = """
WITH dicom AS (SELECT * FROM files WHERE kind = 'dicom'),
patients AS (
    SELECT study_key FROM dicom GROUP BY study_key
    HAVING count(DISTINCT nullif(patient_key, '')) > 1
),
identified AS (
    SELECT d.*, d.study_key || CASE WHEN p.study_key IS NULL THEN '' ELSE '/' || d.patient_key END
        AS study_id
    FROM dicom d LEFT JOIN patients p USING (study_key)
),
series AS (
    SELECT series_key, min(study_id) AS first_study FROM identified GROUP BY series_key
)
SELECT i.*, s.first_study, {acquisition}
FROM identified i JOIN series s USING (series_key) JOIN acquisitions a USING (acquisition)
ORDER BY i.study_id, i.series_key
"""


def iter_studies(folder: Path) -> Iterator[Study]:
    """Every study of an index, in the order of its id; one is in memory at a time.

    Parameters
    ----------
    folder : an index made by :func:`calcarium.intake.index.build_index`
    """
    columns = ", ".join(f"a.{name} AS a_{name}" for name in ACQUISITION_FIELDS)
    with connect(folder) as connection:
        batches = record_batches(connection, GROUPED.format(acquisition=columns))
        rows = (
            row
            for batch in batches
            for row in zip(
                batch.column("study_id").to_pylist(),
                batch.column("series_key").to_pylist(),
                batch.column("first_study").to_pylist(),
                members(batch),
                strict=True,
            )
        )
        for study_id, of_study in groupby(rows, key=itemgetter(0)):
            scans: list[Scan] = []
            for (series, first), of_series in groupby(of_study, key=itemgetter(1, 2)):
                base = series if study_id == first else f"{series}/{digest(study_id)[:8]}"
                found: list[Member] = [row[3] for row in of_series]
                scans += scans_of_series(study_id, base, found)
            yield Study(study_id, tuple(scans))

"""What a manifest names and nobody finds: a row too."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Literal

from calcarium.errors import REASONS
from calcarium.intake.index_query import problems, series_of_entries
from calcarium.intake.manifest import ManifestEntry
from calcarium.tables.rows import Row, StudyRows
from calcarium.tables.schema import TABLES

REASON = "not_found"


def absent_studies(index: Path, entries: Sequence[ManifestEntry] = ()) -> Iterator[StudyRows]:
    """One excluded study for each entry of a manifest that is not there.

    Parameters
    ----------
    index : folder of the index
    entries : of the manifests; one that names a series has a row too if its place is there and
        the series is not
    """
    missing = {problem.url for problem in problems(index) if problem.kind == "missing"}
    for url in sorted(missing):
        yield _rows(url)
    for entry, series in series_of_entries(index, entries) if entries else ():
        if entry.series_uid is not None and not series and entry.url not in missing:
            yield _rows(f"{entry.url} holds no series {entry.series_uid}")


def _rows(message: str) -> StudyRows:
    study_id = "missing-" + sha256(message.encode()).hexdigest()[:16]
    ended: Row = {"study_id": study_id, "outcome": "excluded"}
    why: Row = {"reason": REASON, "reason_group": REASONS[REASON].group}
    study = _empty("studies") | ended | why | {"n_scans": 0, "n_scored": 0}
    said = _empty("messages") | ended | {"stage": "intake", "error": REASON, "message": message}
    return StudyRows(study_id, {"studies": [study], "messages": [said]})


def _empty(table: Literal["studies", "messages"]) -> Row:
    return dict.fromkeys(column.name for column in TABLES[table].columns if not column.stamped)

"""What a manifest names and nobody finds: a row too."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Literal

from calcarium.errors import REASONS
from calcarium.intake.index_query import problems
from calcarium.tables.rows import Row, StudyRows
from calcarium.tables.schema import TABLES

REASON = "not_found"


def absent_studies(index: Path) -> Iterator[StudyRows]:
    """One excluded study for each entry of a manifest at whose place there is nothing."""
    for problem in problems(index):
        if problem.kind == "missing":
            yield _rows("missing-" + sha256(problem.url.encode()).hexdigest()[:16], problem.url)


def _rows(study_id: str, url: str) -> StudyRows:
    ended: Row = {"study_id": study_id, "outcome": "excluded"}
    why: Row = {"reason": REASON, "reason_group": REASONS[REASON].group}
    study = _empty("studies") | ended | why | {"n_scans": 0, "n_scored": 0}
    message = _empty("messages") | ended | {"stage": "intake", "error": REASON, "message": url}
    return StudyRows(study_id, {"studies": [study], "messages": [message]})


def _empty(table: Literal["studies", "messages"]) -> Row:
    return dict.fromkeys(column.name for column in TABLES[table].columns if not column.stamped)

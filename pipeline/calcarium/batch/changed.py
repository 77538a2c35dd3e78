"""Studies whose files are no longer those that their rows were made from."""

from __future__ import annotations

from pathlib import Path

from calcarium.intake.index_query import known_studies, touched_studies
from calcarium.tables.folder import ResultFolder
from calcarium.tables.read import connect
from calcarium.tables.runs import runs


def changed_studies(folder: ResultFolder, index: Path) -> set[str]:
    """Committed studies of which files came, changed or vanished since their run began.

    A study that is gone altogether keeps its rows, as there is nothing to score it again from.
    """
    with connect(folder) as database:
        rows = database.execute(
            "SELECT run_id, list(study_id) FROM studies GROUP BY run_id"
        ).fetchall()
    began_at = {run.run_id: run.index_part for run in runs(folder)}
    changed: set[str] = set()
    for run_id, committed in rows:
        part = began_at.get(run_id)
        touched = set() if part is None else set(touched_studies(index, part + 1))
        changed |= {study_id for study_id in committed if _uid(study_id) in touched}
    known = known_studies(index, sorted({_uid(study_id) for study_id in changed}))
    return {study_id for study_id in changed if _uid(study_id) in known}


def _uid(study_id: str) -> str:
    """Without what tells the patients apart where several share a study."""
    return study_id.partition("/")[0]

"""What has no study and must not be lost: a row too.

Entries of a manifest that are not there, and folders or archives with files whose
header cannot be read: such a file may be a slice of any study, or a scan of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import sha256
from itertools import groupby
from operator import attrgetter
from pathlib import Path

from calcarium.errors import REASONS
from calcarium.intake.index_query import Problem, known_places, problems, series_of_entries
from calcarium.intake.manifest import ManifestEntry
from calcarium.tables.folder import ResultFolder
from calcarium.tables.read import connect
from calcarium.tables.rows import Cell, Row, StudyRows, TableName
from calcarium.tables.schema import TABLES

UNREADABLE_ID = "unreadable-"


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
        yield _absent(url)
    for entry, series in series_of_entries(index, entries) if entries else ():
        if entry.series_uid is not None and not series and entry.url not in missing:
            yield _absent(f"{entry.url} holds no series {entry.series_uid}")


def unreadable_places(index: Path) -> Iterator[StudyRows]:
    """One excluded study with one scan for each folder or archive with unreadable files."""
    found = [problem for problem in problems(index) if problem.kind != "missing"]
    for place, there in groupby(sorted(found, key=attrgetter("place", "url")), attrgetter("place")):
        yield _unreadable(place, list(there))


def outdated_places(folder: ResultFolder, index: Path) -> set[str]:
    """Rows of unreadable files that no longer hold: files were mended, or more were damaged.

    Places that the index never saw keep their rows: another archive's, after a merge.
    """
    with connect(folder) as database:
        rows = database.execute(
            "SELECT study_id, folder FROM links WHERE starts_with(study_id, $1)", [UNREADABLE_ID]
        ).fetchall()
    current = {rows.study_id for rows in unreadable_places(index)} if rows else set()
    changed = {study_id: place for study_id, place in rows if study_id not in current}
    known = known_places(index, changed.values()) if changed else set()
    return {study_id for study_id, place in changed.items() if place in known}


def _absent(message: str) -> StudyRows:
    study_id = f"missing-{_hash(message)}"
    ended = _excluded("not_found")
    study = _row("studies", study_id=study_id, n_scans=0, n_scored=0, **ended)
    return StudyRows(
        study_id, {"studies": [study], "messages": [_message(study_id, None, "not_found", message)]}
    )


def _unreadable(place: str, there: Sequence[Problem]) -> StudyRows:
    said = "\n".join(f"{problem.kind}: {problem.url}: {problem.message}" for problem in there)
    study_id = UNREADABLE_ID + _hash(f"{place}\n{said}")
    reason = "unreadable_header"
    ids: Row = {"study_id": study_id, "scan_id": study_id}
    ended = _excluded(reason)
    return StudyRows(
        study_id,
        {
            "studies": [_row("studies", study_id=study_id, n_scans=1, n_scored=0, **ended)],
            "series": [_row("series", stage="intake", n_files=len(there), **ids, **ended)],
            "links": [_row("links", folder=place, first_url=there[0].url, **ids)],
            "messages": [_message(study_id, study_id, reason, said)],
        },
    )


def _hash(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:16]


def _excluded(reason: str) -> Row:
    return {"outcome": "excluded", "reason": reason, "reason_group": REASONS[reason].group}


def _message(study_id: str, scan_id: str | None, reason: str, message: str) -> Row:
    return _row(
        "messages",
        study_id=study_id,
        scan_id=scan_id,
        outcome="excluded",
        stage="intake",
        error=reason,
        message=message,
    )


def _row(table: TableName, **cells: Cell) -> Row:
    return dict.fromkeys(c.name for c in TABLES[table].columns if not c.stamped) | cells

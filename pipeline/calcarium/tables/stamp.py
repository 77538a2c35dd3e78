"""Which run, software and machine made a row: written in one place."""

from __future__ import annotations

from dataclasses import dataclass

from calcarium.tables.rows import Row, StudyRows, TableName
from calcarium.tables.schema import TABLES


@dataclass(frozen=True)
class Stamp:
    """The stamped columns; the field names are the column names.

    Attributes
    ----------
    study_s : time that the study took on its worker
    attempts : how often it was tried, this time included
    finished_at : UTC, ISO 8601
    """

    run_id: str
    protocol_hash: str
    calcarium_version: str
    backend: str
    host: str
    finished_at: str
    study_s: float
    attempts: int = 1


def stamp(rows: StudyRows, made_by: Stamp) -> StudyRows:
    """The same rows with their stamped columns filled in."""
    tables = {
        name: [row | own for row in table_rows]
        for name, table_rows in rows.tables.items()
        for own in [_own(name, made_by)]
    }
    lesions = tuple(columns | {"run_id": made_by.run_id} for columns in rows.lesions)
    return StudyRows(rows.study_id, tables, lesions)


def _own(name: TableName, made_by: Stamp) -> Row:
    return {c.name: vars(made_by)[c.name] for c in TABLES[name].columns if c.stamped}

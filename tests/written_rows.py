"""The rows of a study as they are written: what is kept as columns among them."""

from __future__ import annotations

from calcarium.tables.commit import tables_of
from calcarium.tables.rows import Row, StudyRows, TableName
from calcarium.tables.stamp import Stamp, stamp

STAMP = Stamp("run", "hash", "version", "numpy", "host", "2020-01-01", 0.0)


def written_rows(study: StudyRows) -> dict[TableName, list[Row]]:
    """Stamped rows by table."""
    tables = tables_of([stamp(study, STAMP)])
    return {name: table.to_pylist() for name, table in tables.items()}

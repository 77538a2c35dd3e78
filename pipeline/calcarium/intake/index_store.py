"""Parts of the index on disk: written whole or not at all, read by DuckDB.

Rows are never changed. A part of ``gone`` names containers whose rows in earlier
parts no longer hold, because the file changed or vanished.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from calcarium.intake.index_tables import (
    ACQUISITIONS_SCHEMA,
    FILES_SCHEMA,
    GONE_SCHEMA,
    IndexTables,
)

PART_ROWS = 50_000
PART_SECONDS = 30.0
SCHEMAS = {"acquisitions": ACQUISITIONS_SCHEMA, "gone": GONE_SCHEMA, "files": FILES_SCHEMA}
"""Tables in the order in which a part of each is written: ``files`` commits the others."""


@dataclass
class PartWriter:
    """Gathers rows and writes them as numbered parts."""

    folder: Path
    number: int
    files: list[pa.Table] = field(default_factory=list)
    acquisitions: list[pa.Table] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    since: float = field(default_factory=monotonic)

    def add(self, tables: IndexTables) -> None:
        """Take rows in, and write a part when there are many, or some time has passed."""
        self.files.append(tables.files)
        self.acquisitions.append(tables.acquisitions)
        rows = sum(table.num_rows for table in self.files)
        if rows >= PART_ROWS or monotonic() - self.since > PART_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Write what was gathered."""
        if self.files or self.gone:
            gone = pa.table({"container": self.gone}, GONE_SCHEMA)
            self._write("acquisitions", [*self.acquisitions, ACQUISITIONS_SCHEMA.empty_table()])
            self._write("gone", [gone])
            self._write("files", [*self.files, FILES_SCHEMA.empty_table()])
            self.number += 1
        self.files, self.acquisitions, self.gone = [], [], []
        self.since = monotonic()

    def _write(self, name: str, tables: list[pa.Table]) -> None:
        table = pa.concat_tables(tables)
        if name == "acquisitions":
            table = _distinct(table)
        number = pa.array([self.number] * table.num_rows, pa.int32())
        table = table.append_column("part", number)
        path = self.folder / name / f"part-{self.number:08d}.parquet"
        temporary = path.with_suffix(".tmp")
        with temporary.open("wb") as stream:
            pq.write_table(table, stream, compression="zstd")
            stream.flush()
            os.fsync(stream.fileno())
        temporary.rename(path)
        _sync_folder(path.parent)


def _distinct(table: pa.Table) -> pa.Table:
    keys = table.column("acquisition").to_pylist()
    first = {key: number for number, key in reversed(list(enumerate(keys)))}
    return table.take(sorted(first.values()))


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def part_writer(folder: Path) -> PartWriter:
    """A writer of the parts after those that exist."""
    numbers = [0]
    for name in SCHEMAS:
        (folder / name).mkdir(parents=True, exist_ok=True)
        numbers += [int(path.stem.split("-")[1]) for path in (folder / name).glob("part-*")]
    return PartWriter(folder, max(numbers) + 1)


def connect(folder: Path) -> duckdb.DuckDBPyConnection:
    """A DuckDB with the views ``files`` (rows that hold) and ``acquisitions`` (distinct)."""
    scratch = folder / "scratch"
    connection = duckdb.connect(config={"temp_directory": str(scratch)})
    for name, schema in SCHEMAS.items():
        parts = folder / name / "part-*.parquet"
        if any((folder / name).glob("part-*.parquet")):
            source = f"read_parquet('{_quoted(parts)}')"
        else:
            connection.register(
                f"no_{name}", schema.append(pa.field("part", pa.int32())).empty_table()
            )
            source = f"no_{name}"
        connection.execute(f"CREATE VIEW all_{name} AS SELECT * FROM {source}")
    connection.execute(
        "CREATE VIEW files AS SELECT f.* FROM all_files f WHERE NOT EXISTS "
        "(SELECT 1 FROM all_gone g WHERE g.container = f.container AND g.part > f.part)"
    )
    connection.execute(
        "CREATE VIEW acquisitions AS SELECT * FROM all_acquisitions "
        "QUALIFY row_number() OVER (PARTITION BY acquisition ORDER BY part) = 1"
    )
    return connection


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def record_batches(
    connection: duckdb.DuckDBPyConnection, query: str, rows: int = 20_000
) -> Iterator[pa.RecordBatch]:
    """Result of a query, some rows at a time."""
    yield from connection.sql(query).to_arrow_reader(rows)

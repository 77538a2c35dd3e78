"""Committed rows, for DuckDB and pyarrow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from calcarium.errors import UsageError
from calcarium.tables.arrow_schema import arrow_schema, other_columns
from calcarium.tables.folder import Part, ResultFolder
from calcarium.tables.rows import TableName
from calcarium.tables.schema import TABLES


def open_results(url: str) -> ResultFolder:
    """The result folder at a path or URL.

    Raises
    ------
    UsageError
        if there is none.
    """
    folder = ResultFolder.at(url)
    if not folder.exists("run.json"):
        raise UsageError(f"{url} is not a result folder: it has no run.json")
    return folder


def dataset(
    folder: ResultFolder, table: TableName, parts: Sequence[Part] | None = None
) -> ds.Dataset:
    """The rows of a table in some parts; by default in all that are committed."""
    schema = arrow_schema(table)
    present = set(folder.parts(table))
    wanted = folder.committed() if parts is None else parts
    paths = [folder.part_path(table, part) for part in wanted if part in present]
    if not paths:
        return ds.dataset(schema.empty_table())
    return ds.dataset(paths, schema, format="parquet", filesystem=folder.fs)


def refuse_other_columns(folder: ResultFolder) -> None:
    """Refuse tables of another version: columns that they lack would read as empty.

    Raises
    ------
    UsageError
        names the first such table, its columns, and what to do.
    """
    for part in folder.committed():
        for table in TABLES:
            path = folder.part_path(table, part)
            if folder.fs.exists(path):
                with folder.fs.open(path) as file:
                    odd = other_columns(table, pq.read_schema(file))
                if odd:
                    raise UsageError(
                        f"{folder.root} was made by a version with other columns in {table} "
                        f"({odd}): use that version, or score the archive again"
                    )


def read_table(
    folder: ResultFolder, table: TableName, columns: list[str] | None = None
) -> pa.Table:
    """The committed rows of a table in memory."""
    return dataset(folder, table).to_table(columns=columns)


def connect(folder: ResultFolder) -> duckdb.DuckDBPyConnection:
    """A DuckDB connection with one view per table, over committed rows only."""
    connection = duckdb.connect()
    for table in TABLES:
        connection.register(table, dataset(folder, table))
    return connection


def committed_study_ids(folder: ResultFolder) -> set[str]:
    """Studies that are done."""
    return {study_id for batch in _study_id_batches(folder) for study_id in batch}


def _study_id_batches(folder: ResultFolder) -> Iterator[list[str]]:
    for batch in dataset(folder, "studies").to_batches(columns=["study_id"]):
        yield batch.column(0).to_pylist()

"""Committed rows, for DuckDB and pyarrow."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from calcarium.errors import UsageError
from calcarium.tables.arrow_schema import arrow_schema
from calcarium.tables.folder import Part, ResultFolder
from calcarium.tables.rows import TableName
from calcarium.tables.schema import TABLES

ROWS, BINARY_ROWS = 4096, 16  # read at once; kept voxels can be a megabyte each


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


def in_slices(
    folder: ResultFolder,
    part: Part,
    tables: Sequence[TableName],
    n_studies: int,
    done: Collection[str] = (),
) -> Iterator[dict[TableName, pa.Table]]:
    """The rows of some tables of a part, so many studies at a time: a part may outgrow memory.

    Parameters
    ----------
    done : ids of studies that are passed over

    Raises
    ------
    ValueError
        before the first slice, if the rows of a table are not in the order of the studies, as
        commits leave them.
    """
    wanted = ~pc.field("study_id").isin(pa.array(done, pa.string())) if done else None
    studies = dataset(folder, "studies", [part]).to_table(columns=["study_id"], filter=wanted)
    ids = studies["study_id"].combine_chunks()
    n_rows = {t: _rows_of_slices(folder, part, t, wanted, ids, n_studies) for t in tables}
    found = [_in_turn(folder, part, table, wanted, n_rows[table]) for table in tables]
    for each in zip(*found, strict=True):
        yield dict(zip(tables, each, strict=True))


def _rows_of_slices(
    folder: ResultFolder,
    part: Part,
    table: TableName,
    wanted: pc.Expression | None,
    ids: pa.Array,
    n_studies: int,
) -> list[int]:
    """How many rows of a table each slice of studies has."""
    column = dataset(folder, table, [part]).to_batches(columns=["study_id"], filter=wanted)
    turns = (pc.fill_null(pc.index_in(batch["study_id"], ids), -1) for batch in column)
    slices = np.concatenate([np.empty(0, np.int64), *turns]) // n_studies
    if (np.diff(slices, prepend=0) < 0).any():
        raise ValueError(f"rows of {table} are not in the order of the studies of their part")
    n_rows: list[int] = np.bincount(slices, minlength=-(-len(ids) // n_studies)).tolist()
    return n_rows


def _in_turn(
    folder: ResultFolder,
    part: Part,
    table: TableName,
    wanted: pc.Expression | None,
    n_rows: Sequence[int],
) -> Iterator[pa.Table]:
    """The rows of a table, so many for each slice of studies."""
    at_once = BINARY_ROWS if table == "voxels" else ROWS
    source = dataset(folder, table, [part])
    batches = source.to_batches(filter=wanted, batch_size=at_once, batch_readahead=1)
    rest = source.schema.empty_table()
    for n in n_rows:
        while rest.num_rows < n:
            rest = pa.concat_tables([rest, pa.Table.from_batches([next(batches)])])
        yield rest.slice(0, n)
        rest = rest.slice(n)


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

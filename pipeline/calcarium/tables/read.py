"""Committed rows, for DuckDB and pyarrow."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from calcarium.errors import UsageError
from calcarium.tables.arrow_schema import arrow_schema, other_columns
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
        if the rows of a table are not in the order of the studies, as commits leave them.
    """
    wanted = ~pc.field("study_id").isin(pa.array(done, pa.string())) if done else None
    studies = dataset(folder, "studies", [part]).to_table(columns=["study_id"], filter=wanted)
    ids = studies["study_id"].combine_chunks()
    slices = [ids.slice(first, n_studies) for first in range(0, len(ids), n_studies)]
    found = [_in_turn(folder, part, table, slices, wanted) for table in tables]
    for each in zip(*found, strict=True):
        yield dict(zip(tables, each, strict=True))


def _in_turn(
    folder: ResultFolder,
    part: Part,
    table: TableName,
    slices: Sequence[pa.Array],
    wanted: pc.Expression | None,
) -> Iterator[pa.Table]:
    """The rows of a table for each slice of studies."""
    rows = BINARY_ROWS if table == "voxels" else ROWS
    source = dataset(folder, table, [part])
    batches = source.to_batches(filter=wanted, batch_size=rows, batch_readahead=1)
    rest = source.schema.empty_table()
    for ids in slices:
        taken = []
        while True:
            n = pc.index(pc.is_in(rest["study_id"], ids), False).as_py()
            n = rest.num_rows if n < 0 else n
            taken.append(rest.slice(0, n))
            rest = rest.slice(n)
            if rest.num_rows or not (batch := next(batches, None)):
                break
            rest = pa.Table.from_batches([batch])
        yield pa.concat_tables(taken)
    if rest.num_rows or any(batch.num_rows for batch in batches):
        raise ValueError(f"rows of {table} are not in the order of the studies of their part")


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

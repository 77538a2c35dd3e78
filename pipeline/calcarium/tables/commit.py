"""Rows to Parquet so that a crash at any moment loses nothing that was committed.

A commit is one part per table that has rows, ``series`` last: its part is the
commit point, and says in its metadata how many rows each table got. Small parts
are joined by writing what they hold once more under the range of their numbers.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from calcarium.tables.arrow_schema import arrow_schema
from calcarium.tables.check_rows import check_columns, check_rows
from calcarium.tables.folder import TEMPORARY, Part, ResultFolder
from calcarium.tables.read import dataset
from calcarium.tables.rows import Columns, StudyRows, TableName
from calcarium.tables.schema import TABLES

ROWS_KEY = b"calcarium.rows"
COMMIT_ORDER: tuple[TableName, ...] = (*(t for t in TABLES if t != "series"), "series")
JOIN_BELOW_BYTES = 32 << 20
ROW_GROUP = 100_000
VOXELS_ROW_GROUP = 64  # kept voxels can be a megabyte each, and readers take row groups whole


def commit(folder: ResultFolder, studies: Sequence[StudyRows]) -> Part:
    """Write the rows of some studies as one part per table.

    The caller holds the lock of the folder.

    Raises
    ------
    ValueError
        if a row does not have the columns of its table.
    ResourceError
        if the disk is full or the folder cannot be written.
    """
    return commit_tables(folder, tables_of(studies))


def tables_of(studies: Sequence[StudyRows]) -> dict[TableName, pa.Table]:
    """The stamped rows of some studies as Arrow tables.

    Raises
    ------
    ValueError
        if a row does not have the columns of its table.
    """
    rows = {name: [row for s in studies for row in s.tables.get(name, [])] for name in TABLES}
    for name in rows:
        check_rows(name, rows[name], stamped=True)
    tables = {name: pa.Table.from_pylist(rows[name], arrow_schema(name)) for name in TABLES}
    lesions = _table_of_columns("lesions", [columns for s in studies for columns in s.lesions])
    return tables | {"lesions": pa.concat_tables([tables["lesions"], lesions])}


def _table_of_columns(table: TableName, parts: Sequence[Columns]) -> pa.Table:
    """Stamped rows that come as columns, part after part."""
    schema = arrow_schema(table)
    check_columns(table, parts, stamped=True)
    if not parts:
        return schema.empty_table()
    lengths = [next(len(c) for c in part.values() if not isinstance(c, str)) for part in parts]
    arrays = [
        _joined([part[name] for part in parts], lengths, kind)
        for name, kind in zip(schema.names, schema.types, strict=True)
    ]
    empty = [f.name for f, a in zip(schema, arrays, strict=True) if a.null_count and not f.nullable]
    if empty:
        raise ValueError(f"rows of {table} have columns that are empty: {', '.join(empty)}")
    return pa.Table.from_arrays(arrays, schema=schema)


def _joined(
    columns: Sequence[NDArray[np.generic] | str], lengths: Sequence[int], kind: pa.DataType
) -> pa.Array:
    """Columns one behind the other; either all of them are arrays, or each is one text."""
    arrays = [column for column in columns if not isinstance(column, str)]
    if arrays:
        values = np.concatenate(arrays)
        # Twice as fast as from_pandas, which looks for every kind of empty cell.
        mask = np.isnan(values) if kind == pa.float64() else None
        return pa.array(values, kind, mask=mask)
    return pa.array(columns, kind).take(np.repeat(np.arange(len(lengths)), lengths))


def commit_tables(folder: ResultFolder, tables: Mapping[TableName, pa.Table]) -> Part:
    """Write what some studies left in each table; every table must be named."""
    committed = folder.committed()
    number = committed[-1].last + 1 if committed else 0
    part = Part(number, number)
    counts = {table: rows.num_rows for table, rows in tables.items()}
    for table in COMMIT_ORDER:
        if counts[table] or table == "series":
            _write(folder, table, part, iter([tables[table]]), counts)
    return part


def row_counts(folder: ResultFolder, part: Part) -> dict[str, int]:
    """Rows of each table in a part, as its commit point says."""
    with folder.fs.open(folder.part_path("series", part)) as file:
        metadata = pq.read_schema(file).metadata or {}
    counts: dict[str, int] = json.loads(metadata[ROWS_KEY])
    return counts


def join_small_parts(folder: ResultFolder) -> None:
    """Join each stretch of neighbouring small parts to one."""
    sweep(folder)
    stretch: list[Part] = []
    for part in folder.committed():
        if _size(folder, part) >= JOIN_BELOW_BYTES:
            _join(folder, stretch)
            stretch = []
        else:
            stretch.append(part)
    _join(folder, stretch)


def drop_studies(folder: ResultFolder, study_ids: Collection[str]) -> None:
    """Take the rows of some studies out, so that they are done once more.

    Everything is joined to one part of a new name, so that a crash leaves
    either all of the old rows or none.
    """
    parts = folder.committed()
    if parts and study_ids:
        joined = Part(parts[0].first, parts[-1].last + 1)
        _rewrite(folder, parts, joined, pa.array(sorted(study_ids), pa.string()))
        sweep(folder)


def sweep(folder: ResultFolder) -> None:
    """Remove what no reader looks at: torn commits, joined parts, temporary files.

    Joined parts stay until the next sweep, so that one who reads them meanwhile
    is not disturbed.
    """
    committed = {part.file_name for part in folder.committed()}
    with folder.writable():
        for table in COMMIT_ORDER:
            path = folder.table_path(table)
            for name in folder.names(path):
                if name not in committed and name.endswith((".parquet", TEMPORARY)):
                    folder.fs.rm_file(f"{path}/{name}")


def _join(folder: ResultFolder, parts: list[Part]) -> None:
    if len(parts) > 1:
        _rewrite(folder, parts, Part(parts[0].first, parts[-1].last), None)


def _rewrite(
    folder: ResultFolder, parts: list[Part], joined: Part, without: pa.Array | None
) -> None:
    counts: dict[TableName, int] = {}
    keep = None if without is None else ~pc.field("study_id").isin(without)
    sources = {table: dataset(folder, table, parts) for table in COMMIT_ORDER}
    for table, source in sources.items():
        counts[table] = source.count_rows(filter=keep)
    for table, source in sources.items():
        if counts[table] or table == "series":
            batches = source.to_batches(filter=keep, batch_size=ROW_GROUP)
            tables = (pa.Table.from_batches([batch]) for batch in batches)
            _write(folder, table, joined, tables, counts)


def _write(
    folder: ResultFolder,
    table: TableName,
    part: Part,
    batches: Iterator[pa.Table],
    counts: dict[TableName, int],
) -> None:
    schema = arrow_schema(table)
    if table == "series":
        schema = schema.with_metadata({ROWS_KEY: json.dumps(counts)})

    def fill(path: str) -> None:
        # Measured numbers hardly repeat: a dictionary of them takes four times as long to write.
        repeated = [f.name for f in schema if f.type in (pa.string(), pa.int64())]
        rows = VOXELS_ROW_GROUP if table == "voxels" else ROW_GROUP
        with pq.ParquetWriter(path, schema, compression="zstd", use_dictionary=repeated) as writer:
            for batch in batches:
                writer.write_table(batch.cast(schema), row_group_size=rows)

    folder.write_with(fill, folder.part_path(table, part))


def _size(folder: ResultFolder, part: Part) -> int:
    return sum(
        int(folder.fs.size(folder.part_path(table, part)))
        for table in COMMIT_ORDER
        if folder.fs.exists(folder.part_path(table, part))
    )

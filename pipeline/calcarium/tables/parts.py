"""Whether the parts of a result folder are whole, and of this version."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from calcarium.errors import UsageError
from calcarium.tables.arrow_schema import other_columns
from calcarium.tables.commit import row_counts
from calcarium.tables.folder import Part, ResultFolder
from calcarium.tables.read import connect, open_results
from calcarium.tables.rows import TableName
from calcarium.tables.schema import TABLES


@dataclass(frozen=True)
class PartFault:
    """What is wrong with one file of a committed part.

    Attributes
    ----------
    damage : empty if only its columns are other ones
    columns : those that this version has not, or not alike
    """

    table: TableName
    part: Part
    damage: str = ""
    columns: str = ""

    def __str__(self) -> str:
        said = self.damage or f"its columns are not those of this version: {self.columns}"
        return f"{self.table}/{self.part.file_name}: {said}"


def part_faults(folder: ResultFolder) -> Iterator[PartFault]:
    """Every file of a committed part that is not whole or lacks the schema of its table."""
    for part in folder.committed():
        try:
            counts = row_counts(folder, part)
        except pa.ArrowInvalid as error:
            yield PartFault("series", part, damage=str(error))
            continue
        except KeyError:
            yield PartFault("series", part, damage="does not say how many rows each table got")
            continue
        for table in TABLES:
            fault = _fault(folder, table, part, counts.get(table, 0))
            if fault:
                yield fault


def refuse_faulty_parts(*folders: ResultFolder) -> None:
    """Refuse rows that would be lost without a word: columns that are lacking read as empty.

    Raises
    ------
    UsageError
        names the first file that is at fault, and what to do.
    """
    for folder in folders:
        for fault in part_faults(folder):
            if fault.damage:
                raise UsageError(
                    f"{folder.root} is damaged ({fault}): bring that file back, or score the "
                    "archive into a new folder"
                )
            raise UsageError(
                f"{folder.root} was made by a version with other columns in {fault.table} "
                f"({fault.columns}): use that version, or score the archive into a new folder"
            )


def connect_whole(url: str) -> duckdb.DuckDBPyConnection:
    """A DuckDB connection to the tables of a result folder, refused if they are faulty.

    Raises
    ------
    UsageError
        if there is no result folder, or a part of it is damaged or has other columns.
    """
    folder = open_results(url)
    refuse_faulty_parts(folder)
    return connect(folder)


def _fault(folder: ResultFolder, table: TableName, part: Part, rows: int) -> PartFault | None:
    path = folder.part_path(table, part)
    if not folder.fs.exists(path):
        return PartFault(table, part, damage=f"missing, with {rows:,} rows") if rows else None
    try:
        with folder.fs.open(path) as file:
            parquet = pq.ParquetFile(file)
            found, columns = parquet.metadata.num_rows, other_columns(table, parquet.schema_arrow)
    except pa.ArrowInvalid as error:
        return PartFault(table, part, damage=str(error))
    if found != rows:
        return PartFault(table, part, damage=f"{found:,} rows, not {rows:,}")
    return PartFault(table, part, columns=columns) if columns else None

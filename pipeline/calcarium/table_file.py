"""A user's table as text: CSV or Parquet, wherever fsspec reads."""

from __future__ import annotations

import csv
import hashlib
import io
from dataclasses import dataclass

import fsspec
import pyarrow as pa
from pyarrow import parquet

from calcarium.errors import UsageError

EMPTY = {"", "na", "n/a", "nan", "null", "none"}
WORKBOOK = b"PK\x03\x04"
TRUTH = {
    "yes": True, "no": False, "true": True, "false": False,
    "1": True, "0": False, "1.0": True, "0.0": False,
}  # fmt: skip


@dataclass(frozen=True)
class TableFile:
    """A table whose cells are text, so that an identifier keeps its leading zeros.

    Attributes
    ----------
    columns : cells by column, all of one length
    sha256 : hash of the file
    """

    url: str
    columns: dict[str, list[str]]
    sha256: str

    def keys(self, names: tuple[str, ...]) -> tuple[str, list[str]]:
        """The first of some key columns that the table has, and its cells.

        Raises
        ------
        UsageError
            if it has none, a cell is empty, or a key occurs twice; names rows, not keys.
        """
        name = next((name for name in names if name in self.columns), None)
        if name is None:
            raise UsageError(
                f"{self.url}: no key column; one of {', '.join(names)} is needed, and its columns "
                f"are: {', '.join(self.columns) or 'none'}"
            )
        first_row: dict[str, int] = {}
        for number, text in enumerate(self.columns[name], start=1):
            if text.lower() in EMPTY:
                raise UsageError(f"{self.url}: {name} is empty in data row {number}")
            if text in first_row:
                raise UsageError(
                    f"{self.url}: {name} is the same in data rows {first_row[text]} and {number}; "
                    f"one row per {name} is needed"
                )
            first_row[text] = number
        return name, self.columns[name]


def read_table_file(url: str) -> TableFile:
    """Read a table.

    Parameters
    ----------
    url : a name that ends in ``.parquet`` is Parquet, anything else CSV with a header line, in
        UTF-8, with commas

    Raises
    ------
    UsageError
        if it cannot be read, or is no table.
    """
    try:
        with fsspec.open(url, "rb") as file:
            content = bytes(file.read())
    except (ImportError, OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise UsageError(f"{url}: cannot be read: {why}") from error
    try:
        columns = _parquet(content) if url.lower().endswith(".parquet") else _csv(content)
    except UnicodeDecodeError as error:
        raise UsageError(f"{url}: not UTF-8; save it as CSV (UTF-8, with commas)") from error
    except (pa.ArrowException, csv.Error, ValueError) as error:
        raise UsageError(f"{url}: not a table: {error}") from error
    return TableFile(url, columns, hashlib.sha256(content).hexdigest())


def _parquet(content: bytes) -> dict[str, list[str]]:
    table = parquet.read_table(io.BytesIO(content))
    return {
        name: ["" if cell is None else str(cell).strip() for cell in column.to_pylist()]
        for name, column in zip(table.column_names, table.columns, strict=True)
    }


def _csv(content: bytes) -> dict[str, list[str]]:
    if content.startswith(WORKBOOK):
        raise ValueError("an Excel workbook; save it as CSV (UTF-8, with commas)")
    text = io.StringIO(content.decode("utf-8-sig"), newline="")
    header, *lines = [line for line in csv.reader(text, strict=True) if line] or [[]]
    for mark in (";", "\t"):
        if len(header) == 1 and mark in header[0]:
            raise ValueError(f"its columns are separated by {mark!r}; save it with commas")
    header = [name.strip() for name in header]
    twice = {name for name in header if name and header.count(name) > 1}
    if twice:
        raise ValueError(f"it has the column {', '.join(sorted(twice))} more than once")
    for number, line in enumerate(lines, start=1):
        if len(line) != len(header):
            raise ValueError(f"data row {number} has {len(line)} cells, not {len(header)}")
    return {name: [line[i].strip() for line in lines] for i, name in enumerate(header)}

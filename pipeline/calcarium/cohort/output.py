"""Findings as a file: one row per finding, CSV or Parquet by the name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyarrow import csv, parquet

from calcarium.errors import UsageError
from calcarium.storage import file_system

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def write_findings(url: str, findings: Sequence[DataclassInstance], kind: type[Any]) -> None:
    """Write findings with the fields of their dataclass as columns.

    Parameters
    ----------
    url : path or URL that ends in ``.csv`` or ``.parquet``
    kind : the dataclass; its fields are the columns of an empty file, too

    Raises
    ------
    UsageError
        if the name ends otherwise, or the place cannot be written.
    """
    write = {"csv": csv.write_csv, "parquet": parquet.write_table}.get(url.rpartition(".")[2])
    if write is None:
        raise UsageError(f"{url}: a file of findings ends in .csv or .parquet")
    rows = [asdict(finding) for finding in findings]
    table = pa.table({field.name: [row[field.name] for row in rows] for field in fields(kind)})
    fs, path = file_system(url)
    try:
        with fs.open(path, "wb") as file:
            write(table, file)
    except OSError as error:
        raise UsageError(f"{url}: cannot be written: {error}") from error

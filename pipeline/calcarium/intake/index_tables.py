"""The tables of the index: their schema, rows from headers, and headers from rows.

``files`` has a row per file. ``acquisitions`` has a row per distinct acquisition, so
that the columns which a thousand slices share are stored and parsed once.
"""

from __future__ import annotations

import typing
from collections.abc import Iterator, Sequence
from dataclasses import fields
from functools import lru_cache
from operator import attrgetter
from types import NoneType, UnionType
from typing import Literal, NamedTuple, TypeAlias

import pyarrow as pa

from calcarium.intake.grouping import Member, digest, patient_key, series_key, study_key
from calcarium.intake.headers import Header, Read, Unreadable
from calcarium.intake.locations import Container
from calcarium.intake.records import Acquisition, FileHeader
from calcarium.intake.tags import TUPLE_FIELDS
from calcarium.intake.walk import Lost

Row: TypeAlias = tuple[object, ...]

FileKind: TypeAlias = Literal["dicom", "not_dicom", "unreadable", "denied", "storage", "missing"]
TO_RETRY: tuple[FileKind, ...] = ("denied", "storage", "missing")
"""Kinds that are looked at again by the next run, though nothing has changed."""
KIND_OF_FAULT: dict[str, FileKind] = {
    "content": "unreadable",
    "denied": "denied",
    "storage": "storage",
}


class IndexTables(NamedTuple):
    """Rows of both tables for some files."""

    files: pa.Table
    acquisitions: pa.Table


def _arrow_type(annotation: object) -> pa.DataType:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is UnionType or origin is typing.Union:
        return _arrow_type(next(a for a in arguments if a is not NoneType))
    if origin is tuple:
        # Texts are joined as in DICOM: a list of strings is ten times slower to read.
        return pa.string() if arguments[0] is str else pa.list_(_arrow_type(arguments[0]))
    simple = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}
    return simple[typing.cast(type, annotation)]


def _schema_of(record: type) -> list[pa.Field]:
    hints = typing.get_type_hints(record)
    return [pa.field(name, _arrow_type(hint)) for name, hint in hints.items()]


def _text_tuples(record: type) -> frozenset[str]:
    hints = typing.get_type_hints(record)
    return frozenset(name for name, hint in hints.items() if "tuple[str" in str(hint)) - {
        "frame_positions"
    }


LOCATION = [
    pa.field("kind", pa.string()),
    pa.field("container", pa.string()),
    pa.field("container_bytes", pa.int64()),
    pa.field("message", pa.string()),
    pa.field("study_key", pa.string()),
    pa.field("series_key", pa.string()),
    pa.field("patient_key", pa.string()),
    pa.field("acquisition", pa.string()),
]
FILE_FIELDS = tuple(field.name for field in fields(FileHeader))
ACQUISITION_FIELDS = tuple(field.name for field in fields(Acquisition))
FILES_SCHEMA = pa.schema(LOCATION + _schema_of(FileHeader))
ACQUISITIONS_SCHEMA = pa.schema([pa.field("acquisition", pa.string()), *_schema_of(Acquisition)])
GONE_SCHEMA = pa.schema([pa.field("container", pa.string())])

JOINED = _text_tuples(FileHeader) | _text_tuples(Acquisition)

_file_values = attrgetter(*FILE_FIELDS)
_acquisition_values = attrgetter(*ACQUISITION_FIELDS)
_EMPTY_HEADER: Row = (None,) * (len(FILE_FIELDS) - 3)


@lru_cache(maxsize=1024)
def acquisition_key(acquisition: Acquisition) -> str:
    """Hash of everything an acquisition says."""
    return digest(_acquisition_values(acquisition))


def to_tables(reads: Sequence[Read]) -> IndexTables:
    """Rows of what was read from some files."""
    rows = [_file_row(read) for read in reads]
    acquisitions = {
        acquisition_key(read.acquisition): read.acquisition
        for read in reads
        if isinstance(read, Header)
    }
    facts = [(key, *_acquisition_values(found)) for key, found in acquisitions.items()]
    return IndexTables(_table(rows, FILES_SCHEMA), _table(facts, ACQUISITIONS_SCHEMA))


def _file_row(read: Read) -> Row:
    if isinstance(read, Header):
        keys = (
            study_key(read.file, read.acquisition),
            series_key(read.file, read.acquisition),
            patient_key(read.acquisition),
            acquisition_key(read.acquisition),
        )
        container = (read.found.container.url, read.found.container.size_bytes)
        return ("dicom", *container, None, *keys, *_file_values(read.file))
    kind: FileKind = "not_dicom"
    message = None
    if isinstance(read, Unreadable):
        kind, message = KIND_OF_FAULT[read.fault], read.message
    file = read.file
    return _row_without_header(kind, file.url, file.size_bytes, file.container, message)


def lost_table(lost: Lost, kind: FileKind) -> IndexTables:
    """Row of a place that could not be looked into."""
    row = _row_without_header(kind, lost.url, 0, Container(lost.url, 0, 0), lost.message)
    return IndexTables(_table([row], FILES_SCHEMA), ACQUISITIONS_SCHEMA.empty_table())


def _row_without_header(
    kind: FileKind, url: str, size_bytes: int, container: Container, message: str | None
) -> Row:
    where = (container.url, container.size_bytes)
    place = (url, size_bytes, container.mtime_ns)
    return (kind, *where, message, None, None, None, None, *place, *_EMPTY_HEADER)


def _table(rows: Sequence[Row], schema: pa.Schema) -> pa.Table:
    columns = zip(*rows, strict=True) if rows else [()] * len(schema)
    arrays = [_array(column, field) for column, field in zip(columns, schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)


def _array(column: Sequence[object], field: pa.Field) -> pa.Array:
    if field.name in JOINED:
        texts = typing.cast(Sequence[tuple[str, ...]], column)
        column = ["\\".join(value) if value else None for value in texts]
    elif field.name == "frame_positions":
        frames = typing.cast(Sequence[tuple[tuple[str, ...], ...] | None], column)
        column = [["\\".join(place) for place in value or ()] for value in frames]
    return pa.array(column, field.type)


def members(batch: pa.RecordBatch) -> Iterator[Member]:
    """Headers of the rows of a query that has all columns of both tables.

    The acquisition's columns carry the prefix ``a_``.
    """
    files = zip(*(_values(batch, name) for name in FILE_FIELDS), strict=True)
    keys = batch.column("acquisition").to_pylist()
    previous, acquisition = "", None
    for number, (file, key) in enumerate(zip(files, keys, strict=True)):
        if key != previous or acquisition is None:
            previous, acquisition = key, _acquisition_at(batch, number)
        yield FileHeader(*file), acquisition


def _acquisition_at(batch: pa.RecordBatch, number: int) -> Acquisition:
    row = batch.slice(number, 1)
    return Acquisition(*(next(_values(row, name, "a_")) for name in ACQUISITION_FIELDS))


def _values(batch: pa.RecordBatch, name: str, prefix: str = "") -> Iterator[typing.Any]:
    column = batch.column(prefix + name)
    values = column.to_pylist()
    if name in JOINED:
        empty = () if name in TUPLE_FIELDS else None
        return (empty if value is None else tuple(value.split("\\")) for value in values)
    if name == "frame_positions":
        return (tuple([tuple(place.split("\\")) for place in value]) for value in values)
    if pa.types.is_list(column.type):
        return (tuple(value) for value in values)
    return iter(values)

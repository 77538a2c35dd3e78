"""Parts of the index on disk: written whole or not at all, read by DuckDB.

Rows are never changed. A part of ``gone`` names containers whose rows in earlier
parts no longer hold, because the file changed or vanished.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fcntl import LOCK_EX, LOCK_NB, LOCK_SH, flock
from pathlib import Path
from shutil import copyfile
from tempfile import TemporaryDirectory
from time import monotonic

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from calcarium.errors import UsageError
from calcarium.intake.index_tables import (
    ACQUISITIONS_SCHEMA,
    FILES_SCHEMA,
    GONE_SCHEMA,
    TO_RETRY,
    IndexTables,
)
from calcarium.intake.locations import Container

PARTS = "part-*.parquet"
MANIFESTS = "made-from"  # what an index was made from, if masks or series were named there
MEMORY_LIMIT = "4GB"  # DuckDB goes to disk beyond it
PART_ROWS = 50_000
PART_SECONDS = 30.0
SCHEMAS = {"acquisitions": ACQUISITIONS_SCHEMA, "gone": GONE_SCHEMA, "files": FILES_SCHEMA}
"""Tables in the order in which a part of each is written: ``files`` commits the others."""


@dataclass(frozen=True, slots=True)
class KnownContainer:
    """A file or archive that the index holds.

    Attributes
    ----------
    n_files : rows of it: members of an archive
    is_to_retry : whether it could not be read when it was met
    """

    url: str
    size_bytes: int
    mtime_ns: int
    n_files: int
    is_to_retry: bool

    def is_same(self, found: Container) -> bool:
        """Whether it was read, and has not changed since."""
        size, time = found.size_bytes, found.mtime_ns
        return not self.is_to_retry and (self.size_bytes, self.mtime_ns) == (size, time)


@dataclass
class PartWriter:
    """Gathers rows and writes them as numbered parts.

    Attributes
    ----------
    gone : containers whose earlier rows no longer hold
    """

    folder: Path
    number: int
    files: list[pa.Table] = field(default_factory=list)
    acquisitions: list[pa.Table] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    since: float = field(default_factory=monotonic)
    first_number: int = field(init=False)

    def __post_init__(self) -> None:
        self.first_number = self.number

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


def _distinct(acquisitions: pa.Table) -> pa.Table:
    keys = acquisitions.column("acquisition").to_pylist()
    first = {key: number for number, key in reversed(list(enumerate(keys)))}
    # Typed, because an archive without DICOM has none.
    return acquisitions.take(pa.array(sorted(first.values()), pa.int64()))


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def part_writer(folder: Path) -> Iterator[PartWriter]:
    """The one writer of an index; what it has gathered is kept whatever happens.

    Raises
    ------
    UsageError
        if another process is writing this index, or the folder cannot be written
    """
    numbers = [0]
    try:
        for name in SCHEMAS:
            (folder / name).mkdir(parents=True, exist_ok=True)
            numbers += [int(path.stem.split("-")[1]) for path in (folder / name).glob(PARTS)]
        lock = (folder / "lock").open("w")
    except OSError as error:
        raise UsageError(f"{folder}: no index can be written here: {error.strerror}") from error
    with lock:
        try:
            flock(lock, LOCK_EX | LOCK_NB)
        except BlockingIOError as error:
            raise UsageError(f"{folder}: another process is writing this index") from error
        writer = PartWriter(folder, max(numbers) + 1)
        try:
            yield writer
        finally:
            writer.flush()


def is_index(folder: Path) -> bool:
    """Whether a folder holds an index."""
    return all((folder / name).is_dir() for name in SCHEMAS)


def take_over(index: Path, folder: Path) -> None:
    """Copy the parts of an index that are not in a folder yet.

    Raises
    ------
    UsageError
        if the folder holds an index already that was not copied from this one; if the index is
        being written, or was made from a manifest, whose masks it does not hold
    """
    if index.resolve() == folder.resolve():
        return
    if (index / MANIFESTS).is_file():
        made_from = (index / MANIFESTS).read_text(encoding="utf-8")
        raise UsageError(
            f"{index} does not hold the masks and series of its manifest; give {made_from}"
        )
    with _not_written(index), part_writer(folder):
        _copy_parts(index, folder)


@contextmanager
def _not_written(index: Path) -> Iterator[None]:
    """Nobody begins to write an index meanwhile; it may lie where nothing can be written."""
    if not (index / "lock").is_file():
        yield
        return
    with (index / "lock").open() as lock:
        try:
            flock(lock, LOCK_SH | LOCK_NB)
        except BlockingIOError as error:
            raise UsageError(f"{index}: another process is writing this index") from error
        yield


def _copy_parts(index: Path, folder: Path) -> None:
    for name in SCHEMAS:
        (folder / name).mkdir(parents=True, exist_ok=True)
        here, there = (
            {path.name: path.stat().st_size for path in (place / name).glob(PARTS)}
            for place in (folder, index)
        )
        if not here.items() <= there.items():
            raise UsageError(
                f"{folder} was made from other inputs than {index}; give another --out"
            )
        for part in sorted(there.keys() - here.keys()):
            temporary = folder / name / f"{part}.tmp"
            copyfile(index / name / part, temporary)
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
            temporary.rename(folder / name / part)
        _sync_folder(folder / name)


@contextmanager
def connect(folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB with the views ``files`` (rows that hold), ``acquisitions`` (distinct), ``all_*``.

    Raises
    ------
    UsageError
        if the folder holds no index
    """
    if not is_index(folder):
        raise UsageError(f"{folder} holds no index; `calcarium index` makes one")
    with (
        TemporaryDirectory(prefix="calcarium-") as scratch,
        duckdb.connect(
            config={"memory_limit": MEMORY_LIMIT, "temp_directory": scratch}
        ) as connection,
    ):
        for name, schema in SCHEMAS.items():
            _create_view(connection, folder / name, schema)
        connection.execute(
            "CREATE VIEW files AS SELECT f.* FROM all_files f WHERE NOT EXISTS "
            "(SELECT 1 FROM all_gone g WHERE g.container = f.container AND g.part > f.part)"
        )
        connection.execute(
            "CREATE VIEW acquisitions AS SELECT * FROM all_acquisitions "
            "QUALIFY row_number() OVER (PARTITION BY acquisition ORDER BY part) = 1"
        )
        yield connection


def _create_view(connection: duckdb.DuckDBPyConnection, folder: Path, schema: pa.Schema) -> None:
    name = f"all_{folder.name}"
    if any(folder.glob(PARTS)):
        parts = str(folder / PARTS).replace("'", "''")
        connection.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet('{parts}')")
    else:
        connection.register(name, schema.append(pa.field("part", pa.int32())).empty_table())


def record_batches(
    connection: duckdb.DuckDBPyConnection, query: str, rows: int = 20_000
) -> Iterator[pa.RecordBatch]:
    """Result of a query, some rows at a time."""
    yield from connection.sql(query).to_arrow_reader(rows)


def known_containers(folder: Path) -> Iterator[KnownContainer]:
    """What the index holds, in the order of a walk."""
    kinds = ", ".join(f"'{kind}'" for kind in TO_RETRY)
    query = (
        "SELECT container, any_value(container_bytes), any_value(mtime_ns), count(*), "
        f"bool_or(kind IN ({kinds})) FROM files GROUP BY container "
        "ORDER BY replace(container, '/', chr(1))"
    )
    with connect(folder) as connection:
        for batch in record_batches(connection, query):
            columns = (column.to_pylist() for column in batch.columns)
            yield from (KnownContainer(*row) for row in zip(*columns, strict=True))

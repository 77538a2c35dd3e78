"""A result folder: where things lie in it, and how bytes get there whole.

A table is a folder of parts. Part ``0000012-0000012.parquet`` is commit 12;
``0000000-0000063.parquet`` is what joining the commits 0 to 63 made, and takes
the place of every part inside its range. A part counts if a part of its name
lies in ``series/``, which is written last.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import fsspec
from fsspec.implementations.local import LocalFileSystem

from calcarium.errors import ResourceError
from calcarium.storage import file_system
from calcarium.tables.rows import PRIVATE_TABLES, TableName

PART = re.compile(r"(\d{7,})-(\d{7,})\.parquet")
TEMPORARY = ".writing"


@dataclass(frozen=True, order=True)
class Part:
    """The commits ``first`` to ``last``, in one file per table."""

    first: int
    last: int

    @property
    def file_name(self) -> str:
        """Name of its file in each table's folder."""
        return f"{self.first:07d}-{self.last:07d}.parquet"

    def covers(self, other: Part) -> bool:
        """Whether this part holds all that ``other`` holds, and is not ``other``."""
        return self != other and self.first <= other.first and other.last <= self.last


@dataclass(frozen=True)
class ResultFolder:
    """A result folder on a disk or in an object store.

    Attributes
    ----------
    fs : file system
    root : path of the folder in it
    """

    fs: fsspec.AbstractFileSystem
    root: str

    @classmethod
    def at(cls, url: str) -> ResultFolder:
        """The folder at a path or URL; it need not exist.

        Raises
        ------
        UsageError
            if storage of that kind cannot be opened.
        """
        fs, root = file_system(url)
        return cls(fs, root.rstrip("/"))

    @property
    def is_local(self) -> bool:
        """Whether it lies on a mounted disk."""
        return isinstance(self.fs, LocalFileSystem)

    @property
    def index(self) -> Path:
        """Folder of the index: inside, or in the user's cache for a remote result folder."""
        if self.is_local:
            return Path(self.path("index"))
        name = hashlib.sha256(self.root.encode()).hexdigest()[:16]
        return Path("~/.cache/calcarium/index").expanduser() / name

    def path(self, *names: str) -> str:
        """Path of something in the folder."""
        return "/".join((self.root, *names))

    def table_path(self, table: TableName) -> str:
        """Folder of a table."""
        return self.path("private", table) if table in PRIVATE_TABLES else self.path(table)

    def part_path(self, table: TableName, part: Part) -> str:
        """Path of one part of a table."""
        return f"{self.table_path(table)}/{part.file_name}"

    def exists(self, *names: str) -> bool:
        """Whether something is there."""
        return bool(self.fs.exists(self.path(*names)))

    def create(self) -> None:
        """Make the folder, and ``private/`` that only its owner may enter."""
        with self.writable():
            self.fs.makedirs(self.path("private"), exist_ok=True)
            if self.is_local:
                Path(self.path("private")).chmod(0o700)

    @contextmanager
    def created(self) -> Iterator[None]:
        """Make the folder; where it was not there, an error that leaves it empty removes it."""
        is_new = self.is_local and not self.exists()
        self.create()
        try:
            yield
        except BaseException:
            with suppress(OSError):  # it is not empty
                for path in (self.path("private"), self.root) if is_new else ():
                    Path(path).rmdir()
            raise

    def names(self, path: str) -> list[str]:
        """Names of the files in a folder, sorted; none if it does not exist."""
        self.fs.invalidate_cache(path)
        try:
            return sorted(str(p).rsplit("/", 1)[-1] for p in self.fs.ls(path, detail=False))
        except FileNotFoundError:
            return []

    def parts(self, table: TableName) -> list[Part]:
        """Every part whose file is there, committed or not."""
        matches = (PART.fullmatch(name) for name in self.names(self.table_path(table)))
        return sorted(Part(int(m[1]), int(m[2])) for m in matches if m)

    def committed(self) -> list[Part]:
        """The parts that count, in the order of their commits."""
        parts = self.parts("series")
        return [part for part in parts if not any(other.covers(part) for other in parts)]

    def read(self, *names: str) -> bytes:
        """All bytes of a file."""
        return bytes(self.fs.cat_file(self.path(*names)))

    def write(self, data: bytes, *names: str) -> None:
        """Put a file in place, whole or not at all."""
        self.write_with(lambda local: Path(local).write_bytes(data), self.path(*names))

    def write_with(self, writer: Callable[[str], object], path: str) -> None:
        """Let ``writer`` fill a file under a temporary name, then put it in place.

        On a disk the file is synced and renamed; an object store gets one put.

        Raises
        ------
        ResourceError
            if the disk is full or the folder cannot be written.
        """
        with self.writable(), _temporary(self, path) as temporary:
            writer(temporary)
            if not self.is_local:
                self.fs.put_file(temporary, path)
                return
            _sync(temporary)
            Path(temporary).replace(path)
            _sync(str(Path(path).parent))

    @contextmanager
    def writable(self) -> Iterator[None]:
        """Say in a sentence why the folder cannot be written."""
        try:
            yield
        except OSError as error:
            raise ResourceError(
                f"{self.root} cannot be written: {error.strerror or error}. "
                "What was committed is safe; the same command goes on from there"
            ) from error


@contextmanager
def _temporary(folder: ResultFolder, path: str) -> Iterator[str]:
    parent = str(Path(path).parent) if folder.is_local else None
    if parent:
        Path(parent).mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(suffix=TEMPORARY, dir=parent)
    os.close(handle)
    if folder.is_local:
        Path(name).chmod(0o600 if "/private" in path.removeprefix(folder.root) else 0o644)
    try:
        yield name
    finally:
        Path(name).unlink(missing_ok=True)


def _sync(path: str) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

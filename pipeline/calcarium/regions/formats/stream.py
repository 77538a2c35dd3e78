"""A mask file as a stream: read once from its start, hashed and inflated on the way."""

from __future__ import annotations

import hashlib
import io
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from gzip import GzipFile
from typing import IO, TYPE_CHECKING, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from calcarium.errors import ResourceError, ScanFailed
from calcarium.regions.labelmap import Affine
from calcarium.volume.limits import MAX_VOLUME_BYTES

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

BLOCK_BYTES = 1 << 18
INPUT_BYTES = 1 << 16
# Headers are untrusted, too. The first is the most that NIfTI can say.
MAX_SIDE = 32_767
MAX_VOXELS = MAX_VOLUME_BYTES
# From an affine whose fastest axis comes first to one whose slowest does.
REVERSED = [2, 1, 0, 3]

Reader: TypeAlias = "io.BufferedReader[io.RawIOBase]"
Rows: TypeAlias = Iterator[tuple[int, NDArray[np.generic]]]


@dataclass(frozen=True)
class LabelRows:
    """A label map whose header is read, and whose voxels are still to come.

    Attributes
    ----------
    shape : planes, rows, columns, as they follow each other in the file
    to_lps : (4, 4), from ``(plane, row, column, 1)`` to patient millimetres
    rows : blocks of consecutive rows (n, columns), each with the number of its first row,
        counted through all planes
    names : name of a label value, where the file says it
    """

    shape: tuple[int, int, int]
    to_lps: Affine
    rows: Rows
    names: Mapping[int, str] = field(default_factory=dict)


class HashedFile(io.RawIOBase):
    """The bytes of a file in storage, each of which goes through a hash."""

    def __init__(self, file: IO[bytes], url: str) -> None:
        self._file, self._url, self._hash, self._place = file, url, hashlib.sha256(), 0

    def readable(self) -> bool:
        """Always."""
        return True

    def tell(self) -> int:
        """Number of bytes that were read."""
        return self._place

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Fill a buffer from the file.

        Raises
        ------
        ResourceError
            if storage gives way
        """
        view = memoryview(buffer)
        try:
            content = self._file.read(len(view))
        except OSError as error:
            raise ResourceError(f"cannot read the mask {self._url}: {error}") from error
        view[: len(content)] = content
        self._hash.update(content)
        self._place += len(content)
        return len(content)

    def sha256(self) -> str:
        """Hash of the whole file; what was not read yet is read for it."""
        drain(self)
        return self._hash.hexdigest()


class _Zlib(io.RawIOBase):
    """What one zlib stream stands for; for gzip the standard library has such a class."""

    def __init__(self, file: Reader) -> None:
        self._file, self._inflate, self._waiting = file, zlib.decompressobj(), b""

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Fill a buffer as far as the stream goes.

        Raises
        ------
        EOFError
            if the stream ends too early
        zlib.error
            if it is damaged
        """
        view = memoryview(buffer)
        content = b""
        while not content and not self._inflate.eof:
            self._waiting = self._waiting or self._file.read(INPUT_BYTES)
            if not self._waiting:
                raise EOFError("its compressed voxels are cut short")
            content = self._inflate.decompress(self._waiting, len(view))
            self._waiting = self._inflate.unconsumed_tail
        view[: len(content)] = content
        return len(content)


def buffered(stream: io.RawIOBase) -> Reader:
    """A stream that is read in large pieces, whatever is asked of it."""
    return io.BufferedReader(stream, BLOCK_BYTES)


def gunzipped(file: Reader) -> Reader:
    """What a stream of gzip members stands for."""
    return buffered(cast(io.RawIOBase, GzipFile(fileobj=file)))


def inflated(file: Reader) -> Reader:
    """What a zlib stream stands for."""
    return buffered(_Zlib(file))


def drain(file: Reader | io.RawIOBase) -> None:
    """Read a stream to its end, as its check sum is there."""
    while file.read(BLOCK_BYTES):
        pass


def skip(file: Reader, n_bytes: int) -> None:
    """Read past some bytes, or to the end of a shorter stream."""
    while n_bytes > 0 and (content := file.read(min(n_bytes, BLOCK_BYTES))):
        n_bytes -= len(content)


def grid_shape(
    sizes: Sequence[int], dtype: np.dtype[np.generic], mask_name: str
) -> tuple[int, int, int]:
    """Planes, rows and columns of a grid whose fastest axis comes first in ``sizes``.

    Raises
    ------
    ScanFailed
        if it has not three dimensions, holds no numbers, or is larger than any CT
    """
    if len(sizes) < 3 or any(size != 1 for size in sizes[3:]) or dtype.kind not in "biuf":
        raise ScanFailed(f"the mask {mask_name} must be one label map of three dimensions")
    columns, rows, planes = (int(size) for size in sizes[:3])
    within = all(0 < size <= MAX_SIDE for size in (columns, rows, planes))
    if not within or planes * rows * columns > MAX_VOXELS:
        raise ScanFailed(f"the mask {mask_name} has {columns} x {rows} x {planes} voxels")
    return planes, rows, columns


def raw_rows(file: Reader, shape: tuple[int, int, int], dtype: np.dtype[np.generic]) -> Rows:
    """Rows of a grid whose voxels follow each other in a stream.

    Raises
    ------
    EOFError
        if the stream is too short
    """
    planes, rows, columns = shape
    n_rows, row_bytes = planes * rows, columns * dtype.itemsize
    at_once = max(1, BLOCK_BYTES // row_bytes)
    for first in range(0, n_rows, at_once):
        n = min(at_once, n_rows - first)
        content = file.read(n * row_bytes)
        if len(content) < n * row_bytes:
            raise EOFError("its voxels are cut short")
        yield first, np.frombuffer(content, dtype).reshape(n, columns)


def array_rows(values: NDArray[np.generic]) -> Rows:
    """Rows of a grid (planes, rows, columns) that is in memory."""
    for plane, rows in enumerate(values):
        yield plane * len(rows), rows

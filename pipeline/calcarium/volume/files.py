"""Bytes of a file, wherever it lies; a local path goes without fsspec."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, cast

from calcarium.errors import ResourceError, ScanExcluded, ScanFailed
from calcarium.intake.records import FileHeader


@contextmanager
def opened(file: FileHeader) -> Iterator[BinaryIO]:
    """A binary, seekable file.

    Raises
    ------
    ResourceError
        if it cannot be opened or read: a share may be back later
    ScanFailed
        if it is no longer the file whose header was read
    """
    try:
        with _open(file.url) as stream:
            size = stream.seek(0, os.SEEK_END)
            if size != file.size_bytes:
                raise ScanFailed(
                    f"{file.url}: {size} bytes now, {file.size_bytes} when its header was read; "
                    "index it again"
                )
            stream.seek(0)
            yield stream
    except OSError as error:
        raise ResourceError(f"{file.url}: {error}") from error


def read_into(file: FileHeader, offset: int, view: memoryview) -> None:
    """Fill ``view`` with the bytes of a file from ``offset`` on.

    Raises
    ------
    ScanExcluded
        ``short_pixels`` if the file ends before
    """
    with opened(file) as stream:
        stream.seek(offset)
        done = 0
        while done < len(view):
            count = stream.readinto(view[done:])  # type: ignore[attr-defined]
            if not count:
                raise ScanExcluded("short_pixels", f"{file.url}: {done} of {len(view)} bytes")
            done += count


def read_all(file: FileHeader) -> bytes:
    """All bytes of a file."""
    with opened(file) as stream:
        return stream.read()


def _open(url: str) -> BinaryIO:
    path = url.removeprefix("file://")
    if "://" not in path and "::" not in path:
        # Unbuffered: pixels go straight from the page cache into the volume.
        return cast(BinaryIO, open(path, "rb", buffering=0))  # noqa: PTH123
    import fsspec

    return cast(BinaryIO, fsspec.open(url, "rb").open())

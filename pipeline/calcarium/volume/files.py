"""Bytes of a file, wherever it lies; a local path goes without fsspec."""

from __future__ import annotations

import os
import tarfile
import zipfile
import zlib
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, cast

from calcarium.errors import ResourceError, ScanExcluded, ScanFailed
from calcarium.intake.locations import is_local
from calcarium.intake.records import FileHeader
from calcarium.volume.limits import MAX_VOLUME_BYTES

if TYPE_CHECKING:
    from fsspec.spec import AbstractFileSystem

ARCHIVES_KEPT_OPEN = 2  # their directory is long to read
# No such member, cut off, encrypted.
BROKEN_ARCHIVE = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    KeyError,
    EOFError,
    ValueError,
    RuntimeError,
)


def read_parts(file: FileHeader, parts: Sequence[tuple[int, memoryview]]) -> None:
    """Fill each view with the bytes of a file from its offset on.

    Raises
    ------
    ScanExcluded
        ``short_pixels`` if the file ends before
    ScanFailed, ResourceError
        as :func:`read_all`
    """
    if not is_local(file.url):
        data = memoryview(read_all(file))
        for offset, view in parts:
            _check_filled(file, len(data) - offset, len(view))
            view[:] = data[offset : offset + len(view)]
        return
    handle = _open_local(file)
    try:
        for offset, view in parts:
            _check_filled(file, _fill(handle, offset, view), len(view))
    except OSError as error:
        raise ResourceError(f"{file.url}: {error}") from error
    finally:
        os.close(handle)


def read_all(file: FileHeader) -> bytes:
    """All bytes of a file.

    Raises
    ------
    ScanExcluded
        ``unsupported_pixels`` if it is larger than any CT
    ResourceError
        if it cannot be read: a share may be back later
    ScanFailed
        if it is no longer the file whose header was read
    """
    if file.size_bytes > MAX_VOLUME_BYTES:
        raise ScanExcluded("unsupported_pixels", f"{file.url}: {file.size_bytes} bytes")
    if not is_local(file.url):
        return _read_remote(file)
    with os.fdopen(_open_local(file), "rb") as stream:
        try:
            return stream.read()
        except OSError as error:
            raise ResourceError(f"{file.url}: {error}") from error


def _fill(handle: int, offset: int, view: memoryview) -> int:
    """Read straight from the page cache into the volume; return how much was there."""
    done = 0
    while done < len(view) and (count := os.preadv(handle, [view[done:]], offset + done)):
        done += count
    return done


def _open_local(file: FileHeader) -> int:
    try:
        handle = os.open(file.url, os.O_RDONLY)
        size = os.fstat(handle).st_size
    except OSError as error:
        raise ResourceError(f"{file.url}: {error}") from error
    try:
        _check_size(file, size)
    except ScanFailed:
        os.close(handle)
        raise
    return handle


def _read_remote(file: FileHeader) -> bytes:
    try:
        system, path = _located(file.url)
        # Before it is read: a member of an archive may inflate to anything.
        _check_size(file, system.size(path))
        return bytes(system.cat_file(path))
    except OSError as error:
        raise ResourceError(f"{file.url}: {error}") from error
    except BROKEN_ARCHIVE as error:
        raise ScanFailed(f"{file.url}: {error}") from error


def _located(url: str) -> tuple[AbstractFileSystem, str]:
    """The file system of a URL, and the path in it."""
    from fsspec.core import url_to_fs

    member, chained, container = url.partition("::")
    if not chained:
        return cast("tuple[AbstractFileSystem, str]", url_to_fs(url))
    protocol, _, path = member.partition("://")
    return _container(protocol, container), path


@lru_cache(maxsize=ARCHIVES_KEPT_OPEN)
def _container(protocol: str, url: str) -> AbstractFileSystem:
    from fsspec.core import url_to_fs

    return url_to_fs(f"{protocol}://::{url}")[0]


def _check_size(file: FileHeader, size: int | None) -> None:
    if size not in (file.size_bytes, None):  # None: storage that does not know
        raise ScanFailed(
            f"{file.url}: {size} bytes now, {file.size_bytes} when its header was read; "
            "index it again"
        )


def _check_filled(file: FileHeader, available: int, needed: int) -> None:
    if available < needed:
        raise ScanExcluded("short_pixels", f"{file.url}: {max(available, 0)} of {needed} bytes")

"""Files of an archive: where each lies, and how its beginning is read.

A file in a ZIP or tar archive has a chained URL, as fsspec has them:
``zip://MEMBER::/path/study.zip``.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from calcarium.errors import ResourceError, UsageError
from calcarium.storage import file_system

ReadHead: TypeAlias = Callable[[int], bytes]
"""Gives the first so many bytes of a file, or all of it if it is shorter."""

ARCHIVE_SUFFIXES = {
    ".zip": "zip",
    ".tar": "tar",
    ".tar.gz": "tar",
    ".tgz": "tar",
    ".tar.bz2": "tar",
    ".tar.xz": "tar",
}


class Denied(ResourceError):
    """One file may not be read, or is gone; storage as such works."""


@dataclass(frozen=True, slots=True)
class Container:
    """What a walk finds: a file, or an archive of files.

    Attributes
    ----------
    mtime_ns : 0 where storage has no time of change
    """

    url: str
    size_bytes: int
    mtime_ns: int

    @property
    def archive_format(self) -> str | None:
        """``zip``, ``tar`` or ``None``, by the name."""
        name = self.url.lower()
        formats = (kind for suffix, kind in ARCHIVE_SUFFIXES.items() if name.endswith(suffix))
        return next(formats, None)


@dataclass(frozen=True, slots=True)
class File:
    """One file, itself a container or a member of one.

    Attributes
    ----------
    url : local path or fsspec URL, as :class:`~calcarium.intake.records.FileHeader` keeps it
    size_bytes : uncompressed
    """

    url: str
    size_bytes: int
    container: Container

    @classmethod
    def plain(cls, container: Container) -> File:
        """The file that is its own container."""
        return cls(container.url, container.size_bytes, container)

    @classmethod
    def member(cls, container: Container, name: str, size_bytes: int) -> File:
        """A member of an archive."""
        url = f"{container.archive_format}://{name}::{container.url}"
        return cls(url, size_bytes, container)


def is_local(url: str) -> bool:
    """Whether a URL is a plain path."""
    return "://" not in url


def is_member(url: str) -> bool:
    """Whether a URL is that of a member of an archive."""
    return "::" in url


def absolute(place: str) -> str:
    """Absolute path of a local place; URL of another as its file system writes it.

    Raises
    ------
    UsageError
        if it is empty, in an archive, or of a kind of storage that cannot be opened
    """
    plain = place.removeprefix("file://")
    if plain.strip() and is_local(plain):
        return os.path.abspath(plain)  # noqa: PTH100
    if plain.startswith(tuple(f"{kind}://" for kind in ARCHIVE_SUFFIXES.values())):
        raise UsageError(f"{place}: give the archive itself; what is in it is found")
    fs, path = file_system(place)
    return str(fs.unstrip_protocol(path)).rstrip("/")


def head_reader(url: str) -> ReadHead:
    """Reads the beginning of a file that lies in no archive.

    The reader raises ``ResourceError``, or its subclass ``Denied``, if the file cannot be read.
    """

    def read(count: int) -> bytes:
        try:
            return _local_head(url, count) if is_local(url) else _remote_head(url, count)
        except (PermissionError, FileNotFoundError) as error:
            raise Denied(f"{url}: {error.strerror}") from error
        except OSError as error:
            raise ResourceError(f"{url}: {error}") from error

    return read


def fetched_head(url: str, count: int) -> ReadHead:
    """A reader that has its first bytes, or the error of reading them; it reads again for more."""
    read = head_reader(url)
    try:
        head = read(count)
    except ResourceError as error:
        return partial(_fail, error)

    def read_again(wanted: int) -> bytes:
        is_enough = wanted <= count or len(head) < count
        return head[:wanted] if is_enough else read(wanted)

    return read_again


def _fail(error: ResourceError, _: int) -> bytes:
    raise error


def _local_head(path: str, count: int) -> bytes:
    handle = os.open(path, os.O_RDONLY)
    try:
        return os.read(handle, count)
    finally:
        os.close(handle)


def _remote_head(url: str, count: int) -> bytes:
    import fsspec

    fs, path = fsspec.url_to_fs(url)
    # Without a cache, which would fetch megabytes more than a header has.
    with fs.open(path, "rb", cache_type="none") as stream:
        return bytes(stream.read(count))

"""Files of an archive: where each lies, and how its beginning is read."""

from __future__ import annotations

import os
from dataclasses import dataclass

from calcarium.errors import ResourceError


@dataclass(frozen=True, slots=True)
class File:
    """A file that was found, not opened yet.

    Attributes
    ----------
    url : local path or fsspec URL, as :class:`~calcarium.intake.records.FileHeader` keeps it
    container : the archive that holds it, or ``url`` itself
    container_bytes : size of the container, by which a change of it is noticed
    """

    url: str
    size_bytes: int
    mtime_ns: int
    container: str
    container_bytes: int


def is_local(url: str) -> bool:
    """Whether a URL is a plain path."""
    return "://" not in url


def read_head(file: File, count: int) -> bytes:
    """First ``count`` bytes of a file, or all of it if it is shorter.

    Raises
    ------
    ResourceError
        if it cannot be opened or read
    """
    try:
        if is_local(file.url):
            handle = os.open(file.url, os.O_RDONLY)
            try:
                return os.read(handle, count)
            finally:
                os.close(handle)
        import fsspec

        with fsspec.open(file.url, "rb") as stream:
            return bytes(stream.read(count))
    except OSError as error:
        raise ResourceError(f"{file.url}: {error}") from error

"""Every file and archive under the inputs, in a stable order, without opening any.

The order is that of the URLs with ``/`` before every other character, so that a
walk can be compared with a sorted table as both go by.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from operator import attrgetter
from stat import S_ISDIR
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from calcarium.intake.locations import Container, absolute, is_local

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

FIRST = "\x01"  # sorts before every character of a name


@dataclass(frozen=True, slots=True)
class Lost:
    """A place that could not be looked into: no permission, a broken link, nothing there."""

    url: str
    message: str
    is_absent: bool = False


Found: TypeAlias = Container | Lost


def sort_key(url: str) -> str:
    """Key of the order of a walk."""
    return url.replace("/", FIRST)


def roots(inputs: Iterable[str]) -> list[str]:
    """Absolute inputs in the order of a walk, without those that lie in another one."""
    kept: list[str] = []
    for url in sorted({absolute(place) for place in inputs}, key=sort_key):
        if not kept or not url.startswith(kept[-1].rstrip("/") + "/"):
            kept.append(url)
    return kept


def walk(inputs: Iterable[str]) -> Iterator[Found]:
    """Files under local folders and fsspec URLs.

    Links are followed, except into a folder that is being walked already.
    """
    for root in roots(inputs):
        yield from _walk_local(root) if is_local(root) else _walk_remote(root)


def _walk_local(root: str) -> Iterator[Found]:
    """One file or folder; plain ``os`` calls and no recursion, because there may be 10^8 files."""
    try:
        info = os.stat(root)  # noqa: PTH116
        if not S_ISDIR(info.st_mode):
            yield Container(root, info.st_size, info.st_mtime_ns)
            return
        levels = [_Level((info.st_dev, info.st_ino), _entries(root))]
    except OSError as error:
        yield _lost(root, error)
        return
    while levels:
        entry = next(levels[-1].entries, None)
        if entry is None:
            levels.pop()
            continue
        found = _look_at(entry, levels)
        if found is not None:
            yield found


class _Level(NamedTuple):
    """A folder that is being walked: its device and inode, and what is left in it."""

    identity: tuple[int, int]
    entries: Iterator[os.DirEntry[str]]


def _look_at(entry: os.DirEntry[str], levels: list[_Level]) -> Found | None:
    """A file; or nothing, and the folder is put on the levels."""
    try:
        entry.path.encode()
        info = entry.stat()
        if not S_ISDIR(info.st_mode):
            return Container(entry.path, info.st_size, info.st_mtime_ns)
        identity = (info.st_dev, info.st_ino)
        if all(level.identity != identity for level in levels):
            levels.append(_Level(identity, _entries(entry.path)))
    except UnicodeEncodeError:
        path = os.fsencode(entry.path).decode(errors="replace")
        return Lost(path, "its name is not UTF-8; rename it")
    except OSError as error:
        return _lost(entry.path, error)
    return None


def _entries(folder: str) -> Iterator[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        return iter(sorted(entries, key=attrgetter("name")))


def _lost(path: str, error: OSError) -> Lost:
    return Lost(path, error.strerror or str(error), isinstance(error, FileNotFoundError))


def _walk_remote(root: str) -> Iterator[Found]:
    import fsspec

    fs, path = fsspec.url_to_fs(root)
    try:
        info = fs.info(path)
    except FileNotFoundError:
        yield Lost(root, "there is nothing", is_absent=True)
        return
    except OSError as error:
        yield Lost(root, str(error))
        return
    yield from _remote_entry(fs, info)


def _remote_entry(fs: AbstractFileSystem, info: dict[str, object]) -> Iterator[Found]:
    name = str(info["name"])
    url = str(fs.unstrip_protocol(name))
    if info["type"] != "directory":
        yield Container(url, int(str(info.get("size") or 0)), _changed(info))
        return
    try:
        entries = fs.ls(name, detail=True)
    except OSError as error:
        yield Lost(url, str(error))
        return
    for entry in sorted(entries, key=lambda entry: str(entry["name"])):
        # Some stores list a folder as an empty object within itself.
        if str(entry["name"]).rstrip("/") != name.rstrip("/"):
            yield from _remote_entry(fs, entry)


def _changed(info: dict[str, object]) -> int:
    """Time of the last change; a hash of the ETag where storage has one of those only."""
    for name in ("mtime", "LastModified", "last_modified", "updated", "created"):
        value = info.get(name)
        if isinstance(value, datetime):
            return int(value.timestamp() * 1e9)
        if isinstance(value, int | float):
            return int(value * 1e9)
    tag = str(info.get("ETag") or info.get("etag") or "")
    return int.from_bytes(blake2b(tag.encode(), digest_size=7).digest(), "big") if tag else 0

"""One writer per result folder."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from uuid import uuid4

import psutil

from calcarium.errors import UsageError
from calcarium.tables.folder import ResultFolder

LOCK = "lock.json"


@dataclass(frozen=True)
class Holder:
    """The process that writes. Its start tells it from a later one with its number."""

    host: str
    pid: int
    started: float

    @classmethod
    def me(cls) -> Holder:
        """The process that asks."""
        process = psutil.Process()
        return cls(socket.gethostname(), process.pid, process.create_time())

    @property
    def is_dead(self) -> bool:
        """Whether it ran on this host and runs no more."""
        if self.host != socket.gethostname():
            return False
        try:
            return bool(abs(psutil.Process(self.pid).create_time() - self.started) > 1)
        except psutil.NoSuchProcess:
            return True


@contextmanager
def writer_lock(folder: ResultFolder) -> Iterator[str | None]:
    """Hold the lock of a folder; gives a message if it was taken over from a dead process.

    An object store cannot say who came first; there the lock only keeps apart
    runs that do not start in the same moment.

    Raises
    ------
    UsageError
        if another process writes, or may still write, into the folder.
    """
    message = _acquire(folder)
    try:
        yield message
    finally:
        with suppress(FileNotFoundError):
            folder.fs.rm_file(folder.path(LOCK))


def _acquire(folder: ResultFolder) -> str | None:
    if _create(folder):
        return None
    holder = _holder(folder)
    if holder is not None and not holder.is_dead:
        raise UsageError(
            f"{folder.root} is being written by process {holder.pid} on {holder.host}. If that "
            f"process is gone, remove {folder.path(LOCK)}; to write side by side, give each "
            "job its own --out with --shard and join them with `calcarium merge`"
        )
    _remove_stale(folder, holder)
    if not _create(folder):
        raise UsageError(f"another process has just begun to write into {folder.root}")
    return "an earlier run ended without closing; its committed studies are kept"


def _create(folder: ResultFolder) -> bool:
    text = json.dumps(asdict(Holder.me()))
    if not folder.is_local:
        if folder.exists(LOCK):
            return False
        folder.write(text.encode(), LOCK)
        return True
    with folder.writable():
        try:
            handle = os.open(folder.path(LOCK), os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
        except FileExistsError:
            return False
        with os.fdopen(handle, "w") as file:
            file.write(text)
    return True


def _holder(folder: ResultFolder, name: str = LOCK) -> Holder | None:
    """Who holds a lock; ``None`` if its file was cut while being written."""
    try:
        return Holder(**json.loads(folder.read(name)))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def _remove_stale(folder: ResultFolder, seen: Holder | None) -> None:
    """Move the stale lock aside, and back if it is no longer the one that was seen."""
    aside = f"{LOCK}.{uuid4().hex}"
    with folder.writable(), suppress(FileNotFoundError):
        folder.fs.mv(folder.path(LOCK), folder.path(aside))
        if folder.is_local and _holder(folder, aside) != seen:
            with suppress(FileExistsError):
                os.link(folder.path(aside), folder.path(LOCK))
        folder.fs.rm_file(folder.path(aside))

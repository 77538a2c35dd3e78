"""Every file under the inputs, in a stable order, without opening any."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from calcarium.errors import UsageError
from calcarium.intake.locations import File


@dataclass(frozen=True, slots=True)
class Lost:
    """A place that could not be looked into: a folder without permission, a broken link."""

    url: str
    message: str


Found: TypeAlias = File | Lost


def walk(inputs: Sequence[str]) -> Iterator[Found]:
    """Files under local folders, depth-first, names in code point order.

    Raises
    ------
    UsageError
        if an input does not exist
    """
    for path in sorted({os.path.abspath(url) for url in inputs}):  # noqa: PTH100
        if not os.path.exists(path):  # noqa: PTH110
            raise UsageError(f"there is nothing at {path}")
        yield from _walk_local(path, ())


def _walk_local(path: str, above: tuple[tuple[int, int], ...]) -> Iterator[Found]:
    try:
        info = os.stat(path)  # noqa: PTH116
        if not os.path.isdir(path):  # noqa: PTH112
            yield File(path, info.st_size, info.st_mtime_ns, path, info.st_size)
            return
        here = (info.st_dev, info.st_ino)
        if here in above:
            return
        names = sorted(os.listdir(path))  # noqa: PTH208
    except OSError as error:
        yield Lost(path, str(error))
        return
    for name in names:
        yield from _walk_local(os.path.join(path, name), (*above, here))  # noqa: PTH118

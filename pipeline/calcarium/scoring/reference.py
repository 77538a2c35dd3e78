"""Published tables that come with the package, each with its source and checksum.

The files lie in ``scoring/tables``; ``manifest.toml`` there names for each the
SHA-256, the publication and how the numbers were confirmed.
"""

from __future__ import annotations

import csv
import hashlib
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from calcarium.errors import UsageError

FOLDER = files("calcarium.scoring") / "tables"


@dataclass(frozen=True)
class Reference:
    """Where a table comes from.

    Attributes
    ----------
    name, version : short name of the publication, as written beside a result
    source : the publication
    confirmed : where the numbers were seen, and how often
    sha256 : hash of the file's bytes
    """

    name: str
    version: str
    source: str
    confirmed: str
    sha256: str


@cache
def manifest() -> dict[str, Reference]:
    """Every shipped table by file name."""
    entries = tomllib.loads((FOLDER / "manifest.toml").read_text(encoding="utf-8"))
    return {file: Reference(**entry) for file, entry in entries.items()}


def read_toml(file: str) -> dict[str, object]:
    """Content of a shipped TOML table.

    Raises
    ------
    UsageError
        if the file is not the one that was released.
    """
    return tomllib.loads(_checked_text(file))


def read_csv(file: str) -> list[dict[str, str]]:
    """Rows of a shipped CSV table, as the strings of the file.

    Raises
    ------
    UsageError
        if the file is not the one that was released.
    """
    return list(csv.DictReader(_checked_text(file).splitlines()))


def _checked_text(file: str) -> str:
    content = (FOLDER / file).read_bytes()
    if hashlib.sha256(content).hexdigest() != manifest()[file].sha256:
        raise UsageError(f"the reference table {file} was changed; install calcarium again")
    return content.decode("utf-8")

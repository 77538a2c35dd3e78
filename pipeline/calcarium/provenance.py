"""Which software made a row."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


def calcarium_version() -> str:
    """Version of the installed package; ``unknown`` in a bare source tree."""
    try:
        return version("calcarium")
    except PackageNotFoundError:
        return "unknown"

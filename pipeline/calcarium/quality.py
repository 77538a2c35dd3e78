"""Caveats of a scan that was scored: a check, its value, and whether it passes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Status: TypeAlias = Literal["pass", "warn", "fail"]


@dataclass(frozen=True)
class QualityRow:
    """One check on one scan.

    Attributes
    ----------
    check : key of the registry of checks
    value : what was measured; ``None`` where it could not be
    text : what was read, where it is no number; never a name, date or path
    """

    check: str
    status: Status
    value: float | None = None
    text: str = ""

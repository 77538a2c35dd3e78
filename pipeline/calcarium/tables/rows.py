"""Rows as they travel from a worker to the one process that writes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Cell: TypeAlias = str | int | float | bool | bytes | None
Row: TypeAlias = dict[str, Cell]
TableName: TypeAlias = Literal[
    "studies",
    "series",
    "scores",
    "vessels",
    "lesions",
    "quality",
    "voxels",
    "links",
    "messages",
]
PRIVATE_TABLES: tuple[TableName, ...] = ("voxels", "links", "messages")


@dataclass(frozen=True)
class StudyRows:
    """Everything that one study leaves behind: one row per scan at least.

    Attributes
    ----------
    study_id : the study
    tables : rows by table; ``voxels``, ``links`` and ``messages`` are private (pixels, paths,
        ids, dates, and messages that may name them)
    """

    study_id: str
    tables: dict[TableName, list[Row]]


@dataclass(frozen=True)
class Failure:
    """Why a study as a whole has no result.

    Attributes
    ----------
    stage : where it ended
    error : class of the error
    message, traceback : private; they may name files
    """

    stage: str
    error: str
    message: str
    traceback: str | None = None

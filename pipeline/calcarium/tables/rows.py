"""Rows as they travel from a worker to the one process that writes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Cell: TypeAlias = str | int | float | bool | bytes | None
Row: TypeAlias = dict[str, Cell]
# Arrays of one length, in which NaN and None are empty cells, or one text for all rows.
Columns: TypeAlias = dict[str, NDArray[np.generic] | str]
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
    lesions : rows of the table ``lesions``, scan by scan as columns, for noise leaves thousands
    """

    study_id: str
    tables: dict[TableName, list[Row]]
    lesions: tuple[Columns, ...] = ()


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

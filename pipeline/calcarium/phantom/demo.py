"""A small synthetic registry with faults in it, for `calcarium demo`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from calcarium.phantom.faults import (
    add_localizer,
    duplicate_slice,
    make_mr,
    remove_slice,
    scatter_junk,
    truncate_file,
)
from calcarium.phantom.registry import write_registry
from calcarium.phantom.study import StudyOrder, StudyTruth

MATRIX = 256


class _Case(NamedTuple):
    seed: int
    gated: bool
    calcified: bool
    syntax: str
    fault: Callable[[Path], None] | None = None
    note: str = ""
    scorable: bool = True


# anatomies with few slices and scores from zero to severe; any seed works
CASES = (
    _Case(11, True, True, "explicit"),
    _Case(21, True, True, "jpeg-ls", add_localizer, "and a localizer"),
    _Case(10, True, False, "explicit", None, "no calcium"),
    _Case(4, False, True, "jpeg-lossless"),
    _Case(12, False, False, "explicit", duplicate_slice, "no calcium; one file twice"),
    _Case(6, True, True, "explicit", truncate_file, "a truncated file", scorable=False),
    _Case(7, True, True, "explicit", remove_slice, "a missing slice", scorable=False),
    _Case(23, True, False, "explicit", make_mr, "no CT in it", scorable=False),
)


@dataclass(frozen=True)
class DemoStudy:
    """A study of the demonstration: its truth, and what was done to it."""

    truth: StudyTruth
    note: str
    scorable: bool


def write_demo(out: Path, workers: int = 2) -> list[DemoStudy]:
    """Write the registry: ``dicom/``, ``masks/``, ``truth/``.

    Raises
    ------
    UsageError
        if ``out`` holds a registry already
    """
    orders = [
        StudyOrder(
            number,
            case.seed,
            gated=case.gated,
            syntax=case.syntax,
            matrix=MATRIX,
            calcified=case.calcified,
        )
        for number, case in enumerate(CASES, 1)
    ]
    truths = write_registry(out, orders, workers=workers)
    for truth, case in zip(truths, CASES, strict=True):
        if case.fault:
            case.fault(out / truth.folder)
    scatter_junk(out / "dicom")
    return [
        DemoStudy(truth, "; ".join(filter(None, (_kind(case), case.note))), case.scorable)
        for truth, case in zip(truths, CASES, strict=True)
    ]


def _kind(case: _Case) -> str:
    kind = "gated" if case.gated else "chest"
    return kind if case.syntax == "explicit" else f"{kind}, {case.syntax}"

"""The figures of a detector as tables: for a terminal, a page and a CSV file."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from detection_summary import Summary
from rich.table import Column, Table


@dataclass(frozen=True)
class Figure:
    """One figure of a summary; the fields are the columns of ``summary.csv``."""

    scan_class: str
    stress: str
    measure: str
    n: int
    value: float
    low: float = math.nan
    high: float = math.nan


def figures(summary: Summary) -> list[Figure]:
    """Every figure of a summary, each with what it is made of."""
    n = summary.n_scans - summary.n_excluded
    estimates = {
        "sensitivity_5mm3": (summary.sensitivity[5.0], summary.n_lesions[5.0]),
        "sensitivity": (summary.sensitivity[0.0], summary.n_lesions[0.0]),
        "artery_right": (summary.artery_right, sum(summary.arteries.values())),
        "icc": (summary.icc, n),
        **{f"kappa_{name}": (value, n) for name, value in summary.kappa.items()},
        "zero_called_positive": (summary.zero_called_positive, summary.n_zero),
        "flagged_if_gross": (summary.flagged_gross, summary.n_gross),
        "flagged_if_right": (summary.flagged_right, summary.n_right),
    }
    numbers = {
        "scans": summary.n_scans,
        "excluded": summary.n_excluded,
        "false_positives_per_scan": summary.false_per_scan,
        **{f"false_positives_{kind}": count for kind, count in summary.false_by_kind.items()},
        **{f"seconds_{stage}": value for stage, value in summary.seconds.items()},
    }
    where = (summary.scan_class, summary.stress)
    return [
        Figure(*where, name, n, e.value, e.low, e.high) for name, (e, n) in estimates.items()
    ] + [Figure(*where, name, n, value) for name, value in numbers.items()]


SHOWN = {
    "scans": "scans",
    "excluded": "refused",
    "sensitivity_5mm3": ">=5 mm3",
    "sensitivity": "all",
    "false_positives_per_scan": "FP/scan",
    "artery_right": "artery",
    "icc": "ICC",
    "kappa_five_rumberger": "kappa",
    "zero_called_positive": "zero>0",
    "flagged_if_gross": "flag|gross",
    "flagged_if_right": "flag|right",
    "seconds_detect": "s",
}
TABLE_WIDTH = 130
HEADINGS = ("class", "stress", *SHOWN.values())


def lines_of(found: list[Figure]) -> Iterator[tuple[str, ...]]:
    """The chief figures, one line per class and stress."""
    for where, group in groupby(found, key=lambda f: (f.scan_class, f.stress)):
        values = {figure.measure: figure.value for figure in group}
        cells = [values.get(name, math.nan) for name in SHOWN]
        yield (*where, *("-" if math.isnan(c) else f"{c:.3g}" for c in cells))


def table_of(found: list[Figure]) -> Table:
    """The chief figures for a terminal."""
    table = Table(*(Column(name, no_wrap=True) for name in HEADINGS), box=None)
    for line in lines_of(found):
        table.add_row(*line)
    return table


def markdown_of(found: list[Figure]) -> str:
    """The chief figures for a page."""
    rows = (HEADINGS, ("---",) * len(HEADINGS), *lines_of(found))
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def write_csv(path: Path, rows: Iterable[dict[str, object]]) -> None:
    """Write rows of equal keys."""
    rows = list(rows)
    with path.open("w", newline="", encoding="utf-8") as file:
        if rows:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)

"""How well the embedded detector finds coronary calcium, on scans whose calcium is known.

    calcarium phantom --out SET --studies 60 --seed 7
    python benchmarks/detection.py --phantom SET --part tune --stress all --out findings/

Several sets (``--phantom`` more than once) are taken as one.

    python benchmarks/detection.py --scans DICOM --masks LABEL_MAPS

Prints, by class of scan and stress: sensitivity per lesion, false positives per scan and
what they are, the agreement of the Agatston score and of its categories with an ideal
region, the confusion of arteries, how often a doubt is raised, and seconds by stage. Of a
set, a quarter is held out (``--part held-out``): look at it once, at the end.
"""

from __future__ import annotations

import csv
import math
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import groupby
from multiprocessing import get_context
from pathlib import Path
from typing import cast

import click
from detection_summary import ScanEvaluation, Summary, summarise
from labelled_sets import KINDS, LabelledScan, LabelledSet, Part, labelled_scans
from lesion_matching import match_lesions
from rich.console import Console
from rich.progress import track
from rich.table import Column, Table
from stress import STRESSES, LabelledVolume

from calcarium.config import load_protocol
from calcarium.errors import CalciumError, ScanExcluded, ScanFailed
from calcarium.regions.detector.detect import detect
from calcarium.regions.model import Label, Region
from calcarium.scoring.score import score_region
from calcarium_kernels import load
from calcarium_kernels.contract import Box


def evaluate(scan: LabelledScan, stresses: tuple[str, ...]) -> list[ScanEvaluation]:
    """Evaluate the detector on one scan under some stresses; the scan is read once."""
    blanks = [
        ScanEvaluation(scan.choice.scan.scan_id, scan.choice.scan_class, stress)
        for stress in stresses
    ]
    began = time.perf_counter()
    try:
        labelled, arteries = scan.read()
    except (ScanExcluded, ScanFailed) as error:
        return [replace(blank, excluded=str(error)) for blank in blanks]
    read_s = time.perf_counter() - began
    return [
        _evaluate(blank, scan, STRESSES[blank.stress](labelled), arteries, read_s)
        for blank in blanks
    ]


def _evaluate(
    blank: ScanEvaluation,
    scan: LabelledScan,
    labelled: LabelledVolume,
    arteries: dict[int, str],
    read_s: float,
) -> ScanEvaluation:
    kernels = load("numpy")
    blank = replace(blank, agatston_true=_agatston(scan, labelled, _ideal(labelled, arteries)))
    began = time.perf_counter()
    try:
        region = detect(labelled.volume, scan.protocol.detector, kernels)
    except ScanExcluded as error:
        return replace(blank, excluded=error.reason)
    detected = time.perf_counter()
    found = _agatston(scan, labelled, region)
    scored = time.perf_counter()
    truths, false_positives = match_lesions(labelled, region, arteries, KINDS)
    return replace(
        blank,
        agatston_found=found,
        flags=tuple(row.check for row in region.quality if row.status in ("warn", "fail")),
        seconds={"read": read_s, "detect": detected - began, "score": scored - detected},
        truths=tuple(truths),
        false_positives=tuple(false_positives),
    )


def _ideal(labelled: LabelledVolume, arteries: dict[int, str]) -> Region:
    box = Box.whole(labelled.volume.geometry.shape)
    meaning = {value: Label(artery) for value, artery in arteries.items()}
    return Region(box, labelled.calcium, meaning, "clip", "mask")


def _agatston(scan: LabelledScan, labelled: LabelledVolume, region: Region) -> float:
    scores = score_region(
        labelled.volume,
        region,
        scan.choice.scan.acquisition,
        scan.protocol.scoring,
        load("numpy"),
    )
    primary = next(s for s in scores.conventions if s.convention == scores.primary)
    return primary.total.agatston or 0.0


def evaluate_all(
    scans: list[LabelledScan], stresses: tuple[str, ...], workers: int
) -> Iterator[list[ScanEvaluation]]:
    """Evaluations of each scan, in the order of the scans."""
    job = partial(evaluate, stresses=stresses)
    if workers < 2:
        yield from map(job, scans)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield from pool.map(job, scans)


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


def _details(summary: Summary) -> str:
    kinds = ", ".join(f"{kind} {n}" for kind, n in summary.false_by_kind.items())
    arteries = ", ".join(
        f"{true}->{found or 'none'} {n}" for (true, found), n in sorted(summary.arteries.items())
    )
    warned = ", ".join(
        f"{check} {right} right {wrong} wrong" for check, (right, wrong) in summary.warned.items()
    )
    return (
        f"false positives: {kinds or 'none'}\narteries: {arteries or 'none'}\n"
        f"warned, by check: {warned or 'none'}"
    )


def write_csv(path: Path, rows: Iterable[dict[str, object]]) -> None:
    """Write rows of equal keys."""
    rows = list(rows)
    with path.open("w", newline="", encoding="utf-8") as file:
        if rows:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)


def _write(out: Path, evaluations: list[ScanEvaluation], found: list[Figure]) -> None:
    out.mkdir(parents=True, exist_ok=True)
    lists = ("truths", "false_positives", "seconds")
    write_csv(out / "summary.csv", map(asdict, found))
    (out / "summary.md").write_text(markdown_of(found), encoding="utf-8")
    write_csv(
        out / "scans.csv",
        ({k: v for k, v in asdict(e).items() if k not in lists} | e.seconds for e in evaluations),
    )
    for name in ("truths", "false_positives"):
        write_csv(
            out / f"{name}.csv",
            (
                {"scan_id": e.scan_id, "stress": e.stress} | asdict(lesion)
                for e in evaluations
                for lesion in getattr(e, name)
            ),
        )


def _chosen(stress: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(STRESSES) if "all" in stress else stress


def _where(phantom: tuple[Path, ...], scans: Path | None, masks: Path | None) -> list[LabelledSet]:
    if phantom and scans is None and masks is None:
        return [LabelledSet.phantom(folder) for folder in phantom]
    if not phantom and scans is not None and masks is not None:
        return [LabelledSet(scans, masks)]
    raise click.UsageError("give --phantom, or --scans and --masks")


@click.command()
@click.option(
    "--phantom",
    type=click.Path(exists=True, path_type=Path),
    multiple=True,
    help="A phantom set; may be repeated.",
)
@click.option("--scans", type=click.Path(exists=True, path_type=Path), help="Folder of DICOM.")
@click.option("--masks", type=click.Path(exists=True, path_type=Path), help="Their label maps.")
@click.option("--part", type=click.Choice(["all", "tune", "held-out"]), default="all")
@click.option("--stress", multiple=True, default=["none"], help="Name, or all; may be repeated.")
@click.option("--protocol", default="auto", show_default=True)
@click.option("--workers", default=2, show_default=True)
@click.option("--out", type=click.Path(path_type=Path), help="Folder for the tables.")
def main(
    phantom: tuple[Path, ...],
    scans: Path | None,
    masks: Path | None,
    part: str,
    stress: tuple[str, ...],
    protocol: str,
    workers: int,
    out: Path | None,
) -> None:
    """Evaluate the embedded detector on scans whose coronary calcium is known."""
    if set(stress) - {*STRESSES, "all"}:
        raise click.UsageError(f"stresses are all, {', '.join(STRESSES)}")
    sets = _where(phantom, scans, masks)
    console = Console()
    try:
        protocols = load_protocol(protocol)
        scans_found = [s for one in sets for s in labelled_scans(one, protocols, cast(Part, part))]
    except CalciumError as error:
        raise click.ClickException(str(error)) from error
    each = evaluate_all(scans_found, _chosen(stress), workers)
    evaluations = [e for several in track(each, "scans", len(scans_found)) for e in several]
    lines: list[Figure] = []
    for name in _chosen(stress):
        of_stress = [e for e in evaluations if e.stress == name]
        for scan_class in ("all", *sorted({e.scan_class for e in of_stress})):
            summary = summarise(of_stress, scan_class)
            lines += figures(summary)
            console.print(f"{scan_class}, {name}\n{_details(summary)}", highlight=False)
    Console(width=max(console.width, TABLE_WIDTH)).print(table_of(lines))
    if out:
        _write(out, evaluations, lines)
        console.print(f"tables: {out}")


if __name__ == "__main__":
    main()

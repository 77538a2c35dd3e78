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

import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import cast

import click
from detection_summary import ScanEvaluation, Summary, summarise
from detection_tables import TABLE_WIDTH, Figure, figures, markdown_of, table_of, write_csv
from labelled_sets import KINDS, LabelledScan, LabelledSet, Part, labelled_scans
from lesion_matching import match_lesions
from rich.console import Console
from rich.progress import track
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

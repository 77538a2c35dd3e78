"""``calcarium plan``: what would be scored, and why not the rest."""

from __future__ import annotations

import os
import shlex
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Literal

import click

from calcarium.cli.region_options import region_options

if TYPE_CHECKING:
    from rich.console import Console

    from calcarium.config import Protocols
    from calcarium.covariate_table import CovariateTable
    from calcarium.intake.survey import Draw, Survey
    from calcarium.study import ScorerSetup


EXAMPLES = 5


@click.command("plan", context_settings={"show_default": True})
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@click.option("--protocol", default="auto", metavar="NAME|FILE", help="What is scored, and how.")
@region_options
@click.option("--covariates", default="", metavar="FILE", help="Table of age, sex and the like.")
@click.option("--all-scans", is_flag=True, help="Every eligible scan, not the best of each class.")
@click.option("--workers", type=click.IntRange(0), default=0, help="Processes; 0: one per core.")
@click.option(
    "--sample",
    type=click.IntRange(0),
    default=5,
    help="Studies that are scored to estimate the hours; 0: none.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Folder that keeps the index; else a passing one.",
)
def command(
    inputs: tuple[str, ...],
    protocol: str,
    masks: str,
    network: str,
    network_device: Literal["cpu", "cuda"],
    covariates: str,
    all_scans: bool,
    workers: int,
    sample: int,
    out: Path | None,
) -> None:
    """What would be scored, why not the rest, and in how many hours. Nothing is kept of a score.

    INPUT is a folder, a file, an archive, a manifest, or a folder that `calcarium index` made.
    """
    from rich.console import Console

    from calcarium.config import load_protocol
    from calcarium.covariate_table import read_covariates
    from calcarium.intake.index_query import why_no_study
    from calcarium.intake.studies import iter_studies
    from calcarium.intake.survey import Draw, survey
    from calcarium.regions.inputs import gather_inputs
    from calcarium.study import ScorerSetup

    protocols = load_protocol(protocol)
    table = read_covariates(covariates) if covariates else None
    with ExitStack() as stack:
        scratch = stack.enter_context(TemporaryDirectory(prefix="calcarium-"))
        index = _index(inputs, out or Path(scratch), workers)
        column = _mask_column(inputs, index)
        given = gather_inputs(
            masks,
            mask_column=column,
            network=network,
            network_device=network_device,
            shapes=[protocol.region.shapes for protocol in protocols.by_class.values()],
        )
        draw = Draw(sample + 1 if sample else 0)
        found = survey(
            iter_studies(index),
            protocols,
            all_scans=all_scans,
            has_mask=(lambda scan: given.mask_of(scan) is not None) if given.has_masks else None,
            draw=draw,
        )
        console = Console()
        _print_scans(console, found)
        _print_syntaxes(console, found)
        _print_rest(console, found, index)
        if table is not None:
            _print_covariates(console, table, index, protocols)
        setup = ScorerSetup(protocols, given, b"", covariates=table, all_scans=all_scans)
        _print_hours(console, found, draw, setup, workers or len(os.sched_getaffinity(0)))
        nothing = why_no_study(index)
    brought = {
        "--protocol": protocol,
        "--masks": masks,
        "--network": network,
        "--network-device": network_device if network else "",
        "--covariates": covariates,
    }
    click.echo(nothing or _next(inputs, brought, ["--all-scans"] if all_scans else []))


def _next(inputs: tuple[str, ...], brought: dict[str, str], flags: list[str]) -> str:
    """The command that scores what was planned."""
    options = [word for name, file in brought.items() if file for word in (name, file)]
    return f"Next: calcarium score {shlex.join([*inputs, *options, *flags])} --out RESULTS"


def _index(inputs: tuple[str, ...], folder: Path, workers: int) -> Path:
    """The index that was given, or one made now."""
    from calcarium.cli.index import build_with_progress
    from calcarium.intake.index_store import is_index

    if len(inputs) == 1 and is_index(Path(inputs[0])):
        return Path(inputs[0])
    build_with_progress(inputs, folder, workers)
    return folder


def _mask_column(inputs: tuple[str, ...], index: Path) -> dict[str, str]:
    """Masks that manifests name, by series."""
    from calcarium.intake.index_query import series_of_entries
    from calcarium.intake.manifest import expand, masks_by_series

    _, entries = expand(inputs)
    return masks_by_series(series_of_entries(index, entries)) if entries else {}


def _print_scans(console: Console, found: Survey) -> None:
    from rich.table import Table

    table = Table(box=None)
    for name in ("class", "outcome"):
        table.add_column(name, no_wrap=True)
    for name in ("scans", "GB"):
        table.add_column(name, no_wrap=True, justify="right")
    table.add_column("example")
    for scan_class, tally in sorted(found.chosen.items()):
        example = _example(tally.example)
        table.add_row(scan_class, "[bold]score", f"{tally.scans:,}", _gb(tally.bytes), example)
    for (scan_kind, reason), tally in sorted(found.excluded.items()):
        example = _example(tally.example)
        table.add_row(scan_kind, reason, f"{tally.scans:,}", _gb(tally.bytes), example)
    console.print(table)


def _example(choice: object) -> str:
    from rich.markup import escape

    from calcarium.intake.select import ScanChoice

    if not isinstance(choice, ScanChoice):
        return ""
    seen = choice.scan.acquisition
    what = ", ".join(filter(None, (seen.series_description, seen.convolution_kernel)))
    step = choice.extent.increment_mm
    size = f"{choice.extent.n_slices} x {step:g} mm" if step else ""
    return escape("; ".join(filter(None, (choice.detail, what, size))))


def _print_syntaxes(console: Console, found: Survey) -> None:
    from rich.table import Table

    from calcarium.volume.codecs import codecs

    known = {codec.transfer_syntax_uid: codec for codec in codecs()}
    table = Table("transfer syntax", "scans", "codec", box=None)
    for uid, scans in found.syntaxes.most_common():
        codec = known.get(uid)
        name = codec.name if codec else uid
        state = "none" if codec is None else "here" if codec.available else f"pip: {codec.package}"
        table.add_row(name, f"{scans:,}", state)
    if found.syntaxes:
        console.print(table)


def _print_rest(console: Console, found: Survey, index: Path) -> None:
    from calcarium.intake.index_query import index_counts, problems

    counts = index_counts(index)
    scans = sum(tally.scans for tally in found.chosen.values())
    total = sum(tally.bytes for tally in found.chosen.values())
    console.print(
        f"{found.studies_with_choice:,} of {found.studies:,} studies have a scan to score: "
        f"{scans:,} scans, {_gb(total)} GB. {counts.other_files:,} files are not DICOM."
    )
    if found.without_mask.scans:
        console.print(f"{found.without_mask.scans:,} of these scans have no mask.")
    unread = problems(index)
    for problem in unread[:EXAMPLES]:
        console.print(f"{problem.kind}: {problem.url}: {problem.message}", markup=False)
    if len(unread) > EXAMPLES:
        console.print(f"and {len(unread) - EXAMPLES:,} more that could not be read")
    places = {problem.place for problem in unread if problem.kind != "missing"}
    if places:
        console.print(f"{len(places):,} folders or archives would have a row unreadable_header.")


def _print_hours(
    console: Console, found: Survey, draw: Draw, setup: ScorerSetup, workers: int
) -> None:
    from calcarium.batch.estimate import estimate
    from calcarium.errors import CalciumError

    if not draw.drawn:
        return
    slices = sum(tally.slices for tally in found.chosen.values())
    try:
        told = estimate(draw.drawn, setup(), slices, found.studies_with_choice, workers)
    except CalciumError as error:
        console.print(f"No estimate of the hours: {error}", markup=False)
        return
    console.print(
        f"Estimate: {_duration(told.hours)} with {workers:,} workers, "
        f"{_duration(told.hours_fastest)} to {_duration(told.hours_slowest)} at the speed of the "
        f"fastest and slowest of {told.n_studies:,} studies drawn at random ({told.study_s:.2f} s "
        "each, here). Workers that wait for each other's storage or memory are slower; reading "
        "the headers comes before."
    )


def _duration(hours: float) -> str:
    if hours < 1 / 60:
        return f"{3600 * hours:.0f} s"
    return f"{60 * hours:.0f} min" if hours < 2 else f"{hours:,.1f} h"


def _print_covariates(
    console: Console, table: CovariateTable, index: Path, protocols: Protocols
) -> None:
    from calcarium.covariate_table import ScanKeys
    from calcarium.intake.select import select
    from calcarium.intake.studies import iter_studies

    chosen = (
        ScanKeys.of(choice.scan)
        for study in iter_studies(index)
        for choice in select(study, protocols).chosen
    )
    found = table.coverage(chosen)
    console.print(
        f"Covariates by {table.key}: {found.n_matched:,} of {found.n_scans:,} scans have a row; "
        f"{found.n_rows_used:,} of {found.n_rows:,} rows are used."
    )
    values = ", ".join(f"{name} {n:,}" for name, n in found.known.items())
    console.print(f"Scans with a value: {values or 'none'}")
    if table.ignored:
        console.print(f"Columns that are no covariates: {', '.join(table.ignored)}", markup=False)


def _gb(size_bytes: int) -> str:
    return f"{size_bytes / 1e9:,.2f}"

"""``calcarium index``: read the headers of an archive once."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from calcarium.intake.index import IndexSummary


@click.command("index", context_settings={"show_default": True})
@click.argument("inputs", nargs=-1, required=True, metavar="ARCHIVE...")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder of the index.")
@click.option("--workers", type=click.IntRange(0), default=0, help="Processes; 0: one per core.")
def command(inputs: tuple[str, ...], out: Path, workers: int) -> None:
    """Read the headers of an archive once, for plan and score.

    ARCHIVE is a folder, a file, a ZIP or tar archive, or a manifest (CSV, Parquet), as a path
    or a URL. The same command continues, and reads only what is new or has changed. The index
    holds names, dates and paths: keep it where the archive may be kept.
    """
    from calcarium.intake.index_query import index_counts, other_files_by_folder, problems

    out.mkdir(mode=0o700, parents=True, exist_ok=True)
    summary = build_with_progress(inputs, out, workers)
    counts = index_counts(out)
    click.echo(
        f"read {summary.read:,} files; {summary.unchanged:,} were known, {summary.changed:,} "
        f"have changed, {summary.vanished:,} are gone, {summary.lost:,} places are out of reach"
    )
    click.echo(
        f"{counts.studies:,} studies, {counts.series:,} series, {counts.dicom_files:,} DICOM files "
        f"({counts.dicom_bytes / 1e9:,.2f} GB), {counts.other_files:,} other files in "
        f"{len(other_files_by_folder(out)):,} folders"
    )
    if summary.touched_studies:
        click.echo(f"{len(summary.touched_studies):,} studies known before have changed, such as:")
        for study in summary.touched_studies[:5]:
            click.echo(f"  {study}")
    for problem in problems(out)[:10]:
        click.echo(f"  {problem.kind}: {problem.url}: {problem.message}")
    if counts.problems > 10:
        click.echo(f"  and {counts.problems - 10:,} more files that could not be read")
    click.echo(f"Next: calcarium plan {out}")


def build_with_progress(inputs: tuple[str, ...], folder: Path, workers: int) -> IndexSummary:
    """Build an index over local processes, with a line on the terminal that counts files."""
    from rich.console import Console

    from calcarium.intake.index import build_index
    from calcarium.intake.parallel import process_map

    with (
        Console(stderr=True).status("looking for files") as status,
        process_map(workers or len(os.sched_getaffinity(0))) as parallel,
    ):

        def show(summary: IndexSummary) -> None:
            status.update(f"headers: {summary.read:,} read, {summary.unchanged:,} known")

        return build_index(inputs, folder, parallel=parallel, progress=show)

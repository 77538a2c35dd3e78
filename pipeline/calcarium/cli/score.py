"""``calcarium score``: the main job."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING, Literal

import click

from calcarium.cli.region_options import region_options

if TYPE_CHECKING:
    from calcarium.tables.folder import ResultFolder

NOTHING_SCORED = 3


@click.command("score", context_settings={"show_default": True})
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@click.option(
    "--out", required=True, metavar="RESULTS", help="Result folder, new or to go on with."
)
@click.option("--protocol", default="auto", metavar="NAME|FILE", help="What is scored, and how.")
@region_options
@click.option(
    "--covariates",
    default="",
    show_default=False,
    metavar="FILE",
    help="Table of age, sex and the like.",
)
@click.option("--workers", type=click.IntRange(0), default=0, help="Processes; 0: one per core.")
@click.option("--scheduler", metavar="ADDR|FILE", help="A Dask scheduler instead of local workers.")
@click.option("--backend", type=click.Choice(["auto", "numpy", "cupy"]), default="auto")
@click.option("--run", "run_file", default="default", metavar="NAME|FILE", help="How it is run.")
@click.option("--limit", type=click.IntRange(1), help="Only the first N studies.")
@click.option("--sample", type=click.IntRange(1), help="Only N studies, drawn at random.")
@click.option("--seed", type=int, default=0, help="Seed of the sample.")
@click.option("--shard", metavar="I/N", help="Only the I-th of N parts, for job arrays.")
@click.option("--only", multiple=True, metavar="STUDY", help="Only this study; may be repeated.")
@click.option("--retry", metavar="WHAT", help="Take up again: failed, changed, or a reason.")
@click.option("--all-scans", is_flag=True, help="Every eligible scan, not the best of each class.")
@click.option("--voxels", type=float, metavar="HU", help="Keep voxels from HU up, for rescore.")
@click.option("--max-failed", type=click.FloatRange(0, 1), help="Greatest share of failed studies.")
@click.option("--quiet", is_flag=True, help="No progress, only the end.")
def command(
    inputs: tuple[str, ...],
    out: str,
    protocol: str,
    masks: str,
    network: str,
    network_device: Literal["cpu", "cuda"],
    covariates: str | None,
    workers: int,
    scheduler: str | None,
    backend: Literal["auto", "numpy", "cupy"],
    run_file: str,
    limit: int | None,
    sample: int | None,
    seed: int,
    shard: str | None,
    only: tuple[str, ...],
    retry: str | None,
    all_scans: bool,
    voxels: float | None,
    max_failed: float | None,
    quiet: bool,
) -> None:
    """Score an archive; the same command continues a run.

    INPUT is a folder, a file, an archive (ZIP, tar) or a manifest (CSV, Parquet), as a path or
    a URL, or a folder that `calcarium index` made. Every study and every scan ends as one row:
    scored, excluded with a reason, or failed.

    \b
    calcarium score /archive --out results
    calcarium score /archive --out results --masks masks/ --protocol gated
    calcarium score list.csv --out results --shard 3/100

    Exit status: 0 finished; 1 could not be done or finished; 2 wrong usage; 3 finished, but
    nothing was scored or more failed than --max-failed.
    """  # noqa: D301 (click wants the backspace)
    from calcarium.batch.options import load_options
    from calcarium.batch.plan import Choice, parse_shard
    from calcarium.batch.score import Request, score_archive
    from calcarium.config import load_protocol
    from calcarium.intake.index_query import why_no_study
    from calcarium.tables.folder import ResultFolder
    from calcarium.tables.summary import lines_of, summarise

    options = load_options(run_file)
    changes = {"workers": workers or None, "max_failed": max_failed, "voxels_base_hu": voxels}
    options = options.changed({k: v for k, v in changes.items() if v is not None})
    choice = Choice(parse_shard(shard) if shard else None, sample, seed, limit, frozenset(only))
    score_archive(
        Request(
            inputs=inputs,
            out=out,
            protocols=load_protocol(protocol),
            masks=masks,
            network=network,
            network_device=network_device,
            covariates=covariates or "",
            backend=backend,
            scheduler=scheduler,
            options=options,
            choice=choice,
            retry=retry,
            all_scans=all_scans,
            quiet=quiet,
            command=shlex.join(sys.argv),
        )
    )
    folder = ResultFolder.at(out)
    summary = summarise(folder)
    click.echo("\n".join(lines_of(summary)))
    if not summary.outcomes:
        click.echo(why_no_study(folder.index) or "none of its studies was asked for")
    if choice.is_by_id and shard is None:  # else a study may be there and in another part
        _refuse_unknown(folder, only)
    # A part of an archive may well hold nothing to score.
    nothing = not summary.outcomes["scored"] and shard is None
    if nothing or summary.share_failed > options.max_failed:
        click.echo(f"look at: calcarium show {shlex.quote(out)}")
        sys.exit(NOTHING_SCORED)
    click.echo(f"next: calcarium cohort describe {shlex.quote(out)}")


def _refuse_unknown(folder: ResultFolder, only: tuple[str, ...]) -> None:
    """Name the studies that were asked for and are in no file; the others are done."""
    from calcarium.errors import UsageError
    from calcarium.tables.summary import tell

    unknown = [id_ for id_ in only if id_ not in {study.study_id for study in tell(folder, id_)}]
    if unknown:
        raise UsageError(
            f"--only {' '.join(unknown)}: no such study; give ids as the studies table has them"
        )

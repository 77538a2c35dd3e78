"""``calcarium demo``: the main job on a synthetic registry with known truth."""

from __future__ import annotations

import shlex
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

if TYPE_CHECKING:
    from calcarium.phantom.demo import DemoStudy

PROTOCOL = """\
extends = "auto"
name = "demo"
description = "auto, for masks that a reader drew on every study: an empty one means no calcium"

[region]
empty_mask = "zero"
"""


class _Found(NamedTuple):
    """What the result tables say of one study."""

    outcome: str
    reason: str
    agatston: float | None


@click.command("demo", context_settings={"show_default": True})
@click.option(
    "--out",
    default="calcarium-demo",
    type=click.Path(file_okay=False, path_type=Path),
    help="New folder: registry/ and results/.",
)
@click.option("--workers", default=2, help="Processes.")
def command(out: Path, workers: int) -> None:
    """Make a small synthetic registry with faults in it, and score it.

    Eight studies, three of which must not be scored. Their truth is known, and stands beside
    what was found. Masks say where calcium counts.
    """
    from calcarium.phantom.demo import write_demo

    started = time.monotonic()
    registry, results = out / "registry", out / "results"
    click.echo(f"writing 8 synthetic studies to {registry}")
    studies = write_demo(registry, workers)
    protocol = registry / "demo.toml"
    protocol.write_text(PROTOCOL, encoding="utf-8")
    _score(registry, results, protocol, workers)
    _print_table(studies, _found(results))
    click.echo(f"{time.monotonic() - started:.0f} s; the same by hand:")
    words = ["score", f"{registry}/dicom", "--masks", f"{registry}/masks"]
    words += ["--protocol", str(protocol), "--out", str(results)]
    click.echo(f"  calcarium {shlex.join(words)}")
    click.echo(f"next: calcarium show {shlex.quote(str(results))}")


def _score(registry: Path, results: Path, protocol: Path, workers: int) -> None:
    from calcarium.batch.options import RunOptions
    from calcarium.batch.score import Request, score_archive
    from calcarium.config import load_protocol

    score_archive(
        Request(
            inputs=(str(registry / "dicom"),),
            out=str(results),
            protocols=load_protocol(str(protocol)),
            masks=str(registry / "masks"),
            options=RunOptions(workers=workers),
            quiet=True,
            command="calcarium demo",
        )
    )


def _found(results: Path) -> dict[str, _Found]:
    """Outcome by StudyInstanceUID; a scan's own reason where the study has none."""
    from calcarium.tables.read import connect, open_results

    query = "SELECT study_id, outcome, coalesce(reason, ''), agatston FROM studies"
    with connect(open_results(str(results))) as database:
        return {row[0]: _Found(*row[1:]) for row in database.execute(query).fetchall()}


def _print_table(studies: Sequence[DemoStudy], found: Mapping[str, _Found]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("study", "what it is", "true Agatston", "found", "outcome", box=None)
    for study in studies:
        result = found.get(study.truth.uids.study, _Found("missing", "", None))
        table.add_row(
            study.truth.folder.rpartition("/")[2],
            study.note,
            f"{study.truth.ideal['total'].agatston:.2f}" if study.scorable else "not scorable",
            "" if result.agatston is None else f"{result.agatston:.2f}",
            f"{result.outcome} {result.reason}".strip(),
        )
    Console().print(table)

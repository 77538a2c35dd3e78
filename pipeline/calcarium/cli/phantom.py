"""``calcarium phantom``: synthetic studies with their truth."""

from __future__ import annotations

import shlex
from pathlib import Path

import click


@click.command("phantom")
@click.option(
    "--out",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="New folder: dicom/, masks/, truth/.",
)
@click.option("--studies", default=10, show_default=True, help="How many studies.")
@click.option("--seed", default=1, show_default=True, help="Same seed, same files.")
@click.option(
    "--kind",
    type=click.Choice(["thorax", "geometric", "qrm"]),
    default="thorax",
    show_default=True,
    help="An analytic thorax, boxes with scores by hand, or the QRM cardiac insert.",
)
@click.option(
    "--gated-share", default=0.5, show_default=True, help="Share of gated heart scans (thorax)."
)
@click.option(
    "--syntax", default="explicit", show_default=True, help="Transfer syntax, e.g. jpeg-ls."
)
@click.option(
    "--matrix",
    type=click.IntRange(64, 2048),
    default=512,
    show_default=True,
    help="Rows and columns (not geometric).",
)
@click.option(
    "--distractors/--no-distractors",
    default=True,
    help="Calcium outside the coronary arteries (thorax).",
)
@click.option(
    "--contrast",
    type=click.Choice(["none", "only", "pairs"]),
    default="none",
    show_default=True,
    help="Gated scans with a contrast agent, alone or beside the plain scan of the same person.",
)
@click.option(
    "--plaques",
    type=click.Choice(["natural", "apart"]),
    default="natural",
    show_default=True,
    help="Plaques as patients have them, or nine that lie apart, to be measured one by one.",
)
@click.option("--workers", type=click.IntRange(1), default=2, show_default=True, help="Processes.")
def command(
    out: Path,
    studies: int,
    seed: int,
    kind: str,
    gated_share: float,
    syntax: str,
    matrix: int,
    distractors: bool,
    contrast: str,
    plaques: str,
    workers: int,
) -> None:
    """Write synthetic studies that carry their truth.

    \b
    OUT/dicom/     the archive to score
    OUT/masks/     coronary calcium by SeriesInstanceUID (1 LM, 2 LAD, 3 LCX, 4 RCA)
    OUT/truth/     studies.csv, plaques.csv, distractors.csv; labels/, heart/, aorta/
    """  # noqa: D301 (\b keeps the lines apart)
    from typing import cast

    from calcarium.phantom.plaques import PlaqueStyle
    from calcarium.phantom.registry import ContrastScans, order_studies, write_registry
    from calcarium.phantom.study import Kind, StudyTruth

    orders = order_studies(
        studies,
        seed,
        kind=cast(Kind, kind),
        gated_share=gated_share,
        syntax=syntax,
        matrix=matrix,
        distractors=distractors,
        contrast=cast(ContrastScans, contrast),
        plaques=cast(PlaqueStyle, plaques),
    )

    def say(truth: StudyTruth) -> None:
        bolus = truth.order.bolus
        score = "" if bolus else f"Agatston {truth.ideal['total'].agatston:.1f}"
        blood = f"blood {bolus.left_hu:.0f} HU" if bolus else ""
        click.echo(f"{truth.folder}  {len(truth.plaques)} plaques  {score or blood}")

    write_registry(out, orders, workers=workers, on_study=say)
    place, masks = (shlex.quote(str(out / name)) for name in ("dicom", "masks"))
    how = f"--masks {masks}" if contrast == "none" else "--protocol cta"
    click.echo(f"score it: calcarium score {place} {how} --out RESULTS")

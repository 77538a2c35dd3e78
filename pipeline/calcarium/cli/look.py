"""``calcarium look``: one picture per scan."""

from __future__ import annotations

from typing import Literal

import click

from calcarium.cli.region_options import region_options


@click.command("look")
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@click.option(
    "--out", required=True, metavar="FOLDER", help="Folder for the pictures; made private (0700)."
)
@click.option(
    "--protocol", default="auto", show_default=True, metavar="NAME|FILE", help="How it is scored."
)
@region_options
@click.option("--limit", type=click.IntRange(1), help="So many studies at most.")
def command(
    inputs: tuple[str, ...],
    out: str,
    protocol: str,
    masks: str,
    network: str,
    network_device: Literal["cpu", "cuda"],
    limit: int | None,
) -> None:
    """One picture per scan: what counted (by artery), what was rejected and why.

    INPUT is what was given to score, or a result folder of score. Pictures show anatomy: keep
    them as private as the scans.
    """
    from itertools import islice
    from pathlib import Path

    from calcarium.report.gallery import looks
    from calcarium.report.look import Look

    folder = Path(out)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = islice(looks(inputs, protocol, masks, network, network_device), limit)
    study_looks: list[Look] = []
    for study_looks in found:
        for look in study_looks:
            place = ""
            if look.picture is not None:
                place = str(folder / f"{look.scan_id.replace('/', '_')}.png")
                look.picture.save(place)
            click.echo(f"{look.scan_id}  {look.summary}  {place}")
    if not study_looks:
        click.echo("no scan was found there; `calcarium plan` says what the files are")

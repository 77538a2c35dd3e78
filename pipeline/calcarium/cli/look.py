"""``calcarium look``: one picture per scan."""

from __future__ import annotations

import click


@click.command("look")
@click.argument("inputs", nargs=-1, required=True)
@click.option("--out", required=True, help="Folder for the pictures; made private (0700).")
@click.option("--protocol", default="auto", show_default=True, help="Name or TOML file.")
@click.option("--masks", default="", help="Masks, as for score.")
@click.option("--limit", type=int, default=None, help="So many studies at most.")
def command(
    inputs: tuple[str, ...], out: str, protocol: str, masks: str, limit: int | None
) -> None:
    """One picture per scan: what counted (by artery), what was rejected and why.

    INPUTS are what was given to score, or result folders of score. Pictures show anatomy: keep
    them as private as the scans.
    """
    from itertools import islice
    from pathlib import Path

    from calcarium.report.gallery import looks

    folder = Path(out)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = looks(inputs, protocol, masks)
    for study_looks in islice(found, limit):
        for look in study_looks:
            place = ""
            if look.picture is not None:
                place = str(folder / f"{look.scan_id.replace('/', '_')}.png")
                look.picture.save(place)
            click.echo(f"{look.scan_id}  {look.summary}  {place}")

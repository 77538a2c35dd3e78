"""``calcarium rescore``: other conventions, the same voxels."""

from __future__ import annotations

import shlex

import click


@click.command("rescore")
@click.argument("results", metavar="RESULTS")
@click.option(
    "--out", required=True, metavar="RESULTS", help="Result folder to make or go on with."
)
@click.option("--protocol", required=True, metavar="NAME|FILE", help="What is scored, and how.")
def command(results: str, out: str, protocol: str) -> None:
    """Score a result folder again from its voxels, which score keeps with --voxels HU.

    The protocol may differ in its conventions, in what a score means, and in how the detector
    judges what it measured (its evidence, standing and artery); whatever decided which voxels
    were kept must be the same.
    """
    from calcarium.batch.rescore import rescore_folder
    from calcarium.config import load_protocol
    from calcarium.tables.folder import ResultFolder
    from calcarium.tables.summary import lines_of, summarise

    rescore_folder(results, out, load_protocol(protocol))
    click.echo("\n".join(lines_of(summarise(ResultFolder.at(out)))))
    click.echo(f"next: calcarium diff {shlex.quote(results)} {shlex.quote(out)}")

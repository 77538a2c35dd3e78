"""``calcarium verify``: whether a result folder adds up."""

from __future__ import annotations

import sys

import click


@click.command("verify")
@click.argument("results")
def command(results: str) -> None:
    """Check that a result folder adds up.

    Every study and scan has exactly one outcome, every scored scan every convention of its
    protocol, vessels and lesions add up to the score, no file is torn, and no shareable file
    says a name, an id, a date or a path. Exit status 1 if anything does not hold.
    """
    from calcarium.tables.read import open_results
    from calcarium.tables.summary import lines_of, summarise
    from calcarium.tables.verify import verify

    folder = open_results(results)
    findings = verify(folder)
    for finding in findings:
        click.echo(str(finding), err=True)
    if findings:
        sys.exit(1)
    click.echo("\n".join(lines_of(summarise(folder))))
    click.echo(f"{results} adds up, and says nothing that is private")

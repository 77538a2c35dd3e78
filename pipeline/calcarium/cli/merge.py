"""``calcarium merge``: the result folders of a job array, joined to one."""

from __future__ import annotations

import shlex

import click


@click.command("merge")
@click.argument("results", nargs=-1, required=True, metavar="RESULTS...")
@click.option("--out", required=True, metavar="RESULTS", help="Result folder to make or add to.")
def command(results: tuple[str, ...], out: str) -> None:
    """Join result folders of one protocol, as `score --shard` leaves them.

    A study that is there already is passed over. Patient keys are made anew, so that a patient
    has one key in all of them.
    """
    from calcarium.errors import CalciumError
    from calcarium.tables.folder import ResultFolder
    from calcarium.tables.lock import writer_lock
    from calcarium.tables.merge import merge
    from calcarium.tables.read import open_results
    from calcarium.tables.summary import lines_of, summarise
    from calcarium.tables.verify import verify

    folder = ResultFolder.at(out)
    with folder.created(), writer_lock(folder):
        passed_over = merge([open_results(source) for source in results], folder)
    if passed_over:
        click.echo(f"{passed_over:,} studies were there already")
    findings = verify(folder)
    if findings:
        raise CalciumError("the result does not add up:\n" + "\n".join(map(str, findings)))
    click.echo("\n".join(lines_of(summarise(folder))))
    click.echo(f"next: calcarium cohort describe {shlex.quote(out)}")

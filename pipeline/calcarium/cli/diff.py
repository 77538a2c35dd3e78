"""``calcarium diff``: what changed between two runs, and why."""

from __future__ import annotations

import click


@click.command("diff")
@click.argument("a", metavar="A")
@click.argument("b", metavar="B")
@click.option("--limit", default=20, show_default=True, help="Most studies to list; 0 for all.")
def command(a: str, b: str, limit: int) -> None:
    """What changed between two result folders, study by study, and why.

    Times, hosts, backends and the like are left out: two runs of one protocol on one archive
    do not differ, wherever they ran.
    """
    from calcarium.tables.diff import diff
    from calcarium.tables.read import open_results

    found = diff(open_results(a), open_results(b))
    for line in found.made_by:
        click.echo(line)
    shown = found.studies[: limit or None]
    for study in shown:
        cells = ", ".join(f"{name}: {x!s} -> {y!s}" for name, (x, y) in study.cells.items())
        tables = ", ".join(sorted({*study.columns, *study.rows} - {"studies"}))
        click.echo(f"{study.study_id}: {study.why or 'other rules or software'}")
        for line in (cells, f"also in {tables}" if tables and not study.only_in else ""):
            if line:
                click.echo(f"    {line}")
    if len(found.studies) > len(shown):
        click.echo(f"... and {len(found.studies) - len(shown):,} more; --limit 0 lists all")
    click.echo(f"{len(found.studies):,} studies differ")

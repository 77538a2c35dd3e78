"""``calcarium doctor``: what this machine has, and what is missing."""

from __future__ import annotations

import click


@click.command("doctor")
def command() -> None:
    """Versions, codecs, devices and memory; what is missing and how to get it."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from calcarium.doctor import examine

    table = Table("", "what", "state", "detail", box=None)
    findings = examine()
    before = ""
    for finding in findings:
        colour = {"ok": "green", "missing": "yellow", "note": "cyan"}[finding.state]
        area = finding.area if finding.area != before else ""
        table.add_row(area, finding.name, f"[{colour}]{finding.state}[/]", escape(finding.detail))
        before = finding.area
    Console().print(table)
    missing = sum(finding.state == "missing" for finding in findings)
    click.echo(f"{missing} missing; a run needs the packages, and the codecs of its archive")

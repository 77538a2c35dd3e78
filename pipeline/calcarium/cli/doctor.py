"""``calcarium doctor``: what this machine has and lacks, and whether its kernels are right."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Literal

import click

Backend = Literal["auto", "numpy", "cupy"]


@click.command("doctor", context_settings={"show_default": True})
@click.option("--self-check", is_flag=True, help="Prove the kernels on this machine and time them.")
@click.option("--backend", type=click.Choice(["auto", "numpy", "cupy"]), default="auto")
@click.option(
    "--scan", metavar="FOLDER", help="Prove and time on the first scan of these DICOM files too."
)
@click.option("--out", type=click.Path(path_type=Path), help="Write the result as JSON.")
def command(self_check: bool, backend: Backend, scan: str | None, out: Path | None) -> None:
    """Versions, codecs, devices and memory; what is missing and how to get it.

    With --self-check: every kernel against numpy and against an independent labelling, and its
    bandwidth. Exit status 1 if anything differs. --backend, --scan and --out belong to it.
    """
    if self_check:
        _self_check(backend, scan, out)
    elif backend != "auto" or scan or out:
        raise click.UsageError("--backend, --scan and --out go with --self-check")
    else:
        _examine()


def _examine() -> None:
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


def _self_check(backend: Backend, scan: str | None, out: Path | None) -> None:
    from calcarium.doctor import check_kernels, write_check
    from calcarium_kernels.selfcheck import summary

    check = check_kernels(backend, scan)
    click.echo(summary(check))
    if out is not None:
        write_check(check, out)
        click.echo(f"written: {out}")
    if not check.passed:
        sys.exit(1)

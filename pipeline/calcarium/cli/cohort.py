"""``calcarium cohort``: findings about a cohort from the tables of a run."""

from __future__ import annotations

import click

convention_option = click.option(
    "--convention", help="Named convention; the protocol's primary one if not given."
)


@click.group("cohort")
def command() -> None:
    """Describe a cohort, compare its scores with others, follow patients over time."""


@command.command("progress")
@click.argument("results")
@click.option("--out", help="Table of all pairs, .csv or .parquet.")
@click.option("--since-first", is_flag=True, help="Pair each scan with the patient's first.")
@convention_option
def progress(results: str, out: str | None, since_first: bool, convention: str | None) -> None:
    """Change of the score between scans of one patient.

    Reports change, never the effect of a treatment. Pairs whose scanner, kernel, increment,
    tube voltage or definition differ are listed and marked, and left out of the summary.
    """
    from calcarium.cohort.output import write_findings
    from calcarium.cohort.progress import Change, changes, summarise
    from calcarium.cohort.scans import scored_scans

    scans = scored_scans(results, convention)
    found = changes(scans, since_first=since_first)
    undated = sum(scan.taken is None or scan.patient_key is None for scan in scans)
    summary = summarise(found)
    click.echo(f"{len(scans)} scored scans; {undated} without patient or date are left out")
    click.echo(f"{summary.n_pairs} pairs of {summary.n_patients} patients")
    click.echo(f"{summary.n_comparable} pairs are comparable")
    for why, count in sorted(summary.not_comparable.items()):
        click.echo(f"  not comparable for {why}: {count}")
    click.echo(f"incident calcium: {summary.n_incident} of {summary.n_zero_before} at zero before")
    for rule, met in summary.n_met.items():
        click.echo(f"{rule}: {met} of {summary.n_judged[rule]}")
    if summary.median_change_per_year is not None:
        click.echo(f"median change per year: {summary.median_change_per_year:.1f}")
    if out:
        write_findings(out, found, Change)
    click.echo(f"all pairs: {out}" if out else "give --out FILE for the table of all pairs")

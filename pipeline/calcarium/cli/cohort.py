"""``calcarium cohort``: findings about a cohort from the tables of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from calcarium.tables.interpretation_columns import CATEGORY_SCHEMES

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from rich.table import Table

    from calcarium.cohort.accuracy import Accuracy
    from calcarium.cohort.agree import Finding
    from calcarium.cohort.describe import CategoryCount, Stratum

convention_option = click.option(
    "--convention", help="Named convention; the protocol's primary one if not given."
)

scheme_option = click.option(
    "--scheme",
    type=click.Choice(CATEGORY_SCHEMES),
    default="cac_drs",
    show_default=True,
    help="Categories to print.",
)


@click.group("cohort")
def command() -> None:
    """Describe a cohort, compare its scores with others, follow patients over time."""


@command.command("describe")
@click.argument("results")
@click.option("--out", help="Table of the strata, .csv or .parquet.")
@click.option("--categories-out", help="Table of all categories, .csv or .parquet.")
@click.option("--min-cell", default=0, help="Least studies of a stratum with statistics.")
@scheme_option
def describe(
    results: str, out: str | None, categories_out: str | None, min_cell: int, scheme: str
) -> None:
    """How many studies have calcium, and how much, by sex and decade of age."""
    from rich.console import Console

    from calcarium.cohort.describe import CategoryCount, Stratum
    from calcarium.cohort.describe import describe as describe_cohort
    from calcarium.cohort.output import write_findings

    found = describe_cohort(results, min_cell=min_cell)
    for (outcome, reason), n in found.outcomes.items():
        click.echo(f"{n} studies {outcome}{f': {reason}' if reason else ''}")
    console = Console()
    console.print(_strata(found.strata))
    console.print(_categories([count for count in found.categories if count.scheme == scheme]))
    if out:
        write_findings(out, found.strata, Stratum)
    if categories_out:
        write_findings(categories_out, found.categories, CategoryCount)
    click.echo(f"strata: {out}" if out else "give --out FILE for the table of strata")


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


@command.command("agree")
@click.argument("results")
@click.option("--with", "reference", required=True, help="Table of scores, or a result folder.")
@click.option("--column", default="agatston", show_default=True, help="The table's total score.")
@scheme_option
@click.option("--out", help="Table of all statistics, .csv or .parquet.")
@convention_option
def agree(
    results: str, reference: str, column: str, scheme: str, out: str | None, convention: str | None
) -> None:
    """Agreement with scores that somebody else gave for the same scans.

    The table has one of scan_id, series_instance_uid, study_id, accession_number, patient_id,
    the total, and agatston_LM, agatston_LAD ... where arteries were scored apart.
    """
    from rich.console import Console

    from calcarium.cohort.agree import Finding, agreement, category_table
    from calcarium.cohort.output import write_findings
    from calcarium.cohort.score_pairs import score_pairs
    from calcarium.scoring.categories import schemes

    pairs = score_pairs(results, reference, column=column, convention=convention)
    found = agreement(pairs)
    console = Console()
    console.print(
        f"{pairs.n_pairs} scans in both ({pairs.n_own} scored, {pairs.n_reference} in the reference"
        f", {pairs.n_ambiguous} ambiguous keys left out)"
    )
    chosen = schemes()[scheme]
    console.print(
        _counts(f"{scheme}: reference in rows", chosen.labels, category_table(pairs, chosen))
    )
    console.print(_statistics([f for f in found if f.scheme in ("", scheme)]))
    if out:
        write_findings(out, found, Finding)
    click.echo(f"all statistics: {out}" if out else "give --out FILE for all statistics")


@command.command("accuracy")
@click.argument("results")
@click.option("--disease", "table", required=True, help="Table of who has the disease.")
@click.option("--column", required=True, help="Its column, yes or no.")
@click.option(
    "--threshold",
    "thresholds",
    multiple=True,
    type=float,
    default=[1, 100, 300, 400],
    show_default=True,
    help="Least score that is positive; may be repeated.",
)
@click.option("--min-cell", default=0, help="Least studies of a stratum with shares.")
@click.option("--out", help="Table of all strata, .csv or .parquet.")
@convention_option
def accuracy(
    results: str,
    table: str,
    column: str,
    thresholds: tuple[float, ...],
    min_cell: int,
    out: str | None,
    convention: str | None,
) -> None:
    """How well the score tells who has a disease, by threshold and decade of age.

    The table has one of scan_id, series_instance_uid, study_id, accession_number, patient_id.
    """
    from rich.console import Console

    from calcarium.cohort.accuracy import Accuracy, accuracies, read_cases
    from calcarium.cohort.output import write_findings

    cases = read_cases(results, table, column, convention=convention)
    found = accuracies(cases, thresholds, min_cell=min_cell)
    click.echo(f"{len(cases)} studies, {sum(case.diseased for case in cases)} with the disease")
    Console().print(_accuracies(found))
    if out:
        write_findings(out, found, Accuracy)
    click.echo(f"all strata: {out}" if out else "give --out FILE for the intervals")


@command.command("calibrate-cta")
@click.argument("results", nargs=-1, required=True)
@click.option("--out", required=True, help="Protocol to write, .toml.")
def calibrate_cta(results: tuple[str, ...], out: str) -> None:
    """Fit Agatston scores on calcium volumes from contrast CT of the same patients.

    Gives a protocol that converts. What it converts is marked as derived (cta-derived).
    """
    from pathlib import Path

    from calcarium.cohort.calibrate import calibrate, contrast_pairs, protocol_fragment, summary
    from calcarium.errors import UsageError

    pairs = contrast_pairs(results)
    found = calibrate(pairs)
    for line in summary(found):
        click.echo(line)
    if pairs.n_ambiguous:
        click.echo(f"{pairs.n_ambiguous} patients with several scans of a kind are left out")
    try:
        Path(out).write_text(protocol_fragment(found), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{out}: cannot be written: {error}") from error
    click.echo(f"protocol: {out}; calcarium score ARCHIVE --protocol {out} --out RESULTS")


def _counts(title: str, labels: tuple[str, ...], counts: NDArray[np.int64]) -> Table:
    from rich.table import Table

    table = Table("", *labels, title=title, box=None)
    for label, row in zip(labels, counts, strict=True):
        table.add_row(label, *map(str, row))
    return table


def _statistics(found: list[Finding]) -> Table:
    from rich.table import Table

    table = Table("of", "statistic", "value", "95 % interval", "n", box=None)
    for finding in found:
        interval = "" if finding.low is None else f"{finding.low:.4g} to {finding.high:.4g}"
        table.add_row(
            finding.vessel, finding.measure, f"{finding.value:.4g}", interval, str(finding.n)
        )
    return table


def _strata(strata: list[Stratum]) -> Table:
    from rich.table import Table

    shown = ("zero_percent", "mean", "p50", "p75", "p90")
    table = Table("class", "sex", "age", "n", "zero %", "mean", "median", "75 %", "90 %", box=None)
    for s in strata:
        values = [getattr(s, name) for name in shown]
        cells = ["" if value is None else f"{value:.1f}" for value in values]
        table.add_row(s.score_type, s.sex, s.age_decade, str(s.n), *cells)
    return table


def _categories(counts: list[CategoryCount]) -> Table:
    from rich.table import Table

    table = Table("class", "category", "n", "%", title=counts[0].scheme if counts else "", box=None)
    for count in counts:
        table.add_row(count.score_type, count.label, str(count.n), f"{count.percent:.1f}")
    return table


def _accuracies(found: list[Accuracy]) -> Table:
    from rich.table import Table

    table = Table(
        "age", ">=", "TP", "FP", "FN", "TN", "sensitivity", "specificity", "PPV", "NPV", box=None
    )
    for a in found:
        counts = (a.true_positive, a.false_positive, a.false_negative, a.true_negative)
        shares = (a.sensitivity, a.specificity, a.ppv, a.npv)
        cells = ["" if share is None else f"{share:.3f}" for share in shares]
        table.add_row(a.age_decade, f"{a.threshold:g}", *map(str, counts), *cells)
    return table

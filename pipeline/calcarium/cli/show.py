"""``calcarium show``: the state of a run, and why a study is missing."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import click


@click.command("show")
@click.argument("results")
@click.argument("some_id", required=False, metavar="[ID]")
def command(results: str, some_id: str | None) -> None:
    """State of a run, or why a study is missing.

    ID is a StudyInstanceUID, a SeriesInstanceUID, a PatientID or an accession number. What is
    told about it is private: it names files.
    """
    if some_id is None:
        _show_state(results)
    else:
        _show_studies(results, some_id)


def _show_state(results: str) -> None:
    from calcarium.tables.read import open_results
    from calcarium.tables.summary import lines_of, summarise

    summary = summarise(open_results(results))
    for run in summary.runs:
        counts = ", ".join(f"{count:,} {name}" for name, count in run.counts.items() if count)
        click.echo(
            f"run {run.run_id}  {run.started_at}  {run.ending}  protocol {run.protocol} "
            f"({run.protocol_hash})  calcarium {run.calcarium_version}  {run.backend}  {counts}"
        )
    click.echo("\n".join(lines_of(summary)))
    click.echo(f"next: calcarium show {shlex.quote(results)} ID says what became of a study")


def _show_studies(results: str, some_id: str) -> None:
    from calcarium.errors import REASONS
    from calcarium.tables.read import open_results
    from calcarium.tables.summary import tell

    folder = open_results(results)
    stories = tell(folder, some_id)
    for study in stories:
        score = "" if study.agatston is None else f"  {study.agatston:.1f} ({study.convention})"
        click.echo(f"study {study.study_id}: {study.outcome}{score}  {study.message}".rstrip())
        for scan in study.scans:
            reason = REASONS.get(scan.cause)
            meaning = f"{reason.meaning} {reason.what_to_do}" if reason else ""
            click.echo(f"  scan {scan.scan_id}: {scan.outcome} {scan.cause}".rstrip())
            for line in (meaning, scan.message, scan.place):
                if line:
                    click.echo(f"    {line}")
    if not stories:
        click.echo(_not_there(_waiting(folder.index, some_id), some_id))
        sys.exit(1)


def _waiting(index: Path, some_id: str) -> list[str]:
    """Studies of an id that the index knows."""
    from calcarium.intake.index_store import connect

    if not index.is_dir():
        return []
    with connect(index) as database:
        found = database.execute(
            "SELECT DISTINCT study_key FROM files LEFT JOIN acquisitions USING (acquisition) "
            "WHERE kind = 'dicom' AND $1 IN (study_key, series_key, patient_id, accession_number)",
            [some_id],
        ).fetchall()
    return [study for (study,) in found]


def _not_there(waiting: list[str], some_id: str) -> str:
    if waiting:
        return (
            f"{some_id}: study {', '.join(waiting)} was found but is not done: the run stopped "
            "before it, or --limit, --sample or --shard left it out. Give the command again"
        )
    return (
        f"{some_id}: no file that was read has this id. Is its folder among the inputs? "
        "private/messages names the files that could not be read (unreadable_header)"
    )

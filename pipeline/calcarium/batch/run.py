"""One run on a result folder, from its first record to its last."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from distributed import Client

from calcarium.batch.commits import Commits
from calcarium.batch.interrupt import stop_on_signals
from calcarium.batch.options import RunOptions
from calcarium.batch.plan import Choice, chosen
from calcarium.batch.progress import Reporter, Tally
from calcarium.batch.submit import Job, score_studies
from calcarium.errors import REASONS, CalciumError, ResourceError, UsageError
from calcarium.intake.records import Study
from calcarium.tables.commit import drop_studies, join_small_parts, sweep
from calcarium.tables.folder import ResultFolder
from calcarium.tables.parts import refuse_faulty_parts
from calcarium.tables.read import committed_study_ids, connect
from calcarium.tables.rows import StudyRows
from calcarium.tables.runs import Run, describe_folder, record_run, refuse_other
from calcarium.tables.stamp import stamp

CHANGED = "changed"


class Stopped(CalciumError):
    """A run ended before its end because it was asked to."""


@dataclass(frozen=True)
class Order:
    """What a run is about.

    Attributes
    ----------
    studies : starts a pass over all studies of the index
    without_study : rows of what was asked for or found, and has no study
    outdated : committed studies whose rows the index speaks against
    total : how many the index holds, if that is known
    protocol_json : the resolved protocol
    retry : take up again studies that failed (``failed``), were excluded for this reason, or
        have other files than when they were scored (``changed``)
    changed : the last of these
    """

    run: Run
    job: Job
    studies: Callable[[], Iterable[Study]]
    protocol_json: str
    without_study: Callable[[], Iterable[StudyRows]] = tuple
    outdated: Callable[[], Collection[str]] = tuple
    total: int | None = None
    choice: Choice = field(default_factory=Choice)
    options: RunOptions = field(default_factory=RunOptions)
    retry: str | None = None
    changed: Callable[[], Collection[str]] = tuple


def run(order: Order, folder: ResultFolder, client: Client, reporter: Reporter) -> Run:
    """Score what is not done yet; the caller holds the lock of the folder.

    Returns
    -------
    the record of the run, with its counts, as in ``run.json``

    Raises
    ------
    UsageError
        if the folder holds results of another protocol, inputs or version, or is damaged.
    ResourceError
        if the run cannot go on; what came back is committed.
    Stopped
        after Ctrl-C or SIGTERM; likewise.
    """
    refuse_other(folder, order.run)
    refuse_faulty_parts(folder)
    describe_folder(folder, order.protocol_json)
    record_run(folder, order.run)
    sweep(folder)
    drop_studies(folder, order.outdated())
    if order.retry is not None:
        drop_studies(folder, _to_retry(folder, order.retry, order.changed))
    census = Census(committed_study_ids(folder))
    tally = Tally(total=order.total if order.choice.is_all else None)
    studies = census.not_done(chosen(order.studies, order.choice), tally)
    commits = Commits(folder, order.options)
    if order.choice.is_by_id:
        census.add_without_study(order, commits, tally)
    try:
        with stop_on_signals() as stop:
            score_studies(studies, order.job, order.options, client, commits, tally, reporter, stop)
    except CalciumError:
        with suppress(ResourceError):
            record_run(folder, _ended(order.run, census, tally, "stopped"))
        raise
    join_small_parts(folder)
    sweep(folder)
    ended = _ended(order.run, census, tally, "stopped" if stop.is_asked else "finished")
    record_run(folder, ended)
    if stop.is_asked:
        raise Stopped(
            f"{stop.signal_name}: stopped after {tally.done:,} studies, all of them committed; "
            "the same command goes on from here"
        )
    return ended


@dataclass
class Census:
    """Counts the studies that a command is about, and passes on what is not done."""

    done_before: set[str]
    asked: int = 0
    continued: int = 0

    def not_done(self, studies: Iterable[Study], tally: Tally) -> Iterator[Study]:
        """The studies without committed rows."""
        for study in studies:
            self.asked += 1
            if study.study_id in self.done_before:
                self.continued += 1
                if tally.total is not None:
                    tally.total -= 1
            else:
                yield study

    def add_without_study(self, order: Order, commits: Commits, tally: Tally) -> None:
        """Commit rows for what was asked for or found, and has no study."""
        for rows in order.without_study():
            if not order.choice.is_within(rows.study_id):
                continue
            self.asked += 1
            if rows.study_id in self.done_before:
                self.continued += 1
            else:
                commits.add(stamp(rows, replace(order.job.made_by, finished_at=now())))
                tally.outcomes["excluded"] += 1


def _to_retry(
    folder: ResultFolder, what: str, changed: Callable[[], Collection[str]]
) -> Collection[str]:
    if what == CHANGED:
        return changed()
    if what != "failed" and what not in REASONS:
        raise UsageError(
            f"--retry {what}: give failed, changed, or a reason that `calcarium show` lists "
            f"({', '.join(REASONS)})"
        )
    with connect(folder) as database:
        rows = database.execute(
            "SELECT study_id FROM series WHERE outcome = $1 OR reason = $1 "
            "UNION SELECT study_id FROM studies WHERE outcome = $1 OR reason = $1",
            [what],
        ).fetchall()
    return {study_id for (study_id,) in rows}


def _ended(run: Run, census: Census, tally: Tally, ending: str) -> Run:
    counts = {"asked": census.asked, "continued": census.continued, "done": tally.done}
    return replace(
        run,
        finished_at=now(),
        ending="finished" if ending == "finished" else "stopped",
        counts=counts | {o: tally.outcomes[o] for o in ("scored", "excluded", "failed")},
    )


def now() -> str:
    """The time, UTC, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")

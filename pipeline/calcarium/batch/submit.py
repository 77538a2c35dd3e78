"""The loop: studies out to workers in a bounded window, rows back to the tables."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Set
from contextlib import suppress
from dataclasses import dataclass, field, replace

from distributed import Client
from distributed.scheduler import KilledWorker

from calcarium.batch.commits import Commits
from calcarium.batch.flight import Flight, Landed, ResultLost
from calcarium.batch.interrupt import Stop
from calcarium.batch.options import RunOptions
from calcarium.batch.progress import Reporter, Tally
from calcarium.batch.task import Ended, Scorer, ScorerPlugin
from calcarium.batch.todo import Todo
from calcarium.errors import CalciumError, ResourceError, UsageError
from calcarium.intake.records import Study
from calcarium.tables.rows import Failure, StudyRows
from calcarium.tables.stamp import Stamp, stamp

POLL_S = 0.2
RESTART_S = 60.0
STARTS = 3  # of a host's processes whose device is lost before they score: then it is the device


@dataclass(frozen=True)
class Job:
    """What a run does with a study. It travels to the workers, so it must pickle.

    Attributes
    ----------
    make_scorer : called once in each worker process; gives rows without stamped columns
    failed : the rows of a study that has no result, made where the tables are written
    made_by : what is stamped on every row, but for times, host and attempts
    """

    make_scorer: Callable[[], Scorer]
    failed: Callable[[Study, Failure], StudyRows]
    made_by: Stamp


@dataclass
class Batch:
    """A run that is going on: what is left, what is out, what came back."""

    job: Job
    options: RunOptions
    client: Client
    todo: Todo
    commits: Commits
    tally: Tally
    reporter: Reporter
    flight: Flight = field(init=False)
    gave_way_in_a_row: int = 0
    replaced: set[str] = field(default_factory=set)
    failed_starts: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.flight = Flight(self.client, self.job.made_by.run_id)

    def run(self, stop: Stop) -> None:
        """Score until nothing is left, or until asked to stop.

        Raises
        ------
        UsageError, ResourceError
            if the run cannot go on; what had come back is committed.
        """
        self.client.register_plugin(ScorerPlugin(self.job.make_scorer, self.job.made_by.run_id))
        watch = Workers(self.client, self.options, self.flight.left_out)
        try:
            while not stop.is_asked and (self.flight or not self.todo.is_empty):
                self._fill(watch.window())
                self._step()
            self._finish(stop)
        except (CalciumError, KeyboardInterrupt):
            with suppress(ResourceError):  # it may be the disk itself that is full
                self.commits.write()
            raise
        self.commits.write()

    def _fill(self, window: int) -> None:
        while len(self.flight) < window:
            bundle = self.todo.next(in_flight=len(self.flight))
            if bundle is None:
                return
            self.flight.submit(bundle)

    def _step(self) -> None:
        landed = self.flight.next(POLL_S)
        if landed is not None:
            self._land(landed)
        self.commits.write_if_due()
        self.reporter.show_tally(self.tally)

    def _finish(self, stop: Stop) -> None:
        """After a signal: take in what ends within the time of grace."""
        if not stop.is_asked or not self.flight:
            return
        grace_s = self.options.grace_s
        self.reporter.say(
            f"{stop.signal_name}: finishing what has begun, {grace_s:.0f} s at most; "
            "again to stop at once"
        )
        end = time.monotonic() + grace_s
        while self.flight and time.monotonic() < end:
            self._step()

    def _land(self, landed: Landed) -> None:
        if landed.error is None:
            for study, ended in zip(landed.bundle.studies, landed.ended, strict=True):
                self._end(study, ended, landed)
        elif self._went_with_replaced_worker(landed.error):
            self.flight.submit(landed.bundle)
        elif isinstance(landed.error, KilledWorker) or self._lost_with_worker(landed.error):
            self._worker_died(landed)
        elif isinstance(landed.error, ResultLost):
            raise ResourceError(f"{landed.error}; the same command goes on from here")
        else:
            raise ResourceError(f"a worker cannot run calcarium: {landed.error!r}")

    def _end(self, study: Study, ended: Ended, landed: Landed) -> None:
        if ended.misused and ended.failure is not None:
            raise UsageError(ended.failure.message)
        if ended.unfit:
            self._replace_or_leave_out(ended)
            self.todo.untouched(study, landed.bundle, ended.worker)
            return
        self.todo.learn(ended.study_s)
        self._count_if_gave_way(ended)
        if ended.lost_device:
            self._replace(ended.worker)
        attempts = landed.bundle.attempts + landed.bundle.deaths + 1
        if ended.rows is not None:
            self._keep(ended.rows, ended, attempts)
        elif ended.gave_way and self.todo.gave_way(study, landed.bundle, ended.worker):
            self.tally.retries += 1
        elif ended.failure is not None:
            self._keep(self.job.failed(study, ended.failure), ended, attempts)

    def _replace_or_leave_out(self, ended: Ended) -> None:
        """After a worker made no scorer: a lost device may serve the next process."""
        left_out, worker = self.flight.left_out, ended.worker
        if worker in left_out | self.replaced:
            return
        self.failed_starts[ended.host] += ended.lost_device
        if ended.lost_device and self.failed_starts[ended.host] < STARTS:
            self._replace(worker)
            return
        left_out.add(worker)
        why = ended.failure.message if ended.failure else ""
        self.reporter.say(f"worker {worker} on {ended.host} is left out: {why}")
        if left_out.issuperset(self.client.nthreads()):
            raise ResourceError(
                f"no worker is left that can score, the last was on {ended.host}: {why}. "
                "The same command goes on from here"
            )

    def _replace(self, worker: str) -> None:
        """Have a worker that lost its device replaced, once; its bundles go elsewhere."""
        if worker not in self.replaced:
            self.replaced.add(worker)
            self.client.restart_workers([worker], timeout=RESTART_S, raise_for_error=False)

    def _went_with_replaced_worker(self, error: BaseException) -> bool:
        """Whether a bundle was only waiting on, or its result lying on, a replaced worker."""
        if isinstance(error, KilledWorker):
            return error.last_worker.address in self.replaced
        return bool(self.replaced) and self._lost_with_worker(error)

    def _lost_with_worker(self, error: BaseException) -> bool:
        """Whether a worker died after the task and before its result was here."""
        return isinstance(error, ResultLost) and self.client.status == "running"

    def _count_if_gave_way(self, ended: Ended) -> None:
        self.gave_way_in_a_row = self.gave_way_in_a_row + 1 if ended.gave_way else 0
        if self.gave_way_in_a_row >= self.options.resource_errors_in_a_row and ended.failure:
            raise ResourceError(
                f"{self.gave_way_in_a_row} studies in a row could not be worked on, the last with "
                f"{ended.failure.error}: {ended.failure.message}. They are not written as failed: "
                "mend the cause and give the same command"
            )

    def _worker_died(self, landed: Landed) -> None:
        for study in landed.bundle.studies:
            self.tally.deaths += 1
            if not self.todo.died(study, landed.bundle):
                deaths = landed.bundle.deaths + 1
                failure = Failure(
                    "task",
                    "WorkerDied",
                    f"{deaths} worker processes died over this study, the last time alone. "
                    "Again, alone: add --only " + study.study_id,
                )
                self.reporter.say(f"{deaths} workers died over study {study.study_id}: failed")
                self._keep(self.job.failed(study, failure), None, deaths)

    def _keep(self, rows: StudyRows, ended: Ended | None, attempts: int) -> None:
        made_by = replace(self.job.made_by, attempts=attempts)
        if ended is not None:
            made_by = replace(
                made_by,
                host=ended.host,
                finished_at=ended.finished_at,
                study_s=ended.study_s,
            )
        self.commits.add(stamp(rows, made_by))
        self.tally.outcomes.update(str(row["outcome"]) for row in rows.tables["studies"])


class Workers:
    """How many bundles may be out, from how many workers there are that can score."""

    def __init__(self, client: Client, options: RunOptions, left_out: Set[str]) -> None:
        self._client = client
        self._options = options
        self._left_out = left_out
        self._asked = float("-inf")
        self._threads = 0
        self._seen = time.monotonic()

    def window(self) -> int:
        """Bundles that may be in flight.

        Raises
        ------
        ResourceError
            if no worker has been there for too long.
        """
        now = time.monotonic()
        if now - self._asked > 2.0:
            self._asked = now
            threads = self._client.nthreads()
            self._threads = sum(n for w, n in threads.items() if w not in self._left_out)
            self._seen = now if self._threads else self._seen
        if now - self._seen > self._options.no_worker_s:
            raise ResourceError(
                f"no worker for {self._options.no_worker_s:.0f} s; the same command goes on from "
                "here once there are workers again"
            )
        return max(1, self._threads) * self._options.bundles_per_worker


def score_studies(
    studies: Iterator[Study],
    job: Job,
    options: RunOptions,
    client: Client,
    commits: Commits,
    tally: Tally,
    reporter: Reporter,
    stop: Stop,
) -> None:
    """Score studies on the workers of a client and commit their rows as they come."""
    todo = Todo(studies, options)
    Batch(job, options, client, todo, commits, tally, reporter).run(stop)

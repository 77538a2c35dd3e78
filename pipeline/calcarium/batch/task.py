"""What runs on a worker: a bundle of studies, each to its rows or to a failure.

The one broad ``except`` of the project is here: whatever goes wrong with a
study must not take its neighbours with it.
"""

from __future__ import annotations

import signal
import socket
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import TypeAlias

from distributed import Worker, WorkerPlugin, get_worker

from calcarium.errors import ResourceError, UsageError
from calcarium.intake.records import Study
from calcarium.tables.check_rows import check_columns, check_rows
from calcarium.tables.rows import Failure, StudyRows
from calcarium_kernels.device import DeviceError

Scorer: TypeAlias = Callable[[Study], StudyRows]


@dataclass(frozen=True)
class Ended:
    """How one study ended on a worker.

    Attributes
    ----------
    rows : without their stamped columns; ``None`` if there is a failure
    gave_way : the failure is one of storage, memory or a device, and may pass elsewhere
    lost_device : the device gave way, so this process must be replaced
    unfit : this worker has no scorer, so nothing is known of the study
    misused : the failure is one of the whole command
    """

    rows: StudyRows | None
    failure: Failure | None
    gave_way: bool
    lost_device: bool
    unfit: bool
    misused: bool
    worker: str
    host: str
    finished_at: str
    study_s: float


class ScorerPlugin(WorkerPlugin):
    """Keeps one scorer per worker process: kernels, masks and protocols are loaded once.

    Its name is that of the run: on a scheduler that serves several runs, none may
    score by the protocol of another.
    """

    def __init__(self, make_scorer: Callable[[], Scorer], run_id: str) -> None:
        self.make_scorer = make_scorer
        self.name = run_id

    def setup(self, worker: Worker) -> None:  # noqa: ARG002
        """Leave Ctrl-C to the process that commits: a worker finishes its study."""
        with suppress(ValueError):  # not the main thread
            signal.signal(signal.SIGINT, signal.SIG_IGN)

    @cached_property
    def scorer(self) -> Scorer:
        """Made by the first study, so that its errors reach the one who asked."""
        return self.make_scorer()


def score_bundle(studies: tuple[Study, ...], run_id: str) -> list[Ended]:
    """Score some studies one after the other; one result for each, in their order."""
    return [_end(study, get_worker(), run_id) for study in studies]


def _scorer(worker: Worker, run_id: str) -> Scorer:
    plugin = worker.plugins.get(run_id)
    if not isinstance(plugin, ScorerPlugin):
        raise ResourceError("this worker was not told what to score; it has only just started")
    return plugin.scorer


def _end(study: Study, worker: Worker, run_id: str) -> Ended:
    began = time.perf_counter()
    scorer, rows, failure = None, None, None
    gave_way, lost_device, misused = False, False, False
    try:
        scorer = _scorer(worker, run_id)
        rows = scorer(study)
        check_complete(study, rows)
    except Exception as error:
        rows = None
        failure = Failure("task", type(error).__name__, str(error), traceback.format_exc())
        lost_device = isinstance(error, DeviceError)
        gave_way = lost_device or isinstance(error, ResourceError | MemoryError | OSError)
        misused = isinstance(error, UsageError)
    return Ended(
        rows,
        failure,
        gave_way,
        lost_device,
        gave_way and scorer is None and run_id in worker.plugins,
        misused,
        worker.address,
        socket.gethostname(),
        datetime.now(UTC).isoformat(timespec="milliseconds"),
        time.perf_counter() - began,
    )


def check_complete(study: Study, rows: StudyRows) -> None:
    """Refuse rows that lose or invent a scan, or differ from the schema.

    Raises
    ------
    ValueError
        if there is not exactly one row for the study and one for each of its scans.
    """
    for table, table_rows in rows.tables.items():
        check_rows(table, table_rows)
    check_columns("lesions", rows.lesions)
    expected = sorted(scan.scan_id for scan in study.scans)
    ledger = sorted(str(row["scan_id"]) for row in rows.tables.get("series", []))
    if ledger != expected:
        raise ValueError(f"{len(expected)} scans left {len(ledger)} rows in the ledger: {ledger}")
    if [row["study_id"] for row in rows.tables.get("studies", [])] != [study.study_id]:
        raise ValueError("a study must leave exactly one row of its own")

"""Studies of nothing, a scorer that misbehaves on demand, and a run of both."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path

from rich.console import Console

from calcarium.batch.cluster import workers
from calcarium.batch.options import RunOptions
from calcarium.batch.plan import Choice
from calcarium.batch.progress import Reporter
from calcarium.batch.run import Order, run
from calcarium.batch.submit import Job
from calcarium.batch.task import Scorer
from calcarium.config import load_protocol
from calcarium.errors import CalciumError, ResourceError, UsageError
from calcarium.intake.records import Acquisition, FileHeader, Scan, Study
from calcarium.tables.folder import ResultFolder
from calcarium.tables.lock import writer_lock
from calcarium.tables.rows import Cell, Failure, Row, StudyRows, TableName
from calcarium.tables.runs import Run
from calcarium.tables.schema import TABLES
from calcarium.tables.stamp import Stamp
from calcarium_kernels.device import DeviceError

ARCHIVE_PATH = "/archive/secret"
SILENT = Reporter(Console(quiet=True))
QUICK = RunOptions(
    workers=2, commit_s=0.3, commit_studies=10, retry_after_s=0.05, grace_s=5.0, no_worker_s=30.0
)


def header(url: str) -> FileHeader:
    empty = dict.fromkeys(f.name for f in fields(FileHeader))
    return FileHeader(**empty | {"url": url, "number_of_frames": 1})  # type: ignore[arg-type]


def study(number: int) -> Study:
    acquisition = Acquisition(**dict.fromkeys(f.name for f in fields(Acquisition)))  # type: ignore[arg-type]
    scans = tuple(
        Scan(f"1.{number:05d}.{part}", f"1.{number:05d}", acquisition, (header(ARCHIVE_PATH),))
        for part in range(1, 2 + number % 2)
    )
    return Study(f"1.{number:05d}", scans)


def studies(n: int) -> Iterator[Study]:
    return (study(number) for number in range(n))


def empty_row(table: TableName, **cells: Cell) -> Row:
    return dict.fromkeys(c.name for c in TABLES[table].columns if not c.stamped) | cells


def rows_of(study: Study, outcome: str, **of_scan: Cell) -> StudyRows:
    number = float(study.study_id.split(".")[1])
    scored = outcome == "scored"
    tables: dict[TableName, list[Row]] = {
        "studies": [
            empty_row(
                "studies",
                study_id=study.study_id,
                outcome=outcome,
                n_scans=len(study.scans),
                n_scored=len(study.scans) if scored else 0,
            )
        ]
    }
    for scan in study.scans:
        ids: Row = {"scan_id": scan.scan_id, "study_id": study.study_id}
        rows: dict[TableName, Row] = {
            "series": empty_row("series", **ids, outcome=outcome, **of_scan),
            "links": empty_row("links", **ids, first_url=scan.files[0].url),
        }
        if scored:
            score = {"convention": "c", "is_primary": True, "agatston": number}
            rows["scores"] = empty_row("scores", **ids, **score)
        for table, row in rows.items():
            tables.setdefault(table, []).append(row)
    return StudyRows(study.study_id, tables)


def failed(study: Study, failure: Failure) -> StudyRows:
    rows = rows_of(study, "failed", stage=failure.stage, error=failure.error)
    message = empty_row(
        "messages", study_id=study.study_id, outcome="failed", message=failure.message
    )
    rows.tables["messages"] = [message]
    return rows


@dataclass(frozen=True)
class Fate:
    """What the scorer does, by the number of the study."""

    pause_s: float = 0.0
    raises: frozenset[int] = frozenset()
    kills: frozenset[int] = frozenset()
    loses_a_scan: frozenset[int] = frozenset()
    gives_way_once: frozenset[int] = frozenset()
    fills_device_once: frozenset[int] = frozenset()
    loses_device_once: frozenset[int] = frozenset()
    gives_way_always: bool = False
    misused: bool = False
    folder: str = ""

    def __call__(self, study: Study) -> StudyRows:
        number = int(study.study_id.split(".")[1])
        time.sleep(self.pause_s)
        if self.misused:
            raise UsageError("no such device")
        if number in self.kills:
            os._exit(7)
        if number in self.raises:
            raise ZeroDivisionError(f"cannot read {ARCHIVE_PATH}")
        if self.gives_way_always or (number in self.gives_way_once and self._first(number)):
            raise ResourceError("the share went away")
        if number in self.fills_device_once and self._first(number):
            raise MemoryError("device memory is full")
        if number in self.loses_device_once and self._first(number):
            raise DeviceError("CUDA device 0: an illegal memory access was encountered")
        rows = rows_of(study, "scored")
        if number in self.loses_a_scan:
            rows.tables["series"].pop()
        return rows

    def _first(self, number: int) -> bool:
        seen = Path(self.folder, f"seen-{number}")
        if seen.exists():
            return False
        seen.touch()
        return True


def make_scorer(fate: Fate) -> Scorer:
    return fate


def order(n: int, fate: Fate, **changes: object) -> Order:
    record = Run("run-" + os.urandom(4).hex(), "2026-01-01", "0", "gated", "abc", "numpy", "here")
    made_by = Stamp(record.run_id, "abc", "0", "numpy", "", "", 0.0)
    job = Job(partial(make_scorer, fate), failed, made_by)
    values = {"options": QUICK, "total": n, **changes}
    return Order(record, job, partial(studies, n), load_protocol("auto").to_json(), **values)  # type: ignore[arg-type]


def score_in_process(folder: str, n: int, pause_s: float, kills: str = "") -> None:
    """For a process of its own, which a test may kill."""
    results = ResultFolder.at(folder)
    results.create()
    fate = Fate(pause_s, kills=frozenset(int(k) for k in kills.split(",") if k))
    with writer_lock(results), workers(QUICK, None) as client:
        run(order(n, fate, choice=Choice()), results, client, SILENT)


if __name__ == "__main__":
    import tiny  # by its name, so that workers find what they are sent

    try:
        tiny.score_in_process(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), *sys.argv[4:])
    except CalciumError as error:
        sys.exit(str(error))

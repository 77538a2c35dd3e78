"""Commits are all or nothing, whatever a crash leaves behind."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from calcarium.errors import ResourceError, UsageError
from calcarium.tables import read
from calcarium.tables.commit import (
    commit,
    commit_tables,
    drop_studies,
    join_small_parts,
    row_counts,
    sweep,
    tables_of,
)
from calcarium.tables.folder import Part, ResultFolder
from calcarium.tables.lock import LOCK, writer_lock
from calcarium.tables.read import committed_study_ids, connect, in_slices, read_table
from calcarium.tables.rows import Cell, Row, StudyRows, TableName
from calcarium.tables.schema import TABLES
from calcarium.tables.secret import patient_secret
from calcarium.tables.stamp import Stamp, stamp

STAMP = Stamp("run", "hash", "0.1.0", "numpy", "host", "2026-01-01T00:00:00Z", 0.1)
CELLS: dict[str, Cell] = {"string": "x", "int64": 3, "double": 0.5, "bool": True, "binary": b"x"}


def _row(table: TableName, **cells: Cell) -> Row:
    return {c.name: CELLS[c.kind] for c in TABLES[table].columns if not c.stamped} | cells


def _study(number: int) -> StudyRows:
    study, scan = f"study-{number}", f"scan-{number}"
    rows: dict[TableName, list[Row]] = {
        "studies": [_row("studies", study_id=study)],
        "series": [_row("series", study_id=study, scan_id=scan)],
        "scores": [
            _row("scores", study_id=study, scan_id=scan, convention=c, agatston=float(number))
            for c in ("a", "b")
        ],
    }
    return stamp(StudyRows(study, rows), STAMP)


@pytest.fixture(params=["disk", "object store"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> ResultFolder:
    url = str(tmp_path / "results")
    if request.param == "object store":
        url = f"memory://{tmp_path.name}/results"
    result = ResultFolder.at(url)
    result.create()
    return result


def _scores(folder: ResultFolder) -> dict[str, list[float]]:
    table = read_table(folder, "scores").to_pylist()
    found: dict[str, list[float]] = {}
    for row in table:
        found.setdefault(row["study_id"], []).append(row["agatston"])
    return found


def _expected(numbers: range) -> dict[str, list[float]]:
    return {f"study-{n}": [float(n)] * 2 for n in numbers}


def test_rows_come_back_as_they_went_in(folder: ResultFolder) -> None:
    rows = [_study(n) for n in range(5)]
    part = commit(folder, rows[:2])
    commit(folder, rows[2:])
    for table in ("studies", "series", "scores"):
        written = [row for study in rows for row in study.tables[table]]  # type: ignore[index]
        assert read_table(folder, table).to_pylist() == written  # type: ignore[arg-type]
    assert row_counts(folder, part)["scores"] == 4
    assert read_table(folder, "lesions").num_rows == 0
    with connect(folder) as database:
        assert database.sql("select sum(agatston) from scores").fetchall() == [(20.0,)]


def _tear(patch: pytest.MonkeyPatch, table: TableName) -> None:
    """Let the process die when it is about to write to a table."""
    whole = ResultFolder.write_with

    def write_with(self: ResultFolder, writer: Callable[[str], object], path: str) -> None:
        if path.startswith(self.table_path(table)):
            raise KeyboardInterrupt
        whole(self, writer, path)

    patch.setattr(ResultFolder, "write_with", write_with)


@pytest.mark.parametrize("table", ["studies", "scores", "series"])
def test_a_commit_torn_before_its_commit_point_is_not_read(
    folder: ResultFolder, table: TableName, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit(folder, [_study(0)])
    with monkeypatch.context() as patch:
        _tear(patch, table)
        with pytest.raises(KeyboardInterrupt):
            commit(folder, [_study(1)])
    assert _scores(folder) == _expected(range(1))
    assert committed_study_ids(folder) == {"study-0"}
    sweep(folder)
    assert folder.parts("scores") == folder.parts("studies") == [Part(0, 0)]
    commit(folder, [_study(1)])
    assert _scores(folder) == _expected(range(2))


@pytest.mark.parametrize("table", ["studies", "scores", "series"])
def test_joining_parts_changes_no_row_wherever_it_is_torn(
    folder: ResultFolder, table: TableName, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(6):
        commit(folder, [_study(number)])
    with monkeypatch.context() as patch:
        _tear(patch, table)
        with pytest.raises(KeyboardInterrupt):
            join_small_parts(folder)
    assert _scores(folder) == _expected(range(6))
    join_small_parts(folder)
    assert _scores(folder) == _expected(range(6))
    sweep(folder)
    assert folder.parts("scores") == folder.parts("series") == [Part(0, 5)]
    assert row_counts(folder, Part(0, 5))["scores"] == 12
    commit(folder, [_study(6)])
    assert _scores(folder) == _expected(range(7))


def test_studies_that_are_taken_up_again_leave_every_table(folder: ResultFolder) -> None:
    for number in range(3):
        commit(folder, [_study(number)])
    drop_studies(folder, {"study-1"})
    assert set(_scores(folder)) == committed_study_ids(folder) == {"study-0", "study-2"}
    commit(folder, [_study(1)])
    assert _scores(folder) == _expected(range(3))


def test_a_row_that_differs_from_the_schema_is_not_written(folder: ResultFolder) -> None:
    bad = _study(0)
    bad.tables["scores"][0].pop("threshold_hu")
    with pytest.raises(ValueError, match="threshold_hu"):
        commit(folder, [bad])
    assert committed_study_ids(folder) == set()


def test_a_full_disk_is_said_in_a_sentence_and_leaves_no_half_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = ResultFolder.at(str(tmp_path))
    folder.create()
    commit(folder, [_study(0)])

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(ResourceError, match="No space left"):
            commit(folder, [_study(1)])
    assert _scores(folder) == _expected(range(1))
    assert not list(tmp_path.rglob("*.writing"))


def test_private_things_are_for_the_owner_alone(tmp_path: Path) -> None:
    folder = ResultFolder.at(str(tmp_path / "r"))
    folder.create()
    secret = patient_secret(folder)
    assert len(secret) == 32
    assert patient_secret(folder) == secret
    assert (tmp_path / "r/private").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "r/private/patient_key.secret").stat().st_mode & 0o777 == 0o600


def test_a_second_writer_is_refused_until_the_first_is_gone(folder: ResultFolder) -> None:
    with writer_lock(folder) as message:
        assert message is None
        with pytest.raises(UsageError, match=rf"process {os.getpid()} on"), writer_lock(folder):
            pass
    with writer_lock(folder) as message:
        assert message is None


def test_the_lock_of_a_killed_process_is_taken_over_with_a_message(tmp_path: Path) -> None:
    folder = ResultFolder.at(str(tmp_path))
    dies = (
        "import os, sys; from calcarium.tables.folder import ResultFolder;"
        "from calcarium.tables.lock import writer_lock;"
        "lock = writer_lock(ResultFolder.at(sys.argv[1])); lock.__enter__();"
        "os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", dies, str(tmp_path)], check=False)
    assert (tmp_path / LOCK).exists()
    with writer_lock(folder) as message:
        assert message is not None
    assert not (tmp_path / LOCK).exists()


def test_a_lock_of_another_host_is_never_taken_over(tmp_path: Path) -> None:
    (tmp_path / LOCK).write_text('{"host": "another.example", "pid": 1, "started": 0.0}')
    with pytest.raises(UsageError, match="remove"), writer_lock(ResultFolder.at(str(tmp_path))):
        pass


def test_a_part_is_read_some_studies_at_a_time(folder: ResultFolder) -> None:
    part = commit(folder, [_study(number) for number in range(5)])
    found = [*in_slices(folder, part, ("studies", "scores", "links"), 2, {"study-1"})]
    assert [len(tables["studies"]) for tables in found] == [2, 2]
    assert [set(tables["scores"]["study_id"].to_pylist()) for tables in found] == [
        *({"study-0", "study-2"}, {"study-3", "study-4"})
    ]
    assert sum(len(tables["scores"]) for tables in found) == 8
    assert not any(len(tables["links"]) for tables in found)


@pytest.mark.parametrize("done", [range(6), range(2, 6), range(4, 8), range(7)])
def test_studies_that_are_done_are_passed_over(
    folder: ResultFolder, monkeypatch: pytest.MonkeyPatch, done: range
) -> None:
    """Wherever they lie: they can fill all rows that are read at once."""
    monkeypatch.setattr(read, "ROWS", 2)
    part = commit(folder, [_study(number) for number in range(8)])
    left = [number for number in range(8) if number not in done]
    found = [*in_slices(folder, part, ("studies", "scores"), 3, {f"study-{n}" for n in done})]
    for table, each in (("studies", 1), ("scores", 2)):
        ids = [i for tables in found for i in tables[table]["study_id"].to_pylist()]  # type: ignore[index]
        assert ids == [f"study-{number}" for number in left for _ in range(each)]


def test_rows_in_another_order_than_their_studies_are_not_lost(folder: ResultFolder) -> None:
    tables = tables_of([_study(number) for number in range(4)])
    tables["scores"] = tables["scores"].take([7, 1, 2, 3, 4, 5, 6, 0])
    part = commit_tables(folder, tables)
    with pytest.raises(ValueError, match="rows of scores are not in the order"):
        next(in_slices(folder, part, ("studies", "scores"), 2))

"""Whatever dies, the same command finishes with the rows of an undisturbed run."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from distributed import Client
from tiny import QUICK, SILENT, Fate, order

from calcarium.batch.cluster import workers
from calcarium.batch.run import run
from calcarium.tables.folder import ResultFolder
from calcarium.tables.read import read_table
from calcarium.tables.rows import Row
from calcarium.tables.runs import runs
from calcarium.tables.schema import TABLES

N = 80
PAUSE_S = 0.03


def rows(folder: ResultFolder) -> dict[str, list[Row]]:
    found = {}
    for name, table in TABLES.items():
        columns = [c for c in table.identity]
        listed = read_table(folder, name, columns).to_pylist()
        found[name] = sorted(listed, key=lambda row: [str(row[k]) for k in table.key])
    return found


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with workers(QUICK, None) as connected:
        yield connected


@pytest.fixture(scope="module")
def undisturbed(client: Client, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Row]]:
    results = ResultFolder.at(str(tmp_path_factory.mktemp("undisturbed")))
    results.create()
    run(order(N, Fate()), results, client, SILENT)
    return rows(results)


def start(folder: Path, **how: object) -> subprocess.Popen[bytes]:
    script = Path(__file__).parent / "tiny.py"
    command = [sys.executable, str(script), str(folder), str(N), str(PAUSE_S)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **how)  # type: ignore[call-overload,no-any-return]


def wait_for_commit(folder: Path, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 60
    while not list(folder.glob("series/*.parquet")):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.01)


def is_partial(folder: Path) -> bool:
    return 0 < read_table(ResultFolder.at(str(folder)), "studies").num_rows < N


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_run_in_order(
    number: signal.Signals, tmp_path: Path, undisturbed: dict[str, list[Row]], client: Client
) -> None:
    folder = tmp_path / "results"
    process = start(folder, start_new_session=True)
    wait_for_commit(folder, process)
    os.killpg(process.pid, number) if number == signal.SIGINT else process.send_signal(number)
    _, error = process.communicate(timeout=30)
    assert process.returncode == 1
    assert f"{number.name}: stopped after" in error.decode()
    assert is_partial(folder)
    results = ResultFolder.at(str(folder))
    last = runs(results)[-1]
    assert last.ending == "stopped"
    assert last.counts["done"] == read_table(results, "studies").num_rows
    run(order(N, Fate()), results, client, SILENT)
    assert rows(results) == undisturbed


def test_a_killed_client_leaves_no_worker_and_the_same_command_finishes(
    tmp_path: Path, undisturbed: dict[str, list[Row]], client: Client
) -> None:
    folder = tmp_path / "results"
    process = start(folder)
    wait_for_commit(folder, process)
    children = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.communicate()
    assert is_partial(folder)
    _, alive = psutil.wait_procs(children, timeout=10)
    assert not alive
    results = ResultFolder.at(str(folder))
    run(order(N, Fate()), results, client, SILENT)
    assert rows(results) == undisturbed


def test_killed_workers_cost_no_study(tmp_path: Path, undisturbed: dict[str, list[Row]]) -> None:
    folder = tmp_path / "results"
    process = start(folder)
    for _ in range(2):
        wait_for_commit(folder, process)
        kill_a_worker(process.pid)
        time.sleep(0.3)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 0, error
    assert rows(ResultFolder.at(str(folder))) == undisturbed


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_killed_at_a_random_moment(
    seed: int, tmp_path: Path, undisturbed: dict[str, list[Row]]
) -> None:
    """The client holds the scheduler, so a killed client is a killed scheduler too."""
    chance = random.Random(seed)
    folder = tmp_path / "results"
    process = start(folder)
    time.sleep(chance.uniform(0.2, 6.0))
    if process.poll() is None:
        if chance.random() < 0.5:
            process.kill()
        elif psutil.Process(process.pid).children(recursive=True):
            with suppress(IndexError, psutil.Error):  # workers are not up, or gone already
                kill_a_worker(process.pid)
    process.communicate(timeout=90)
    again = start(folder)
    _, error = again.communicate(timeout=90)
    assert again.returncode == 0, error
    assert rows(ResultFolder.at(str(folder))) == undisturbed


def kill_a_worker(client: int) -> None:
    children = psutil.Process(client).children(recursive=True)
    spawned = [c for c in children if "spawn_main" in " ".join(c.cmdline())]
    random.choice(spawned).kill()


def test_device_faults_cost_a_process_each_but_no_row(tmp_path: Path, client: Client) -> None:
    """Twenty faults in sixty studies: full memory, and contexts that are lost for good."""
    lost, full = frozenset(range(0, 60, 6)), frozenset(range(3, 60, 6))
    fate = Fate(loses_device_once=lost, fills_device_once=full, folder=str(tmp_path))
    before = set(client.run(os.getpid).values())
    results = ResultFolder.at(str(tmp_path / "results"))
    results.create()
    ended = run(order(60, fate), results, client, SILENT)
    assert (ended.counts["scored"], ended.counts["failed"]) == (60, 0)
    found = read_table(results, "studies", ["study_id"]).column(0).to_pylist()
    assert len(found) == len(set(found)) == 60
    client.wait_for_workers(2, timeout=30)
    assert before.isdisjoint(client.run(os.getpid).values())

"""A scheduler and workers that others started, by the commands of docs/gpu-node.md."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from calcarium.phantom.registry import order_studies, write_registry
from calcarium.tables.diff import diff
from calcarium.tables.folder import ResultFolder
from calcarium.tables.read import read_table
from calcarium.tables.runs import runs

DASK = Path(sys.executable).with_name("dask")
N = 48  # enough that a fast machine is not done before the third commit
RUN = "commit_s = 0.2\nbundle_s = 0.1\nno_worker_s = 60.0\n"
PROTOCOL = "extends = 'auto'\n[selection]\nmin_coverage_mm = 20.0\n[region]\nempty_mask = 'zero'\n"


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("set")
    write_registry(folder, order_studies(N, seed=4, kind="geometric"), workers=1)
    (folder / "run.toml").write_text(RUN)
    (folder / "protocol.toml").write_text(PROTOCOL)
    return folder


def start(*words: str | Path) -> subprocess.Popen[bytes]:
    environment = os.environ | {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0"}
    environment |= {"CUDA_VISIBLE_DEVICES": "-1"}
    return subprocess.Popen(
        [*map(str, words)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment
    )


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[tuple[Path, list[subprocess.Popen[bytes]]]]:
    """A scheduler's file, and the processes: a scheduler, two ``dask worker`` with nannies."""
    file = tmp_path / "scheduler.json"
    with started(file) as processes:
        yield file, processes


@contextmanager
def started(file: Path) -> Iterator[list[subprocess.Popen[bytes]]]:
    where = ("--scheduler-file", file)
    scheduler = start(DASK, "scheduler", *where, "--port", "0", "--no-dashboard")
    options = ("--nworkers", "1", "--nthreads", "1", "--no-dashboard")
    local = ("--local-directory", file.parent)
    nannies = [start(DASK, "worker", *where, *options, *local) for _ in range(2)]
    try:
        yield [scheduler, *nannies]
    finally:
        for process in (*nannies, scheduler):
            process.terminate()
            process.communicate(timeout=30)


def score(registry: Path, out: Path, *words: str | Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "calcarium", "score", registry / "dicom", "--out", out]
    command += ["--masks", registry / "masks", "--run", registry / "run.toml", "--quiet"]
    command += ["--protocol", registry / "protocol.toml"]
    return start(*command, *words)


def finish(process: subprocess.Popen[bytes]) -> str:
    _, error = process.communicate(timeout=300)
    assert process.returncode == 0, error.decode()
    return error.decode()


def wait_for_commits(out: Path, process: subprocess.Popen[bytes], n: int) -> None:
    end = time.monotonic() + 120
    while len(list(out.glob("series/*.parquet"))) < n:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.01)


def worker_of(nanny: subprocess.Popen[bytes]) -> psutil.Process:
    children = psutil.Process(nanny.pid).children(recursive=True)
    (worker,) = [child for child in children if "spawn_main" in " ".join(child.cmdline())]
    return worker


@pytest.mark.slow
def test_a_worker_and_a_node_die_and_every_row_is_there(
    registry: Path, cluster: tuple[Path, list[subprocess.Popen[bytes]]], tmp_path: Path
) -> None:
    file, (_, *nannies) = cluster
    remote, local = tmp_path / "remote", tmp_path / "local"
    process = score(registry, remote, "--scheduler", file)
    wait_for_commits(remote, process, 1)
    worker_of(nannies[0]).kill()
    wait_for_commits(remote, process, 3)
    node = psutil.Process(nannies[1].pid)
    for part in (node, *node.children(recursive=True)):
        part.kill()
    finish(process)
    finish(score(registry, local, "--workers", "1"))
    results = ResultFolder.at(str(remote))
    assert read_table(results, "studies").num_rows == N
    assert runs(results)[-1].counts["failed"] == 0
    difference = diff(results, ResultFolder.at(str(local)))
    assert (difference.made_by, difference.studies) == ((), ())
    assert {row["host"] for row in read_table(results, "series", ["host"]).to_pylist()} == {
        os.uname().nodename
    }


@pytest.mark.slow
def test_the_address_serves_as_well_and_several_runs_share_the_workers(
    registry: Path, cluster: tuple[Path, list[subprocess.Popen[bytes]]], tmp_path: Path
) -> None:
    file, _ = cluster
    end = time.monotonic() + 60
    while not file.exists() or not file.read_text():
        assert time.monotonic() < end
        time.sleep(0.05)
    address = json.loads(file.read_text())["address"]
    outs = [tmp_path / name for name in ("one", "two")]
    together = [score(registry, out, "--scheduler", address) for out in outs]
    for process in together:
        finish(process)
    difference = diff(*(ResultFolder.at(str(out)) for out in outs))
    assert (difference.made_by, difference.studies) == ((), ())


@pytest.mark.slow
def test_a_scheduler_that_dies_ends_the_run_in_a_sentence_and_another_finishes_it(
    registry: Path, cluster: tuple[Path, list[subprocess.Popen[bytes]]], tmp_path: Path
) -> None:
    file, (scheduler, *_) = cluster
    out = tmp_path / "results"
    process = score(registry, out, "--scheduler", file)
    wait_for_commits(out, process, 1)
    scheduler.kill()
    _, error = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "the same command goes on from here" in error.decode()
    assert "Traceback" not in error.decode()
    done = read_table(ResultFolder.at(str(out)), "studies").num_rows
    assert 0 < done < N
    with started(tmp_path / "another.json"):
        finish(score(registry, out, "--scheduler", tmp_path / "another.json"))
    assert read_table(ResultFolder.at(str(out)), "studies").num_rows == N
    assert runs(ResultFolder.at(str(out)))[-1].counts["continued"] == done


@pytest.mark.slow
def test_workers_without_a_gpu_are_refused_before_anything_is_read(
    registry: Path, cluster: tuple[Path, list[subprocess.Popen[bytes]]], tmp_path: Path
) -> None:
    process = score(registry, tmp_path / "out", "--scheduler", cluster[0], "--backend", "cupy")
    _, error = process.communicate(timeout=120)
    assert process.returncode == 2
    assert "--backend cupy: " in error.decode()
    assert f" on {os.uname().nodename}" in error.decode()
    assert not list((tmp_path / "out").rglob("*.parquet"))

"""Workers that cannot score: refused before anything is read, left out when they show later."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

import pytest
from distributed import Client
from rich.console import Console
from tiny import QUICK, SILENT, Fate, order

from calcarium.batch import backend, cluster
from calcarium.batch.backend import NOT_INSTALLED, backend_of_workers
from calcarium.batch.cluster import workers
from calcarium.batch.progress import Reporter
from calcarium.batch.run import run
from calcarium.batch.task import Scorer
from calcarium.errors import ResourceError, UsageError
from calcarium.tables.folder import ResultFolder
from calcarium.tables.read import read_table
from calcarium_kernels.device import DeviceError

NO_CUPY = ResourceError("cupy: CuPy is not installed: pip install 'calcarium[cuda12]'")
NO_DEVICE = DeviceError("CUDA device 0: uncorrectable ECC error")


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with workers(QUICK, None) as connected:
        yield connected


@dataclass(frozen=True)
class Start:
    """Makes no scorer in some processes: the first so many that try, or all."""

    folder: str
    error: Exception
    n_unfit: int = 1000

    def __call__(self) -> Scorer:
        for number in range(self.n_unfit):
            path = Path(self.folder, str(number))
            if not path.exists():
                path.write_text(str(os.getpid()))
            if path.read_text() == str(os.getpid()):
                raise self.error
        return Fate(pause_s=0.01)


def score(n: int, start: Start, client: Client, tmp_path: Path) -> tuple[dict[str, int], str]:
    """Counts of a run, and what it said; each study has one row."""
    results = ResultFolder.at(str(tmp_path / "results"))
    results.create()
    console = Console(record=True, width=500, file=io.StringIO())
    asked = order(n, Fate())
    asked = replace(asked, job=replace(asked.job, make_scorer=start))
    ended = run(asked, results, client, Reporter(console))
    found = read_table(results, "studies", ["study_id"]).column(0).to_pylist()
    assert len(found) == len(set(found)) == n
    return dict(ended.counts), console.export_text()


def test_a_worker_without_a_backend_is_left_out_and_costs_no_study(
    tmp_path: Path, client: Client
) -> None:
    """As one that joins while a run goes on; it would fail each study faster than others score."""
    counts, said = score(40, Start(str(tmp_path), NO_CUPY, 1), client, tmp_path)
    assert (counts["scored"], counts["failed"]) == (40, 0)
    assert said.count("is left out: cupy: CuPy is not installed: pip install") == 1
    assert f" on {os.uname().nodename} is left out" in said


def test_a_device_that_is_lost_at_two_starts_gets_a_third_process(
    tmp_path: Path, client: Client
) -> None:
    counts, said = score(40, Start(str(tmp_path), NO_DEVICE, 2), client, tmp_path)
    assert (counts["scored"], counts["failed"]) == (40, 0)
    assert "left out" not in said


@pytest.mark.parametrize("error", [NO_CUPY, NO_DEVICE])
def test_a_run_without_a_worker_that_can_score_ends_in_a_sentence(
    tmp_path: Path, client: Client, error: Exception
) -> None:
    with pytest.raises(ResourceError, match=r"no worker is left.*on .*goes on from here") as raised:
        score(30, Start(str(tmp_path), error), client, tmp_path)
    assert str(error) in str(raised.value)
    assert read_table(ResultFolder.at(str(tmp_path / "results")), "studies").num_rows == 0


def test_a_worker_of_another_version_or_none_is_refused(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster.refuse_other_versions(client)
    with monkeypatch.context() as changed:
        changed.setattr(cluster, "calcarium_version", lambda: "9.9")
        with pytest.raises(ResourceError, match=r"worker tcp://.* has calcarium .*install 9.9"):
            cluster.refuse_other_versions(client)
    monkeypatch.setattr(cluster, "version", lambda _: version("calcarium-that-is-not"))
    with pytest.raises(ResourceError, match=r"has no calcarium"):
        cluster.refuse_other_versions(client)


def has_cupy() -> tuple[str, str]:
    return "node-2", ""


def test_workers_are_asked_before_anything_is_read(client: Client) -> None:
    console = Console(record=True, width=500, file=io.StringIO())
    client.run(setattr, backend, "_lacking", lambda: "no CUDA device is visible")
    assert backend_of_workers("numpy", client, Reporter(console)) == "numpy"
    assert console.export_text() == ""
    assert backend_of_workers("auto", client, Reporter(console)) == "numpy"
    assert "--backend auto takes numpy: no CUDA device is visible (worker " in console.export_text()
    with pytest.raises(UsageError, match=r"--backend cupy: .* \(worker tcp://.* on .* and 1 more"):
        backend_of_workers("cupy", client, SILENT)

    one, other = client.nthreads()
    client.run(setattr, backend, "lack_of_cupy", has_cupy, workers=[one])
    client.run(setattr, backend, "_lacking", lambda: NOT_INSTALLED, workers=[other])
    with pytest.raises(UsageError, match=r"pip install 'calcarium\[cuda12\]'.*\(worker ") as raised:
        backend_of_workers("cupy", client, SILENT)
    assert f"(worker {other} on {os.uname().nodename})" in str(raised.value)

    client.run(setattr, backend, "lack_of_cupy", has_cupy)
    assert backend_of_workers("auto", client, SILENT) == "cupy"
    assert backend_of_workers("cupy", client, SILENT) == "cupy"

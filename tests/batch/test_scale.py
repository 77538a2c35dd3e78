"""Twenty thousand studies of nothing: what the scheduling itself costs."""

from __future__ import annotations

import resource
import threading
import time
from pathlib import Path

import psutil
import pytest
from tiny import QUICK, SILENT, Fate, order

from calcarium.batch.cluster import workers
from calcarium.batch.run import run
from calcarium.tables.folder import ResultFolder
from calcarium.tables.read import read_table


@pytest.mark.slow
def test_memory_time_and_files_are_bounded(tmp_path: Path) -> None:
    n = 20_000
    folder = ResultFolder.at(str(tmp_path))
    folder.create()
    options = QUICK.model_copy(update={"commit_s": 5.0, "commit_studies": 500})
    process = psutil.Process()
    with workers(options, None) as client:
        run(order(200, Fate(), options=options), folder, client, SILENT)
        before = process.memory_info().rss
        peak = Peak(process)
        began = time.monotonic()
        ended = run(order(n, Fate(), options=options), folder, client, SILENT)
        took = time.monotonic() - began
        grown = peak.stop() - before
    files = len(list(tmp_path.rglob("*.parquet")))
    print(f"{n / took:.0f} studies/s, client grew by {grown / 2**20:.0f} MB, {files} files")
    assert ended.counts["done"] == n - 200
    assert read_table(folder, "studies").num_rows == n
    assert files <= n / 100
    assert grown < 300 * 2**20
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 < 800 * 2**20


class Peak(threading.Thread):
    """Watches the memory of this process, which holds client and scheduler."""

    def __init__(self, process: psutil.Process) -> None:
        super().__init__(daemon=True)
        self._process = process
        self._ended = threading.Event()
        self.bytes = 0
        self.start()

    def run(self) -> None:
        while not self._ended.wait(0.1):
            self.bytes = max(self.bytes, self._process.memory_info().rss)

    def stop(self) -> int:
        self._ended.set()
        self.join()
        return self.bytes

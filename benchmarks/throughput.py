"""Studies per second of the whole command with one and with two workers, in its steady middle."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import duckdb

# Slices of a study, studies of the archive: long enough that the start does not matter.
ARCHIVES = {60: 32, 140: 16}


def throughput(n_slices: int, repeats: int, work: Path) -> dict[str, dict[str, float]]:
    """Seconds per study by source of the region and number of workers.

    Medians, and the best of the repeats, which other work on the machine disturbed least.

    Headers are read before. All ways take turns, so that a busy moment meets each of them.
    """
    from archives import timing_scan, write_archive

    archive = work / f"throughput-{n_slices}"
    write_archive(archive, timing_scan(n_slices), ARCHIVES[n_slices], "explicit")
    index = work / "index"
    _run("index", archive / "dicom", "--out", index)
    samples: dict[tuple[str, int], list[float]] = {}
    for _ in range(repeats):
        for source in ("masks", "detector"):
            for workers in (1, 2):
                found = _steady_s(archive, index, source, workers, work / "results")
                samples.setdefault((source, workers), []).append(found)
    shutil.rmtree(archive)
    shutil.rmtree(index)
    result: dict[str, dict[str, float]] = {}
    for source in ("masks", "detector"):
        one, two = (statistics.median(samples[source, workers]) for workers in (1, 2))
        best_one, best_two = (min(samples[source, workers]) for workers in (1, 2))
        result[source] = {
            "one_worker_s": one,
            "two_workers_s": two,
            "ratio": one / two,
            "best_one_worker_s": best_one,
            "best_two_workers_s": best_two,
            "best_ratio": best_one / best_two,
            "load": round(os.getloadavg()[0], 1),
        }
    return result


def _steady_s(archive: Path, index: Path, source: str, workers: int, out: Path) -> float:
    """Seconds per study between the first and the last fifth of those that ended."""
    shutil.copytree(index, out / "index")
    words: list[str | Path] = ["--out", out, "--workers", str(workers), "--quiet"]
    if source == "masks":
        words += ["--masks", archive / "masks"]
    _run("score", archive / "dicom", *words)
    rows = duckdb.sql(
        f"SELECT finished_at, outcome FROM '{out}/series/*.parquet' ORDER BY finished_at"
    ).fetchall()
    shutil.rmtree(out)
    if {outcome for _, outcome in rows} != {"scored"}:
        raise RuntimeError(f"not every study was scored: {rows}")
    ends = [datetime.fromisoformat(ended) for ended, _ in rows]
    steady = ends[len(ends) // 5 : -(len(ends) // 5)]
    return (steady[-1] - steady[0]).total_seconds() / (len(steady) - 1)


def _run(*words: str | Path) -> None:
    command = [sys.executable, "-m", "calcarium", *map(str, words)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr}")

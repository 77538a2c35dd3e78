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
ARCHIVES = {60: 24, 140: 12}


def throughput(n_slices: int, repeats: int, work: Path) -> dict[str, dict[str, float]]:
    """Seconds per study by source of the region and number of workers.

    Medians. ``busy`` is the share of the time that the workers spent in studies: what is
    missing to 1 is scheduling and commits, so that two workers on two free cores come to
    ``2 * busy_two / busy_one`` of one. ``load`` says how many processes shared the cores.

    Headers are read before. All ways take turns, so that a busy moment meets each of them.
    """
    from archives import timing_scan, write_archive

    archive = work / f"throughput-{n_slices}"
    write_archive(archive, timing_scan(n_slices), ARCHIVES[n_slices], "explicit")
    index = work / "index"
    _run("index", archive / "dicom", "--out", index)
    samples: dict[tuple[str, int], list[tuple[float, float]]] = {}
    for _ in range(repeats):
        for source in ("masks", "detector"):
            for workers in (1, 2):
                found = _steady_s(archive, index, source, workers, work / "results")
                samples.setdefault((source, workers), []).append(found)
    shutil.rmtree(archive)
    shutil.rmtree(index)
    result: dict[str, dict[str, float]] = {}
    for source in ("masks", "detector"):
        one, two = (statistics.median(s for s, _ in samples[source, n]) for n in (1, 2))
        busy = [statistics.median(b for _, b in samples[source, n]) for n in (1, 2)]
        result[source] = {
            "one_worker_s": one,
            "two_workers_s": two,
            "ratio": one / two,
            "busy_one": busy[0],
            "busy_two": busy[1],
            "load": round(os.getloadavg()[0], 1),
        }
    return result


def _steady_s(
    archive: Path, index: Path, source: str, workers: int, out: Path
) -> tuple[float, float]:
    """Seconds per study between the first and last fifth of those that ended, and busy share."""
    shutil.copytree(index, out / "index")
    words: list[str | Path] = ["--out", out, "--workers", str(workers), "--quiet"]
    if source == "masks":
        words += ["--masks", archive / "masks"]
    _run("score", archive / "dicom", *words)
    rows = duckdb.sql(
        f"SELECT finished_at, outcome, study_s FROM '{out}/series/*.parquet' ORDER BY finished_at"
    ).fetchall()
    shutil.rmtree(out)
    if {outcome for _, outcome, _ in rows} != {"scored"}:
        raise RuntimeError(f"not every study was scored: {rows}")
    steady = rows[len(rows) // 5 : -(len(rows) // 5)]
    first, last = (datetime.fromisoformat(steady[place][0]) for place in (0, -1))
    span_s = (last - first).total_seconds()
    busy_s = sum(study_s for _, _, study_s in steady[1:])
    return span_s / (len(steady) - 1), busy_s / (workers * span_s)


def _run(*words: str | Path) -> None:
    command = [sys.executable, "-m", "calcarium", *map(str, words)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr}")

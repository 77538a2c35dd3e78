"""Studies per second of the whole command, with so many workers; start and end left out."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import psutil
from gpu_node_archive import Archive
from gpu_node_card import watched
from gpu_node_page_cache import COLD_AT_MOST, drop_from_cache, read_into_cache, resident_share

POLL_S = 0.1
# The difference of two runs is told from the noise of their starts where it is not much smaller.
LEAST_OF_START = 0.25


def throughput(
    archive: Archive,
    backend: str,
    workers: int,
    per_worker: int,
    *,
    masks: bool,
    cold: bool,
    card: dict[str, object] | None,
) -> dict[str, float | int | None]:
    """Headers to tables: the time that ``per_worker`` more studies for each worker take.

    The command runs over one study per worker, and then over all; the difference leaves out
    what happens once.  Both start with the files in the page cache, or with none of them.
    ``studies_per_s`` is ``None`` where the difference is too small to tell.
    """
    few, every = workers, workers * (1 + per_worker)
    first_s = _run(archive, few, backend, workers, masks=masks, cold=cold, card=None).pop("seconds")
    measured = _run(archive, every, backend, workers, masks=masks, cold=cold, card=card)
    every_s = measured.pop("seconds")
    return {
        "studies": every,
        "seconds": every_s,
        "seconds_for_one_each": first_s,
        "studies_per_s": rate_of(every - few, first_s, every_s),
        **measured,
    }


def rate_of(n_more: int, first_s: float | None, every_s: float | None) -> float | None:
    """Studies per second, from ``n_more`` studies that took the difference."""
    if first_s is None or every_s is None or every_s - first_s < LEAST_OF_START * first_s:
        return None
    return n_more / (every_s - first_s)


def set_cache(files: list[Path], *, cold: bool) -> float:
    """Empty the page cache of files, or fill it; the share of them that it holds then.

    Raises
    ------
    RuntimeError
        if it cannot be emptied: a file system in memory, or no such thing
    """
    if not cold:
        read_into_cache(files)
        return resident_share(files)
    drop_from_cache(files)
    share = resident_share(files)
    if share > COLD_AT_MOST:
        raise RuntimeError(f"{share:.0%} of the files stayed in the page cache: --states warm")
    return share


def _run(
    archive: Archive,
    n_studies: int,
    backend: str,
    workers: int,
    *,
    masks: bool,
    cold: bool,
    card: dict[str, object] | None,
) -> dict[str, float | None]:
    resident = set_cache(archive.files(n_studies), cold=cold)
    with tempfile.TemporaryDirectory(dir=archive.folder) as out:
        command = [sys.executable, "-m", "calcarium", "score"]
        command += [str(study) for study in archive.studies[:n_studies]]
        command += ["--out", f"{out}/results", "--backend", backend, "--workers", str(workers)]
        command += ["--masks", str(archive.masks)] if masks else []
        with watched(card) as seen:
            seconds, worker_bytes = _watched_run([*command, "--quiet"])
        _check_scored(f"{out}/results", n_studies)
    return {
        "seconds": seconds,
        "resident_before": resident,
        "worker_peak_bytes": worker_bytes,
        **seen,
    }


def _watched_run(command: list[str]) -> tuple[float, float]:
    """Wall time of a command, and the largest memory that one of its processes took."""
    with tempfile.TemporaryFile("w+") as said:
        began = time.perf_counter()
        process = psutil.Popen(command, stdout=said, stderr=said)
        peak = 0.0
        while process.poll() is None:
            peak = max(peak, _largest_child_bytes(process))
            time.sleep(POLL_S)
        seconds = time.perf_counter() - began
        if process.returncode:
            said.seek(0)
            raise RuntimeError(f"{' '.join(command[2:5])} ... failed:\n{said.read()[-2000:]}")
    return seconds, peak


def _largest_child_bytes(process: psutil.Process) -> float:
    """Resident bytes, files in memory and shared libraries included."""
    largest = 0.0
    try:
        for child in process.children(recursive=True):
            largest = max(largest, float(child.memory_info().rss))
    except psutil.NoSuchProcess:
        pass
    return largest


def _check_scored(results: str, n_studies: int) -> None:
    """What is not scored is fast: it must not count."""
    from calcarium.tables.folder import ResultFolder
    from calcarium.tables.runs import runs

    counts = runs(ResultFolder.at(results))[-1].counts
    if counts.get("scored") != n_studies:
        raise RuntimeError(f"of {n_studies} studies not all were scored: {dict(counts)}")

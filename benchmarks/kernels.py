"""Label and measure a whole image stack: the usual ways beside the numpy kernels; one run.

    python benchmarks/kernels.py
    python benchmarks/kernels.py --contract
    python benchmarks/kernels.py --before d89cfd4

All find the 8-connected components of each slice at 130 HU with area, peak and sum; medians over
repeats in one process, and how much slower each is than the kernels. ``--contract``: what the
contract that the backends share costs the numpy one, against its own steps called direct.
``--before``: the numpy backend of an earlier commit, in processes by turns with today's. Both in
processor time, which other work on the machine disturbs less; one thread does all of it.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from archives import foreground, timing_scan
from numpy.typing import NDArray
from scipy import ndimage

from calcarium_kernels import load
from calcarium_kernels.contract import Box, Cut
from calcarium_kernels.host.measure import measure_islands
from calcarium_kernels.host.runs import find_runs
from calcarium_kernels.host.unite import island_of_run, lesion_of_island

HERE = Path(__file__).parent
Stack = NDArray[np.int16]
THRESHOLD_HU = 130
EIGHT = np.ones((3, 3), dtype=bool)
EIGHT_IN_SLICE = np.zeros((3, 3, 3), dtype=bool)
EIGHT_IN_SLICE[1] = True


def loop_over_components(hu: Stack) -> int:
    """Per slice, a Python loop that masks the slice once per component."""
    found = 0
    for plane in hu:
        label, n = ndimage.label(plane >= THRESHOLD_HU, EIGHT)
        for component in range(1, n + 1):
            inside = label == component
            _ = inside.sum(), plane[inside].max(), plane[inside].sum(dtype=np.int64)
        found += n
    return found


def dense_labels(hu: Stack) -> int:
    """One dense label image, then counts by label."""
    bright = hu >= THRESHOLD_HU
    label, n = ndimage.label(bright, EIGHT_IN_SLICE)
    at = label[bright] - 1
    values = hu[bright]
    _ = np.bincount(at, minlength=n), np.bincount(at, weights=values, minlength=n)
    peak = np.full(n, -32768, dtype=np.int16)
    np.maximum.at(peak, at, values)
    return int(n)


def numpy_kernels(hu: Stack) -> int:
    """Islands of runs, with centroids, boxes and 3-D lesions as well."""
    n = len(hu)
    cut = Cut(np.full(n, THRESHOLD_HU, dtype=np.int32), 8)
    (islands,) = load("numpy").islands(
        hu, np.ones(n, np.int8), (cut,), box=Box.whole(hu.shape), labels=None, link=26
    )
    return len(islands)


def steps_called_direct(hu: Stack) -> int:
    """What the numpy kernels do, without the contract: nothing is checked, chosen or shared."""
    n = len(hu)
    sign, threshold = np.ones(n, np.int8), np.full(n, THRESHOLD_HU, dtype=np.int32)
    box = Box.whole(hu.shape)
    (runs,) = find_runs(hu, sign, (threshold,), box=box, labels=None)
    island = island_of_run(runs, 8)
    lesion = lesion_of_island(runs, island, 26)
    return len(measure_islands(runs, island, lesion, sign, columns=hu.shape[2]))


CONTRACT: dict[str, Callable[[Stack], int]] = {
    "numpy kernels": numpy_kernels,
    "steps called direct": steps_called_direct,
}
WAYS: dict[str, Callable[[Stack], int]] = {
    "numpy kernels": numpy_kernels,
    "dense scipy labels": dense_labels,
    "loop over components": loop_over_components,
}


def time_in_turn(
    ways: dict[str, Callable[[Stack], int]],
    hu: Stack,
    repeats: int,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, float]:
    """Median seconds of each; in rounds of a random order, after one that does not count."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    order, rng = list(ways), random.Random(0)
    for _ in range(repeats + 1):
        found = set()
        for name in order:
            began = clock()
            found.add(ways[name](hu))
            seconds[name].append(clock() - began)
        if len(found) != 1:
            raise RuntimeError(f"the ways disagree on the number of components: {found}")
        rng.shuffle(order)
    return {name: statistics.median(times[1:]) for name, times in seconds.items()}


def time_before(commit: str, hu: Stack, repeats: int) -> dict[str, float]:
    """Median seconds of today's numpy kernels and of those of a commit, in processes by turns."""
    seconds: dict[str, list[float]] = {"numpy kernels": [], f"those of {commit}": []}
    with tempfile.TemporaryDirectory() as folder:
        packed = subprocess.run(
            ["git", "-C", str(HERE.parent), "archive", commit, "kernels"],
            check=True,
            capture_output=True,
        )
        subprocess.run(["tar", "-x", "-C", folder], check=True, input=packed.stdout)
        np.save(Path(folder, "hu.npy"), hu)
        paths = dict(zip(seconds, ("", str(Path(folder, "kernels"))), strict=True))
        for _ in range(repeats):
            for name, path in paths.items():
                command = [sys.executable, __file__, "--once", str(Path(folder, "hu.npy"))]
                environment = {**os.environ, "PYTHONPATH": path}
                done = subprocess.run(command, check=True, capture_output=True, env=environment)
                seconds[name].append(float(done.stdout))
    return {name: statistics.median(times) for name, times in seconds.items()}


def main() -> None:
    """Time every way on a gated and on a chest stack."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--contract", action="store_true")
    parser.add_argument("--before", metavar="COMMIT")
    parser.add_argument("--once", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.once:
        print(time_in_turn({"": numpy_kernels}, np.load(args.once), 3, time.process_time)[""])
        return
    for n_slices in (60, 350):
        scan = timing_scan(n_slices)
        share, runs = foreground(scan)
        print(f"{n_slices} slices, {share:.1%} foreground, {runs:.0f} runs per slice")
        hu = np.ascontiguousarray(np.rint(scan.hu).astype(np.int16))
        if args.before:
            median = time_before(args.before, hu, args.repeats)
        elif args.contract:
            median = time_in_turn(CONTRACT, hu, args.repeats, time.process_time)
        else:
            median = time_in_turn(WAYS, hu, args.repeats)
        for name, value in median.items():
            ratio = value / median["numpy kernels"]
            print(f"  {name:22} {1000 * value:8.0f} ms  {ratio:5.2f}x")


if __name__ == "__main__":
    main()

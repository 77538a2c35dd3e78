"""Label and measure a whole image stack: the usual ways beside the numpy kernels; one run.

    python benchmarks/kernels.py

All find the 8-connected components of each slice at 130 HU with area, peak and sum; medians over
repeats in one process, and how much slower each is than the kernels.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np
from archives import foreground, timing_scan
from numpy.typing import NDArray
from scipy import ndimage

from calcarium_kernels import load
from calcarium_kernels.contract import Box, Cut

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


WAYS: dict[str, Callable[[Stack], int]] = {
    "numpy kernels": numpy_kernels,
    "dense scipy labels": dense_labels,
    "loop over components": loop_over_components,
}


def main() -> None:
    """Time every way on a gated and on a chest stack."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    repeats = parser.parse_args().repeats
    for n_slices in (60, 350):
        scan = timing_scan(n_slices)
        share, runs = foreground(scan)
        print(f"{n_slices} slices, {share:.1%} foreground, {runs:.0f} runs per slice")
        hu = np.ascontiguousarray(np.rint(scan.hu).astype(np.int16))
        seconds: dict[str, list[float]] = {name: [] for name in WAYS}
        for _ in range(repeats):
            found = set()
            for name, way in WAYS.items():
                began = time.perf_counter()
                found.add(way(hu))
                seconds[name].append(time.perf_counter() - began)
            if len(found) != 1:
                raise RuntimeError(f"the ways disagree on the number of components: {found}")
        median = {name: statistics.median(times) for name, times in seconds.items()}
        for name, value in median.items():
            ratio = value / median["numpy kernels"]
            print(f"  {name:22} {1000 * value:8.0f} ms  {ratio:5.1f}x")


if __name__ == "__main__":
    main()

"""What others take for a study, beside the kernels, in one process that has nothing else to do.

``python benchmarks/gpu_node_rivals.py STUDY MASK`` prints one line of JSON.
"""

from __future__ import annotations

import argparse
import importlib
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import numpy as np

Work: TypeAlias = Callable[[], object]
Row: TypeAlias = dict[str, str | float | None]
Stack: TypeAlias = np.ndarray[tuple[int, int, int], np.dtype[np.int16]]


def rivals(study: Path, mask: Path, backends: list[str], repeats: int) -> list[Row]:
    """Medians of the usual scorer, files to score; and of ways to label a volume in memory.

    What cannot be had has no seconds and a sentence that says why.
    """
    from usual_scorer import usual_score

    import kernels as labelling

    hu = _hounsfield_units(study)
    ways: dict[str, Callable[[], Work]] = {
        "usual open scorer, files to score": lambda: lambda: usual_score(study, mask),
        "calcarium numpy kernels": lambda: lambda: labelling.numpy_kernels(hu),
        "scipy label, loop over components": lambda: lambda: labelling.loop_over_components(hu),
        "scipy label, bincount": lambda: lambda: labelling.dense_labels(hu),
        "cc3d": lambda: _cc3d(hu),
    }
    if "cupy" in backends:
        ways["calcarium cupy kernels, copy included"] = lambda: _cupy_kernels(hu)
        ways["cupyx label, bincount, copy included"] = lambda: _cupyx_label(hu)
    return [_timed(way, prepare, repeats) for way, prepare in ways.items()]


def _timed(way: str, prepare: Callable[[], Work], repeats: int) -> Row:
    try:
        return {"way": way, "seconds": _median(prepare(), repeats), "note": ""}
    except ImportError as error:
        return {"way": way, "seconds": None, "note": f"not measured: {error}"}


def _hounsfield_units(study: Path) -> Stack:
    import pydicom

    slices = [pydicom.dcmread(path) for path in study.iterdir()]
    slices.sort(key=lambda one: float(one.ImagePositionPatient[2]))
    scaled = [one.pixel_array * float(one.RescaleSlope) + one.RescaleIntercept for one in slices]
    return np.ascontiguousarray(np.rint(np.stack(scaled)).astype(np.int16))


def _cc3d(hu: Stack) -> Work:
    """3-D labels with their statistics; it does not label slice by slice in one call."""
    cc3d = importlib.import_module("cc3d")

    def label() -> object:
        labels = cc3d.connected_components(hu >= 130, connectivity=26)
        return cc3d.statistics(labels), np.bincount(labels.reshape(-1), hu.reshape(-1))

    return label


def _cupy_kernels(hu: Stack) -> Work:
    from calcarium_kernels import load
    from calcarium_kernels.contract import Box, Cut

    cut = Cut(np.full(len(hu), 130, dtype=np.int32), 8)
    bright, box, kernels = np.ones(len(hu), np.int8), Box.whole(hu.shape), load("cupy")
    return lambda: kernels.islands(hu, bright, (cut,), box=box, labels=None, link=26)


def _cupyx_label(hu: Stack) -> Work:
    from kernels import EIGHT_IN_SLICE

    cupy = importlib.import_module("cupy")
    on_device = importlib.import_module("cupyx.scipy.ndimage")

    def label() -> object:
        values = cupy.asarray(hu)
        labels, _ = on_device.label(values >= 130, EIGHT_IN_SLICE)
        flat = labels.ravel()
        return cupy.bincount(flat).get(), cupy.bincount(flat, values.ravel()).get()

    return label


def _median(work: Work, repeats: int) -> float:
    seconds = []
    for number in range(repeats + 1):
        began = time.perf_counter()
        work()
        if number:  # the first one warms up
            seconds.append(time.perf_counter() - began)
    return statistics.median(seconds)


def main() -> None:
    """Body of a fresh interpreter."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("study", type=Path)
    parser.add_argument("mask", type=Path)
    parser.add_argument("--backends", nargs="+", default=["numpy"])
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    print(json.dumps(rivals(args.study, args.mask, args.backends, args.repeats)))


if __name__ == "__main__":
    main()

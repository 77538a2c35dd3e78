"""Does a build of the CUDA sources equal the numpy backend?  Also run on its own, sanitized.

``python shim_check.py LIBRARY N_TRIALS``
"""

from __future__ import annotations

import sys
from itertools import cycle
from pathlib import Path

import numpy as np
from host_shim import Schedule, ShimRuntime
from same import assert_same_islands

from calcarium_kernels.device import DeviceKernels
from calcarium_kernels.host import HostKernels
from calcarium_kernels.trials import trials

SCHEDULES = (
    Schedule(),
    Schedule(order=1),
    Schedule(resident=4, order=2, seed=5),
    Schedule(resident=3, order=2, yield_chance=4000, seed=7),
    Schedule(resident=2, order=2, yield_chance=30000, seed=9),
)


def check(library: Path, n_trials: int, *, seed: int = 0, max_voxels: int = 20_000) -> None:
    """Raise ``AssertionError`` or ``DeviceError`` at the first difference.

    Each trial runs under one schedule, in turn.  Scans and sums of blocks are checked
    on their own: trials are too small to need more than one block of either.
    """
    host = HostKernels()
    runtimes = [ShimRuntime(library, schedule, multiprocessors=2) for schedule in SCHEDULES]
    for number, (trial, runtime) in enumerate(
        zip(trials(n_trials, seed=seed, max_voxels=max_voxels), cycle(runtimes))
    ):
        arguments, keywords = trial.arguments()
        assert_same_islands(
            DeviceKernels(runtime).islands(*arguments, **keywords),
            host.islands(*arguments, **keywords),
            f"trial {number}, {trial.name}",
        )
        if number < len(runtimes):
            check_scan(runtime, n=2500)
            check_block_sum(runtime, host)


def check_scan(runtime: ShimRuntime, n: int) -> None:
    """``scan_counts`` over several rounds of its one block."""
    counts = np.random.default_rng(1).integers(0, 9, size=n, dtype=np.int32)
    on_device, total = runtime.buffer("scan", counts.nbytes), runtime.buffer("total", 4)
    runtime.upload(counts, on_device)
    runtime.launch("scan_counts", (1,), (1024,), on_device, np.int32(n), total)
    before, all_of_them = np.empty_like(counts), np.empty(1, dtype=np.int32)
    runtime.download(on_device, before)
    runtime.download(total, all_of_them)
    np.testing.assert_array_equal(before, np.cumsum(counts) - counts)
    assert all_of_them[0] == counts.sum()


def check_block_sum(runtime: ShimRuntime, host: HostKernels) -> None:
    """``sum_blocks`` on odd sizes, with both dtypes."""
    rng = np.random.default_rng(2)
    for dtype, factor in ((np.int16, 3), (np.uint16, 4)):
        limits = np.iinfo(dtype)
        stored = rng.integers(limits.min, limits.max, (3, 38, 141), dtype, endpoint=True)
        np.testing.assert_array_equal(
            DeviceKernels(runtime).block_sum(stored, factor),
            host.block_sum(stored, factor),
            strict=True,
        )


if __name__ == "__main__":
    check(Path(sys.argv[1]), int(sys.argv[2]), max_voxels=5000)
    print("equal")

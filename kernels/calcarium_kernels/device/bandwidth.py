"""How fast a card takes, gives, moves and reads bytes: wall clock until the work has ended."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

import numpy as np

from calcarium_kernels.contract import Box, Cut, Stored
from calcarium_kernels.device.cupy_runtime import CupyRuntime
from calcarium_kernels.device.kernels import DeviceKernels
from calcarium_kernels.device.runtime import Argument, Dim

SHAPE = (400, 512, 512)  # a long chest CT, 210 MB: beyond every cache
REPEATS = 7
LAUNCHES = 20  # behind each other, so that what a launch costs hides behind the work


@dataclass(frozen=True)
class Bandwidths:
    """In 10^9 bytes per second; ``None`` where no card was measured.

    Attributes
    ----------
    pageable_to_device, pinned_to_device : from ordinary and from pinned host memory
    device_to_pinned : back to pinned memory
    device_to_device : a copy on the card; bytes copied, each of which is read and written
    pack_kernel : stored bytes that the kernel takes which reads every voxel, copies left out
    """

    pageable_to_device: float | None = None
    pinned_to_device: float | None = None
    device_to_pinned: float | None = None
    device_to_device: float | None = None
    pack_kernel: float | None = None


class _Recording(CupyRuntime):
    """Remembers how each kernel was launched last, to launch it again."""

    def __init__(self) -> None:
        super().__init__()
        self.launched: dict[str, tuple[Dim, Dim, tuple[Argument, ...]]] = {}

    def launch(self, kernel: str, grid: Dim, block: Dim, *arguments: Argument) -> None:
        super().launch(kernel, grid, block, *arguments)
        self.launched[kernel] = (grid, block, arguments)


def measure_bandwidths(
    shape: tuple[int, int, int] = SHAPE, repeats: int = REPEATS, launches: int = LAUNCHES
) -> Bandwidths:
    """Medians of some repeats each, on the current CUDA device.

    Raises
    ------
    RuntimeError
        as :class:`.CupyRuntime`: there is no number without a device
    """
    runtime = _Recording()
    stored = _sparse_noise(shape)
    n_bytes = stored.nbytes
    pageable = stored.reshape(-1).view(np.uint8)
    pinned = runtime.staging(n_bytes)
    pinned[:] = pageable
    one, other = runtime.buffer("one", n_bytes), runtime.buffer("other", n_bytes)
    cut = Cut(np.full(shape[0], 130, dtype=np.int32), 8)
    bright = np.ones(shape[0], dtype=np.int8)
    whole = Box.whole(shape)
    DeviceKernels(runtime).islands(stored, bright, (cut,), box=whole, labels=None, link=26)
    grid, block, arguments = runtime.launched["pack"]

    def pack() -> None:
        for _ in range(launches):
            runtime.launch("pack", grid, block, *arguments)
        runtime.wait()

    def rate(work: Callable[[], None], times: int = 1) -> float:
        work()  # compiled, mapped, clocks up
        return times * n_bytes / 1e9 / median(_seconds(work) for _ in range(repeats))

    return Bandwidths(
        pageable_to_device=rate(lambda: runtime.upload(pageable, one)),
        pinned_to_device=rate(lambda: runtime.upload(pinned, one)),
        device_to_pinned=rate(lambda: runtime.download(one, pinned)),
        device_to_device=rate(lambda: runtime.copy_on_device(one, other, n_bytes)),
        pack_kernel=rate(pack, launches),
    )


def _sparse_noise(shape: tuple[int, int, int]) -> Stored:
    """About 4 % at 130 or above, as in a chest; the same few slices over and over."""
    few = np.random.default_rng(0).normal(-45, 100, (min(8, shape[0]), *shape[1:]))
    return np.resize(few.astype(np.int16), shape)


def _seconds(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began

"""Prove a backend on this machine: equality on 500 volumes, and bandwidths that were measured.

Needs numpy and scipy, and CuPy where a GPU is to be proven.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, fields
from statistics import median
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from calcarium_kernels import load
from calcarium_kernels.contract import Box, Cut, Islands, Kernels, Stored
from calcarium_kernels.device.bandwidth import Bandwidths, measure_bandwidths
from calcarium_kernels.host import HostKernels
from calcarium_kernels.trials import LINKS, Mask, Trial, trials

BLOCK_FACTOR = 3  # divides no usual matrix: rows and columns are left over
STRUCTURE_RANK = {6: 1, 18: 2, 26: 3}


@dataclass(frozen=True)
class SelfCheck:
    """What was compared and measured; ``dataclasses.asdict`` of it is JSON.

    Attributes
    ----------
    backend, device : what was checked; ``device`` is empty where no GPU was measured
    n_volumes, differences : volumes compared with numpy, and the names of those that differ
    scan_compared : whether a scan of the user's was among them
    labelled_by : the independent labelling that lesions were compared with
    label_differences : connectivities for which it disagrees
    islands_ms, block_sum_ms : median wall time of a call on ``timed_shape``, copies included
    stored_mb_per_s : stored megabytes that ``islands`` took per second, copies included
    bandwidths_gb_per_s : of the card; nothing but ``None`` where no GPU was measured
    """

    backend: str
    device: str
    gpu_was_measured: bool
    n_volumes: int
    scan_compared: bool
    differences: tuple[str, ...]
    labelled_by: str
    label_differences: tuple[str, ...]
    timed_shape: tuple[int, int, int]
    islands_ms: float
    block_sum_ms: float
    stored_mb_per_s: float
    bandwidths_gb_per_s: Bandwidths

    @property
    def passed(self) -> bool:
        """Whether everything was equal."""
        return not self.differences and not self.label_differences


def self_check(
    backend: Literal["numpy", "cupy"], *, n_volumes: int = 500, scan: Stored | None = None
) -> SelfCheck:
    """Compare a backend with numpy and with a dense labelling, then time it.

    Parameters
    ----------
    backend : as :func:`calcarium_kernels.load`, whose errors it raises
    n_volumes : random and adversarial volumes to compare
    scan : int16 or uint16, shape (z, y, x); a scan of the user's to compare and time on
        (its brightest 3 % are foreground); ``None`` makes noise of 60 slices
    """
    kernels = load(backend)
    stored = _noise() if scan is None else scan
    differences = [trial.name for trial in trials(n_volumes, seed=0) if _differs(kernels, trial)]
    if any(_differs(kernels, trial) for trial in _on_scan(stored)):
        differences.append("the scan")
    positional, keywords = _call_on(stored)
    islands_s = _seconds(lambda: kernels.islands(*positional, **keywords))
    on_gpu = backend == "cupy"
    return SelfCheck(
        backend=backend,
        device=_device_name() if on_gpu else "",
        gpu_was_measured=on_gpu,
        n_volumes=n_volumes,
        scan_compared=scan is not None,
        differences=tuple(differences),
        labelled_by="cupyx.scipy.ndimage.label" if on_gpu else "scipy.ndimage.label",
        label_differences=_label_differences(kernels, stored[:40], on_gpu=on_gpu),
        timed_shape=(stored.shape[0], stored.shape[1], stored.shape[2]),
        islands_ms=1e3 * islands_s,
        block_sum_ms=1e3 * _seconds(lambda: kernels.block_sum(stored, 4)),
        stored_mb_per_s=stored.nbytes / 1e6 / islands_s,
        bandwidths_gb_per_s=measure_bandwidths() if on_gpu else Bandwidths(),
    )


def summary(check: SelfCheck) -> str:
    """The result in a few lines for a terminal."""
    where = f"GPU {check.device}" if check.gpu_was_measured else "CPU; no GPU was measured"
    scan = "your scan" if check.scan_compared else "no scan of yours (--scan)"
    lines = [
        f"backend {check.backend} on {where}: {'passed' if check.passed else 'FAILED'}",
        f"{check.n_volumes} volumes and {scan} compared with numpy, "
        f"{len(check.differences)} differ",
        f"{check.labelled_by}: {len(check.label_differences)} of {len(LINKS)} labellings differ",
        f"islands {check.islands_ms:.1f} ms, block sums {check.block_sum_ms:.1f} ms "
        f"on {check.timed_shape}, copies included ({check.stored_mb_per_s:.0f} MB/s)",
    ]
    measured = asdict(check.bandwidths_gb_per_s).items()
    lines += [f"{name} {rate:.1f} GB/s" for name, rate in measured if rate is not None]
    return "\n".join(lines)


def _differs(kernels: Kernels, trial: Trial) -> bool:
    positional, keywords = trial.arguments()
    expected = HostKernels().islands(*positional, **keywords)
    found = kernels.islands(*positional, **keywords)
    same = len(found) == len(expected) and all(
        np.array_equal(getattr(one, field.name), getattr(other, field.name))
        for one, other in zip(found, expected, strict=True)
        for field in fields(Islands)
    )
    sums = HostKernels().block_sum(trial.stored, BLOCK_FACTOR)
    return not (same and np.array_equal(kernels.block_sum(trial.stored, BLOCK_FACTOR), sums))


def _on_scan(stored: Stored) -> Iterator[Trial]:
    """The scan as a whole; and a part of it with labels, by three cuts."""
    (_, sign, (cut,)), keywords = _call_on(stored)
    yield Trial("whole", stored, sign, (cut,), keywords["box"], None, 26)
    box = Box(*(end for size in stored.shape for end in (size // 5, size - size // 7)))
    labels = np.zeros(box.shape, dtype=np.uint16)
    labels[:, 1:] = 1 + np.arange(box.shape[2]) // 37 % 3
    cuts = (cut, Cut(cut.threshold, 4), Cut(cut.threshold - 17, 8))
    yield Trial("part", stored, sign, cuts, box, labels, 18)


def _call_on(stored: Stored, link: int = 26) -> tuple[tuple[Any, ...], dict[str, Any]]:
    threshold = np.full(len(stored), np.quantile(stored[::4, ::4, ::4], 0.97), dtype=np.int32)
    sign = np.ones(len(stored), dtype=np.int8)
    keywords = {"box": Box.whole(stored.shape), "labels": None, "link": link}
    return (stored, sign, (Cut(threshold, 4 if link == 6 else 8),)), keywords


def _label_differences(kernels: Kernels, stored: Stored, *, on_gpu: bool) -> tuple[str, ...]:
    """Links for which voxels per lesion differ from those of a dense 3-D labelling."""
    differing = []
    for link in LINKS:
        positional, keywords = _call_on(stored, link)
        (islands,) = kernels.islands(*positional, **keywords)
        found = np.zeros(int(islands.lesion.max(initial=-1)) + 1, dtype=np.int64)
        np.add.at(found, islands.lesion, islands.area_px)
        mask = stored >= positional[2][0].threshold[0]
        structure = ndimage.generate_binary_structure(3, STRUCTURE_RANK[link])
        if not np.array_equal(found, _sizes(mask, structure, on_gpu=on_gpu)):
            differing.append(f"link {link}")
    return tuple(differing)


def _sizes(mask: Mask, structure: Mask, *, on_gpu: bool) -> NDArray[np.integer]:
    """Voxels of each component, in raster order of its first voxel."""
    if not on_gpu:
        label = ndimage.label(mask, structure)[0]
    else:
        cupy = importlib.import_module("cupy")
        on_device = importlib.import_module("cupyx.scipy.ndimage")
        label = on_device.label(cupy.asarray(mask), cupy.asarray(structure))[0].get()
    labels, first, count = np.unique(label[mask], return_index=True, return_counts=True)
    return np.asarray(count[np.argsort(first)] if labels.size else count)


def _noise() -> Stored:
    noise = np.random.default_rng(0).normal(0, 300, (60, 512, 512))
    return np.asarray(noise.clip(-3000, 3000), dtype=np.int16)


def _device_name() -> str:
    runtime = importlib.import_module("cupy").cuda.runtime
    name = runtime.getDeviceProperties(runtime.getDevice())["name"].decode()
    driver = runtime.driverGetVersion()
    return f"{name}, driver for CUDA {driver // 1000}.{driver % 1000 // 10}"


def _seconds(call: Callable[[], object], repeats: int = 5) -> float:
    """Median wall time after one call that is not counted."""
    call()
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return median(seconds)

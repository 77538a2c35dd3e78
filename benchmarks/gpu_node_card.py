"""The card: what it is, what its floors are, how busy it was.  Without one, nothing at all."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import numpy as np
from gpu_node_archive import SLICE_BYTES
from gpu_node_floors import Work

from calcarium.batch.backend import choose_backend
from calcarium.errors import UsageError

SAMPLE_MS = 200
FIELDS = ("name", "driver_version", "memory.total")
CARD_ONLY = ("pinned_copy", "device_copy")  # floors that need a card


def find_card(backend: str) -> dict[str, object] | None:
    """The cards of this node as ``nvidia-smi`` tells of them; ``None`` without a usable one.

    Raises
    ------
    SystemExit
        if ``cupy`` is asked for and cannot be had
    """
    try:
        chosen = choose_backend("numpy" if backend == "numpy" else "cupy")
    except UsageError as error:
        if backend == "cupy":
            raise SystemExit(f"{error}. Nothing was measured.") from error
        return None
    if chosen == "numpy":
        return None
    rows = _smi(f"--query-gpu={','.join(FIELDS)}")
    if not rows:
        raise SystemExit("there is a CUDA device, but nvidia-smi does not tell which")
    name, driver, memory_mib = rows[0]
    return {
        "name": name,
        "count": len(rows),
        "driver": driver,
        "memory_mib": _number(memory_mib),
        "cuda": _cuda_versions(),
    }


def _smi(query: str) -> list[list[str]]:
    if shutil.which("nvidia-smi") is None:
        return []
    command = ["nvidia-smi", query, "--format=csv,noheader,nounits"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return [[cell.strip() for cell in line.split(",")] for line in listed.splitlines()]


def _number(cell: str) -> float | None:
    """``nvidia-smi`` writes ``[N/A]`` of divided cards and of memory that host and card share."""
    try:
        return float(cell)
    except ValueError:
        return None


def _cuda_versions() -> dict[str, int]:
    """Of the driver and of CuPy's runtime; in a process of its own, which alone has a context."""
    import json
    import sys

    code = (
        "import json, cupy; r = cupy.cuda.runtime; "
        "print(json.dumps({'driver': r.driverGetVersion(), 'runtime': r.runtimeGetVersion()}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))


@dataclass(frozen=True)
class CopyToPinned:
    """Copy the volume of a study to pinned memory, as many slices at a time as the scorer."""

    slices: int

    def prepare(self, process: int) -> Work:  # noqa: ARG002
        """One volume and the pinned buffer."""
        runtime, stored, step = _on_card(self.slices)
        pinned = runtime.staging(step * SLICE_BYTES)

        def copy(number: int) -> None:  # noqa: ARG001
            for begin in range(0, stored.size, pinned.size):
                part = stored[begin : begin + pinned.size]
                pinned[: part.size] = part

        return copy


@dataclass(frozen=True)
class CopyToDevice:
    """Copy as many bytes as the volume of a study from pinned memory to the card."""

    slices: int

    def prepare(self, process: int) -> Work:  # noqa: ARG002
        """The pinned buffer and its target."""
        runtime, stored, step = _on_card(self.slices)
        pinned = runtime.staging(step * SLICE_BYTES)
        target = runtime.buffer("voxels", stored.size)

        def copy(number: int) -> None:  # noqa: ARG001
            for begin in range(0, stored.size, pinned.size):
                n_bytes = min(pinned.size, stored.size - begin)
                runtime.upload(pinned[:n_bytes], target, begin)

        return copy


def _on_card(slices: int) -> tuple[Any, np.ndarray[Any, np.dtype[np.uint8]], int]:
    from calcarium_kernels.device.chain import STAGING_BYTES
    from calcarium_kernels.device.claim import claim_device
    from calcarium_kernels.device.cupy_runtime import CupyRuntime

    claim_device()
    stored = np.ones(slices * SLICE_BYTES, dtype=np.uint8)
    return CupyRuntime(), stored, min(slices, STAGING_BYTES // SLICE_BYTES)


@contextmanager
def watched(card: dict[str, object] | None) -> Iterator[dict[str, float | None]]:
    """How busy the cards are meanwhile, filled in at the end; ``None`` without a card."""
    seen: dict[str, float | None] = {"gpu_busy_share": None, "gpu_memory_mib": None}
    if card is None:
        yield seen
        return
    query = "--query-gpu=utilization.gpu,memory.used"
    with tempfile.TemporaryFile("w+") as samples:
        command = ["nvidia-smi", query, "--format=csv,noheader,nounits", "-lms", str(SAMPLE_MS)]
        sampler = subprocess.Popen(command, stdout=samples)
        try:
            yield seen
        finally:
            sampler.terminate()
            sampler.wait()
        samples.seek(0)
        rows = [line.split(",") for line in samples.read().splitlines() if line.count(",") == 1]
    busy = [share for row in rows if (share := _number(row[0])) is not None]
    used = [mib for row in rows if (mib := _number(row[1])) is not None]
    seen["gpu_busy_share"] = fmean(busy) / 100 if busy else None
    seen["gpu_memory_mib"] = max(used, default=None)

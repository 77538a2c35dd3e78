"""The contract of :mod:`calcarium_kernels.contract`, on a CUDA device."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from calcarium_kernels.arguments import check_block_sum_arguments, check_islands_arguments
from calcarium_kernels.contract import Box, Cut, Int32, Islands, Labels, Link, Stored
from calcarium_kernels.device.chain import max_slices, measure_box, sum_blocks
from calcarium_kernels.device.cupy_runtime import CupyRuntime
from calcarium_kernels.device.keys import Keys
from calcarium_kernels.device.records import islands_of_records, no_islands
from calcarium_kernels.device.runtime import Runtime
from calcarium_kernels.device.slabs import join_slabs, slabs
from calcarium_kernels.sparse import SparseArray

T = TypeVar("T")


class DeviceKernels:
    """The CuPy backend; see :class:`calcarium_kernels.contract.Kernels`.

    Buffers are kept between calls.  Where the device is too full for a box, the box is
    worked through in slabs; nothing ever falls back to the host.

    Parameters
    ----------
    runtime : the device; ``None`` is the current CUDA device through CuPy

    Raises
    ------
    RuntimeError
        if CuPy or a device is missing; the message says what to install
    DeviceError
        from any method, if the device gives way: this process cannot use it any more
    """

    name = "cupy"

    def __init__(self, runtime: Runtime | None = None) -> None:
        self._runtime = CupyRuntime() if runtime is None else runtime

    def islands(
        self,
        stored: Stored,
        sign: NDArray[np.int8],
        cuts: tuple[Cut, ...],
        *,
        box: Box,
        labels: Labels | SparseArray | None,
        link: Link,
    ) -> tuple[Islands, ...]:
        """Islands of each cut inside ``box``; see the contract."""
        check_islands_arguments(stored, sign, cuts, box, labels, link)
        if isinstance(labels, SparseArray):
            labels = np.asarray(labels)
        if 0 in box.shape or not cuts:
            return tuple(no_islands() for _ in cuts)

        def in_slabs(depth: int) -> tuple[Islands, ...]:
            boxes = list(slabs(box, depth))
            parts = [self._slab(stored, sign, cuts, box, slab, labels, link) for slab in boxes]
            if len(parts) == 1:
                return parts[0]
            return tuple(join_slabs(boxes, [part[k] for part in parts]) for k in range(len(cuts)))

        most = max_slices(box, len(cuts), labelled=labels is not None)
        return self._as_deep_as_fits(in_slabs, min(box.shape[0], most), 2)

    def block_sum(self, stored: Stored, factor: int) -> Int32:
        """Sums over in-plane blocks; see the contract."""
        check_block_sum_arguments(stored, factor)
        n_slices, rows, columns = stored.shape
        sums = np.empty((n_slices, rows // factor, columns // factor), dtype=np.int32)
        if not sums.size:
            return sums

        def in_slabs(depth: int) -> Int32:
            for z in range(0, n_slices, depth):
                sums[z : z + depth] = sum_blocks(self._runtime, stored[z : z + depth], factor)
            return sums

        return self._as_deep_as_fits(in_slabs, n_slices, 1)

    def _slab(
        self,
        stored: Stored,
        sign: NDArray[np.int8],
        cuts: tuple[Cut, ...],
        box: Box,
        slab: Box,
        labels: Labels | None,
        link: Link,
    ) -> tuple[Islands, ...]:
        here = labels if labels is None else labels[slab.z0 - box.z0 : slab.z1 - box.z0]
        keys = Keys.of(stored, sign[slab.z0 : slab.z1])
        records, lesion = measure_box(
            self._runtime, stored, keys, cuts, box=slab, labels=here, link=link
        )
        return islands_of_records(records, lesion, keys, slab, len(cuts))

    def _as_deep_as_fits(self, work: Callable[[int], T], depth: int, least: int) -> T:
        """``work(depth)``; where memory runs out, again on an emptied device, then by halves."""
        emptied = False
        while True:
            try:
                return work(depth)
            except MemoryError:
                if emptied and depth <= least:
                    self._runtime.release()
                    raise
            # Not in the handler: the frames of its traceback hold on to the buffers.
            self._runtime.release()
            if emptied:
                depth = max(least, depth // 2)
            emptied = True

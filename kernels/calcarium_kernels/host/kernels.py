"""The contract of :mod:`calcarium_kernels.contract`, in numpy and scipy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from calcarium_kernels.arguments import check_block_sum_arguments, check_islands_arguments
from calcarium_kernels.contract import Box, Cut, InSlice, Int32, Islands, Labels, Link, Stored
from calcarium_kernels.host.blocks import block_sum
from calcarium_kernels.host.measure import measure_islands
from calcarium_kernels.host.runs import find_runs
from calcarium_kernels.host.unite import island_of_run, lesion_of_island
from calcarium_kernels.sparse import SparseArray


class HostKernels:
    """The numpy backend; see :class:`calcarium_kernels.contract.Kernels`."""

    name = "numpy"

    def islands(
        self,
        stored: Stored | SparseArray,
        sign: NDArray[np.int8],
        cuts: tuple[Cut, ...],
        *,
        box: Box,
        labels: Labels | SparseArray | None,
        link: Link,
    ) -> tuple[Islands, ...]:
        """Islands of each cut inside ``box``; see the contract. Sparse arrays pass as well."""
        check_islands_arguments(stored, sign, cuts, box, labels, link)
        # Cuts that differ only in connectivity share their runs. Where HU are integers, > 129 and
        # >= 130 are one cut.
        keys = [(cut.threshold.tobytes(), cut.connectivity) for cut in cuts]
        distinct = {cut.threshold.tobytes(): cut.threshold for cut in cuts}
        found = find_runs(stored, sign, tuple(distinct.values()), box=box, labels=labels)
        runs_at = dict(zip(distinct, found, strict=True))
        islands: dict[tuple[bytes, InSlice], Islands] = {}
        for threshold, connectivity in dict.fromkeys(keys):
            runs = runs_at[threshold]
            island = island_of_run(runs, connectivity)
            lesion = lesion_of_island(runs, island, link)
            islands[threshold, connectivity] = measure_islands(
                runs, island, lesion, sign, columns=stored.shape[2]
            )
        return tuple(islands[key] for key in keys)

    def block_sum(self, stored: Stored, factor: int) -> Int32:
        """Sums over in-plane blocks; see the contract."""
        check_block_sum_arguments(stored, factor)
        return block_sum(stored, factor)

"""Foreground voxels of a box with the lesion that each belongs to, as a sparse list."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calcarium_kernels.arguments import check_islands_arguments
from calcarium_kernels.contract import Box, Cut, Int32, Int64, Labels, Link, Stored
from calcarium_kernels.host.runs import Plane, Runs, find_runs
from calcarium_kernels.host.unite import lesion_of_island
from calcarium_kernels.sparse import SparseArray


@dataclass(frozen=True)
class LesionVoxels:
    """Foreground voxels in raster order, with the lesion of each.

    All are ``int64``, shape ``(n_voxels,)``.

    Attributes
    ----------
    z, y, x : indices of the whole volume
    label : region label; 1 where no labels were given
    lesion : id of the lesion, from 0 in raster order of the first voxel
    n_lesions : number of lesions
    """

    z: Int64
    y: Int64
    x: Int64
    label: Int64
    lesion: Int64
    n_lesions: int

    def __len__(self) -> int:
        return int(self.lesion.size)


def lesion_voxels(
    stored: Stored | SparseArray,
    sign: NDArray[np.int8],
    threshold: Int32,
    *,
    box: Box,
    labels: Labels | SparseArray | None = None,
    planes: Iterable[Plane] | None = None,
    link: Link = 26,
) -> LesionVoxels:
    """Foreground voxels of ``box`` and the 3-D component (6, 18 or 26) of each.

    Host only: what looks at single voxels is sparse and runs on the CPU on every
    backend. A :class:`~calcarium_kernels.sparse.SparseArray` may take the place of either array.

    Parameters
    ----------
    stored, sign, box, labels, link : as in :meth:`calcarium_kernels.contract.Kernels.islands`
    planes : labels slice by slice, in place of ``labels``; they need the memory of one
    threshold : int32, shape (n_slices,), as in :class:`calcarium_kernels.contract.Cut`

    Raises
    ------
    ValueError
        as :meth:`calcarium_kernels.contract.Kernels.islands`
    """
    check_islands_arguments(stored, sign, (Cut(threshold, 8),), box, labels, link)
    (runs,) = find_runs(stored, sign, (threshold,), box=box, labels=labels, planes=planes)
    lesion = lesion_of_island(runs, np.arange(len(runs)), link)
    lesion_of_voxel = np.repeat(lesion, runs.last - runs.first + 1)
    return LesionVoxels(
        *_voxels(runs), lesion=lesion_of_voxel, n_lesions=int(lesion.max(initial=-1)) + 1
    )


def foreground_voxels(
    stored: Stored | SparseArray,
    sign: NDArray[np.int8],
    threshold: Int32,
    *,
    box: Box,
    labels: Labels | SparseArray | None = None,
) -> tuple[Int64, Int64, Int64, Int64]:
    """Slice, row, column and label of the same voxels, where lesions do not matter."""
    check_islands_arguments(stored, sign, (Cut(threshold, 8),), box, labels, 26)
    return _voxels(*find_runs(stored, sign, (threshold,), box=box, labels=labels))


def _voxels(runs: Runs) -> tuple[Int64, Int64, Int64, Int64]:
    length = runs.last - runs.first + 1
    before = np.cumsum(length) - length
    column = np.arange(int(length.sum())) + np.repeat(runs.first - before, length)
    slice_, row, label = (np.repeat(i, length) for i in (runs.slice, runs.row, runs.label))
    return slice_, row, column, label

"""Each island measured from its runs, in integers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from calcarium_kernels.contract import Int64, Islands
from calcarium_kernels.host.runs import PLACE_BITS, PLACE_MAX, Runs

INT64 = np.iinfo(np.int64)


def measure_islands(
    runs: Runs, island: Int64, lesion: Int64, sign: NDArray[np.int8], *, columns: int
) -> Islands:
    """One record per island.

    Parameters
    ----------
    runs : in raster order
    island : id of the island of each run, shape (n_runs,)
    lesion : id of the lesion of each island, shape (n_islands,)
    sign : of each slice of the volume
    columns : width of a slice in voxels
    """
    n = lesion.size
    length = runs.last - runs.first + 1
    first_run = np.empty(n, dtype=np.int64)
    first_run[island[::-1]] = np.arange(len(runs))[::-1]
    row_max = np.empty(n, dtype=np.int64)
    row_max[island] = runs.row  # runs are in raster order, and the last one written stays
    peak_key = _extreme(np.maximum, runs.peak_key, island, n)
    peak_place = PLACE_MAX - (peak_key & PLACE_MAX)
    slice_ = runs.slice[first_run]
    return Islands(
        slice=slice_,
        label=runs.label[first_run],
        area_px=_sum(length, island, n),
        peak=sign[slice_] * (peak_key >> PLACE_BITS),
        peak_row=peak_place // columns,
        peak_column=peak_place % columns,
        total=_sum(runs.total, island, n),
        row_sum=_sum(runs.row * length, island, n),
        column_sum=_sum((runs.first + runs.last) * length // 2, island, n),
        row_min=runs.row[first_run],
        row_max=row_max,
        column_min=_extreme(np.minimum, runs.first, island, n),
        column_max=_extreme(np.maximum, runs.last, island, n),
        lesion=lesion,
    )


def _sum(values: Int64, island: Int64, n: int) -> Int64:
    sums = np.zeros(n, dtype=np.int64)
    np.add.at(sums, island, values)
    return sums


def _extreme(ufunc: np.ufunc, values: Int64, island: Int64, n: int) -> Int64:
    extremes = np.full(n, INT64.min if ufunc is np.maximum else INT64.max)
    ufunc.at(extremes, island, values)
    return extremes

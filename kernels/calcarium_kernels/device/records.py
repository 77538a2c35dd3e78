"""Records of the device as the contract's islands."""

from __future__ import annotations

from dataclasses import fields
from itertools import pairwise

import numpy as np

from calcarium_kernels.contract import Box, Int32, Int64, Islands
from calcarium_kernels.device.keys import KEY_MIN, Keys

PLACE_MAX = 0xFFFFFFFF


def islands_of_records(
    records: Int64, lesion: Int32, keys: Keys, box: Box, n_cuts: int
) -> tuple[Islands, ...]:
    """One table per cut, in stored values and in coordinates of the whole volume.

    Parameters
    ----------
    records : int64, shape (n_islands, 11), columns as ``enum Field`` of ``cuda/measure.cuh``
    lesion : int32, shape (n_islands,), the first island of each one's lesion
    """
    depth = box.shape[0]
    ends = np.searchsorted(records[:, 0], depth * np.arange(n_cuts + 1))
    first = lesion == np.arange(len(lesion))
    number = (np.cumsum(first) - 1)[lesion]  # of all cuts together
    return tuple(
        _islands(records[begin:end], number[begin:end], keys, box) for begin, end in pairwise(ends)
    )


def no_islands() -> Islands:
    """The table of a box in which nothing is looked at."""
    return Islands(**{field.name: np.empty(0, dtype=np.int64) for field in fields(Islands)})


def _islands(records: Int64, lesion: Int64, keys: Keys, box: Box) -> Islands:
    depth, _, width = box.shape
    (plane_slice, label, area, total, row_sum, column_sum) = records[:, :6].T
    (row_min, row_max, column_min, column_max, peak_key) = records[:, 6:].T
    z = plane_slice % max(depth, 1)
    sign, bias = keys.sign[z], keys.bias[z]
    place = PLACE_MAX - (peak_key & PLACE_MAX)
    return Islands(
        slice=z + box.z0,
        label=label.copy(),
        area_px=area.copy(),
        peak=sign * ((peak_key >> 32) + KEY_MIN - bias),
        peak_row=place // width + box.y0,
        peak_column=place % width + box.x0,
        total=sign * (total - bias * area),
        row_sum=row_sum + box.y0 * area,
        column_sum=column_sum + box.x0 * area,
        row_min=row_min + box.y0,
        row_max=row_max + box.y0,
        column_min=column_min + box.x0,
        column_max=column_max + box.x0,
        lesion=lesion - lesion[:1] if lesion.size else lesion,
    )

"""Labels as horizontal runs: a label map without its background.

Labels of calcium, arteries or a heart are a small part of their grid, and come in stretches.
As runs they take kilobytes where an array takes as much memory as the scan, and what is asked
of a mask (which labels, how far do they reach, where do they lie on another grid) is asked of
few numbers.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from calcarium.errors import ScanFailed
from calcarium_kernels.contract import Box, Int64, Labels

MAX_LABEL = int(np.iinfo(np.uint16).max)
# So many runs are painted at a time: the indices of their voxels are short-lived.
RUNS_AT_ONCE = 1024


@dataclass(frozen=True)
class LabelRuns:
    """Horizontal stretches of one label each, none of which is 0, in any order.

    Attributes
    ----------
    plane, row, first, stop : int32, shape (n_runs,); where a run is, from its first column to
        the one after its last
    value : uint16, shape (n_runs,)
    """

    plane: NDArray[np.int32]
    row: NDArray[np.int32]
    first: NDArray[np.int32]
    stop: NDArray[np.int32]
    value: Labels

    @classmethod
    def of(
        cls,
        plane: NDArray[np.integer],
        row: NDArray[np.integer],
        first: NDArray[np.integer],
        stop: NDArray[np.integer],
        value: NDArray[np.integer],
    ) -> LabelRuns:
        """Runs of integers of any kind."""
        return cls(
            plane.astype(np.int32),
            row.astype(np.int32),
            first.astype(np.int32),
            stop.astype(np.int32),
            value.astype(np.uint16),
        )

    @classmethod
    def joined(cls, parts: Sequence[LabelRuns]) -> LabelRuns:
        """All runs of several parts."""
        columns = [[getattr(part, field.name) for part in parts] for field in fields(cls)]
        return cls.of(*(np.concatenate(c) if c else np.empty(0, dtype=np.int32) for c in columns))

    def __len__(self) -> int:
        return int(self.value.size)

    @property
    def box(self) -> Box:
        """Smallest box that holds every run; empty if there is none."""
        if not len(self):
            return Box(0, 0, 0, 0, 0, 0)
        return Box(
            int(self.plane.min()), int(self.plane.max()) + 1,
            int(self.row.min()), int(self.row.max()) + 1,
            int(self.first.min()), int(self.stop.max()),
        )  # fmt: skip

    def values(self) -> set[int]:
        """Labels that occur."""
        return {int(value) for value in np.unique(self.value)}

    def part(self, keep: NDArray[np.bool_] | NDArray[np.integer]) -> LabelRuns:
        """Some of the runs."""
        return LabelRuns(*(getattr(self, field.name)[keep] for field in fields(self)))

    def only(self, values: Collection[int]) -> LabelRuns:
        """Runs of some labels."""
        return self.part(np.isin(self.value, np.array(sorted(values), dtype=np.int64)))

    def moved(self, planes: int, rows: int, columns: int) -> LabelRuns:
        """The same runs so many voxels further on."""
        return LabelRuns.of(
            self.plane + planes,
            self.row + rows,
            self.first + columns,
            self.stop + columns,
            self.value,
        )

    def some_voxels(self, most: int) -> Int64:
        """Indices of at most ``2 * most`` labelled voxels, evenly chosen; shape (n, 3)."""
        length = self.stop.astype(np.int64) - self.first
        end = np.cumsum(length)
        n_voxels = int(end[-1]) if len(self) else 0
        number = np.arange(0, n_voxels, max(1, n_voxels // most))
        run = np.searchsorted(end, number, side="right")
        column = self.stop[run] - (end[run] - number)
        return np.stack([self.plane[run], self.row[run], column], axis=1).astype(np.int64)

    def paint(self, into: NDArray[np.generic], box: Box) -> None:
        """Write the labels into a C-contiguous array that stands for a box round all runs."""
        flat = into.reshape(-1)
        _, rows, columns = box.shape
        for start in range(0, len(self), RUNS_AT_ONCE):
            some = self.part(np.arange(start, min(start + RUNS_AT_ONCE, len(self))))
            line = (some.plane.astype(np.int64) - box.z0) * rows + (some.row - box.y0)
            length = some.stop - some.first
            index = ranges(line * columns + (some.first - box.x0), length)
            flat[index] = np.repeat(some.value, length)


def runs_of_rows(
    block: NDArray[np.generic], first_row: int, rows: int, mask_name: str = ""
) -> LabelRuns:
    """Runs of some consecutive rows of a grid.

    Parameters
    ----------
    block : (n, columns), of any type
    first_row : number of the first of them, counted through all planes
    rows : of one plane
    mask_name : for messages

    Raises
    ------
    ScanFailed
        if a value is no whole number from 0 to 65535
    """
    columns = block.shape[1]
    flat = block.reshape(-1)
    starts = np.empty(flat.size, dtype=np.bool_)
    starts[0] = True
    np.not_equal(flat[1:], flat[:-1], out=starts[1:])
    starts[::columns] |= flat[::columns] != 0
    start = np.flatnonzero(starts)
    value = flat[start]
    labelled = value != 0
    length = np.diff(start, append=flat.size)[labelled]
    line, first = np.divmod(start[labelled], columns)
    plane, row = np.divmod(line + first_row, rows)
    return LabelRuns.of(plane, row, first, first + length, _labels(value[labelled], mask_name))


def _labels(values: NDArray[np.generic], mask_name: str) -> Labels:
    if values.dtype.kind == "b" or values.dtype in (np.uint8, np.uint16):
        return values.astype(np.uint16)
    if values.size and not 0 <= values.min() <= values.max() <= MAX_LABEL:
        raise ScanFailed(f"the mask {mask_name} has labels outside 0..{MAX_LABEL}")
    labels = values.astype(np.uint16)
    if (labels != values).any():
        raise ScanFailed(f"the mask {mask_name} has fractions where labels are expected")
    return labels


def ranges(start: NDArray[np.integer], length: NDArray[np.integer]) -> Int64:
    """``start, start + 1, ...`` of every pair, one after the other."""
    before = np.cumsum(length, dtype=np.int64) - length
    return np.arange(int(length.sum())) + np.repeat(start - before, length)

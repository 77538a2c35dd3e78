"""Connected parts of a mask, found over the runs of its rows.

A chest has fifty times as many voxels as runs: several times as fast as labelling each voxel.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calcarium.regions.anatomy.grid import Float32, Float64, Mask
from calcarium_kernels.contract import Int64
from calcarium_kernels.host.unite import components, overlapping


@dataclass(frozen=True)
class Parts:
    """The 6-connected parts of a mask, numbered from 0 in raster order.

    Attributes
    ----------
    mask : of which these are the parts
    start, stop : of each run, in the flat array of the mask with a row and a column of padding
    part : that each run belongs to
    """

    mask: Mask
    start: Int64
    stop: Int64
    part: Int64

    @classmethod
    def of(cls, mask: Mask) -> Parts:
        """The parts of a mask, shape (slices, rows, columns)."""
        padded = np.pad(mask, ((0, 0), (0, 1), (0, 1)))
        _, rows, columns = padded.shape
        ends = np.flatnonzero(np.diff(padded.ravel(), prepend=False))
        start, stop = ends[::2], ends[1::2]
        pairs = [overlapping(start, stop - 1, back) for back in (columns, rows * columns)]
        return cls(mask, start, stop, components(len(start), pairs))

    def __len__(self) -> int:
        return int(self.part.max(initial=-1)) + 1

    @property
    def size(self) -> Int64:
        """Voxels of each part, shape (n_parts,)."""
        return np.bincount(self.part, self.stop - self.start, len(self)).astype(np.int64)

    def sum(self, values: Float64 | Float32 | Mask) -> Float64:
        """Sum of an array of the mask's shape over the voxels of each part, shape (n_parts,)."""
        part = np.repeat(self.part, self.stop - self.start)
        return np.bincount(part, values[self.mask], len(self)).astype(np.float64)

    def only(self, wanted: Mask) -> Mask:
        """The parts that are wanted, a flag for each, as a mask of the shape of ``mask``."""
        slices, rows, columns = self.mask.shape
        change = np.zeros(slices * (rows + 1) * (columns + 1), np.int8)
        kept = wanted[self.part]
        change[self.start[kept]] = 1
        change[self.stop[kept]] = -1
        inside = np.cumsum(change, out=change).reshape(slices, rows + 1, columns + 1)
        return inside[:, :-1, :-1].astype(bool)

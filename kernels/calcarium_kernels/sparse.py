"""A volume of which few voxels are known, in place of an array."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from calcarium_kernels.contract import Int64


@dataclass(frozen=True)
class SparseArray:
    """Known elements of a 3-D array; the others read as 0 and are never foreground.

    The host functions take it where they take an array of stored values or of labels.

    Attributes
    ----------
    shape : of the whole array
    index : int64, flat indices of the known elements, ascending
    values : int16 or uint16, one per index
    """

    shape: tuple[int, int, int]
    index: Int64
    values: NDArray[np.int16] | NDArray[np.uint16]

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, zyx: tuple[Int64, Int64, Int64]) -> NDArray[np.int16 | np.uint16]:
        """Elements by their index arrays, as numpy's own advanced indexing gives them."""
        place, known = self.find(np.ravel_multi_index(zyx, self.shape))
        found: NDArray[np.int16 | np.uint16] = np.zeros(known.shape, self.dtype)
        found[known] = self.values[place[known]]
        return found

    def part(self, keep: NDArray[np.bool_]) -> SparseArray:
        """The same array with some of its elements known."""
        return SparseArray(self.shape, self.index[keep], self.values[keep])

    def find(self, index: Int64) -> tuple[Int64, NDArray[np.bool_]]:
        """Where some flat indices are among the known ones, and which are."""
        if not self.index.size:
            return np.zeros_like(index), np.zeros(index.shape, dtype=np.bool_)
        place = np.minimum(np.searchsorted(self.index, index), self.index.size - 1)
        return place, self.index[place] == index

    def __array__(
        self, dtype: np.dtype[np.generic] | None = None, copy: bool | None = None
    ) -> NDArray[np.generic]:
        """The whole array, for what cannot do without."""
        if copy is False:
            raise ValueError("a sparse array has no whole one to share")
        whole = np.zeros(self.shape, self.dtype if dtype is None else dtype)
        whole.reshape(-1)[self.index] = self.values
        return whole

    @property
    def dtype(self) -> np.dtype[np.int16] | np.dtype[np.uint16]:
        """Type of the values."""
        return self.values.dtype

    @cached_property
    def zyx(self) -> tuple[Int64, Int64, Int64]:
        """Indices of the known elements."""
        z, y, x = np.unravel_index(self.index, self.shape)
        return z, y, x

    def max(self, initial: int) -> int:
        """Greatest known value, or ``initial``."""
        return int(self.values.max(initial=initial))

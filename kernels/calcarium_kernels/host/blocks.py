"""Sums over in-plane blocks: the coarse grid that the detector works on."""

from __future__ import annotations

import numpy as np

from calcarium_kernels.contract import Int32, Stored


def block_sum(stored: Stored, factor: int) -> Int32:
    """Sum over ``factor`` x ``factor`` blocks of each slice; see the contract.

    Rows are added first, then strided columns: about ten times faster than one sum over both
    axes of a block, which walks the short ones.
    """
    n_slices, rows, columns = stored.shape
    height, width = rows // factor, columns // factor
    sums = np.empty((n_slices, height, width), dtype=np.int32)
    for image, out in zip(stored[:, : height * factor, : width * factor], sums, strict=True):
        blocks = image.reshape(height, factor, width * factor)
        by_row = blocks.sum(axis=1, dtype=np.int32)
        out[...] = by_row[:, ::factor]
        for column in range(1, factor):
            out += by_row[:, column::factor]
    return sums

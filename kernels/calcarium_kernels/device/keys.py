"""Stored values as signed 16-bit keys that grow with brightness, whatever dtype and sign."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calcarium_kernels.contract import Cut, Int32, Int64, Stored

KEY_MIN, NOTHING = -32768, 32768  # the least key, and a limit that no key reaches


@dataclass(frozen=True)
class Keys:
    """How the slices of a box become keys: ``key = sign * stored + bias``.

    On the device this is one exclusive-or: a two's complement number is negated, less
    one, by flipping its bits, and ``uint16`` becomes ``int16`` by flipping the top one.

    Attributes
    ----------
    sign, bias : int64, shape (n_slices,)
    flip : uint32, shape (n_slices,); the bits to flip, in both halves of a word
    """

    sign: Int64
    bias: Int64
    flip: NDArray[np.uint32]

    @classmethod
    def of(cls, stored: Stored, sign: NDArray[np.int8]) -> Keys:
        """Keys of the slices that ``sign`` is given for."""
        bright = sign.astype(np.int64)
        top = 0 if stored.dtype == np.int16 else 0x8000
        half = np.where(bright > 0, top, 0xFFFF ^ top)
        bias = np.where(bright > 0, -top, top - 1)
        return cls(bright, bias, (half | half << 16).astype(np.uint32))

    def limits(self, cuts: tuple[Cut, ...], z: slice) -> Int32:
        """Least key that is foreground, shape (n_cuts, n_slices)."""
        thresholds = np.stack([cut.threshold[z].astype(np.int64) for cut in cuts])
        limits = self.sign * thresholds + self.bias
        return limits.clip(KEY_MIN, NOTHING).astype(np.int32)

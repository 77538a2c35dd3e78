"""Padding outside the reconstructed circle that would look like tissue or calcium."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from calcarium.volume.slices import Slice
from calcarium_kernels.contract import Stored

BRIGHT_HU = -500  # no lung and no table is brighter on average, no tissue darker
AIR_HU = -1024


def darken_padding(slices: Sequence[Slice], stored: Stored) -> int:
    """Replace bright padding by air, in place; return the number of voxels replaced.

    PixelPaddingValue is left as it is where it is dark, which it nearly always
    is. Where it is not (-500 HU or more), pixels of that value count as padding
    if they hang together with the border of the image: inside the body the same
    value is a measurement.
    """
    limits = np.iinfo(stored.dtype)
    return sum(
        _darken(stored[z], *replacement)
        for z, one in enumerate(slices)
        if one.file.pixel_padding_value is not None
        and (
            replacement := _replacement(
                one.file.pixel_padding_value,
                one.slope,
                one.intercept,
                int(limits.min),
                int(limits.max),
            )
        )
    )


@lru_cache(maxsize=1024)
def _replacement(
    padding: int, slope: Fraction, intercept: Fraction, lowest: int, highest: int
) -> tuple[int, int] | None:
    """The stored value of bright padding and that of air; ``None`` where nothing is to do."""
    # The header may write a signed value as unsigned and the other way round.
    padding = (padding - lowest) % (highest - lowest + 1) + lowest
    padding_hu = slope * padding + intercept
    air = min(max(round((AIR_HU - intercept) / slope), lowest), highest)
    if padding_hu < BRIGHT_HU or slope * air + intercept >= padding_hu:
        return None
    return padding, air


def _darken(pixels: NDArray[np.integer], padding: int, air: int) -> int:
    labels, n = ndimage.label(pixels == padding, np.ones((3, 3)))
    at_border = np.zeros(n + 1, dtype=bool)
    for edge in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        at_border[edge] = True
    at_border[0] = False
    outside = at_border[labels]
    pixels[outside] = air
    return int(np.count_nonzero(outside))

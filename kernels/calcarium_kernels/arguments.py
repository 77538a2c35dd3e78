"""Refusal of arguments that the contract does not allow; the same for every backend."""

from __future__ import annotations

from typing import get_args

import numpy as np
from numpy.typing import NDArray

from calcarium_kernels.contract import Box, Cut, InSlice, Labels, Link, Stored
from calcarium_kernels.sparse import SparseArray

MAX_FACTOR = 64


def check_islands_arguments(
    stored: Stored | SparseArray,
    sign: NDArray[np.int8],
    cuts: tuple[Cut, ...],
    box: Box,
    labels: Labels | SparseArray | None,
    link: Link,
) -> None:
    """Raise ``ValueError`` with a sentence where :meth:`.Kernels.islands` cannot be computed."""
    check_stored(stored)
    _check_array("sign", sign, np.int8, (len(stored),))
    if not (np.abs(sign) == 1).all():
        raise ValueError("sign must be +1 or -1 for every slice")
    for cut in cuts:
        _check_array("threshold", cut.threshold, np.int32, (len(stored),))
        if cut.connectivity not in get_args(InSlice):
            raise ValueError(f"in-slice connectivity must be 4 or 8, not {cut.connectivity!r}")
    if link not in get_args(Link):
        raise ValueError(f"link must be 6, 18 or 26, not {link!r}")
    _check_box(stored, box)
    if labels is not None:
        _check_array("labels", labels, np.uint16, box.shape)


def check_block_sum_arguments(stored: Stored, factor: int) -> None:
    """Raise ``ValueError`` with a sentence where :meth:`.Kernels.block_sum` cannot be computed."""
    check_stored(stored)
    if not 1 <= factor <= MAX_FACTOR:
        raise ValueError(f"factor must be 1 to {MAX_FACTOR}, not {factor}")


def check_stored(stored: Stored | SparseArray) -> None:
    """Raise ``ValueError`` unless this is a native, C-contiguous (z, y, x) array of 16 bits."""
    if isinstance(stored, SparseArray):
        return
    if stored.dtype not in (np.dtype(np.int16), np.dtype(np.uint16)):
        raise ValueError(f"stored must be native int16 or uint16, not {stored.dtype!r}")
    if stored.ndim != 3:
        raise ValueError(f"stored must have axes (z, y, x), not shape {stored.shape}")
    if not stored.flags.c_contiguous:
        raise ValueError("stored must be C-contiguous")


def _check_array(
    name: str,
    array: NDArray[np.generic] | SparseArray,
    dtype: type[np.generic],
    shape: tuple[int, ...],
) -> None:
    if array.dtype != np.dtype(dtype):
        raise ValueError(f"{name} must be native {dtype.__name__}, not {array.dtype!r}")
    if array.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, not {array.shape}")


def _check_box(stored: Stored | SparseArray, box: Box) -> None:
    if 0 in box.shape:
        return
    limits = zip((box.z0, box.y0, box.x0), (box.z1, box.y1, box.x1), stored.shape, strict=True)
    if any(low < 0 or high > size for low, high, size in limits):
        raise ValueError(f"{box} leaves the volume of shape {stored.shape}")

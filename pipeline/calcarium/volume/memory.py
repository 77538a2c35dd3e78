"""Memory of volumes, kept from one scan to the next.

Fresh memory is cleared by the kernel page by page when it is first written,
which takes longer than to copy a file into it from the page cache.
"""

from __future__ import annotations

import sys
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from calcarium.errors import ResourceError, ScanExcluded
from calcarium.volume.codecs import Words
from calcarium.volume.limits import MAX_VOLUME_BYTES

ALIGNMENT = 64  # reading into memory that is not 32-byte aligned takes three times as long
UNSHARED = 2  # references to memory that no array uses: the one kept, and the argument

_kept = np.empty(0, dtype=np.uint8)
_lock = Lock()


def allocate_words(shape: tuple[int, int, int]) -> Words:
    """Uninitialised uint16 array of this shape, aligned for reading files into it.

    The memory of the last call is used again once no array lives in it: every
    view keeps a reference to the array that owns its memory.

    Raises
    ------
    ScanExcluded
        ``unsupported_pixels`` if it would be larger than any CT
    ResourceError
        if there is not enough memory
    """
    words = np.dtype(np.uint16)
    n_bytes = shape[0] * shape[1] * shape[2] * words.itemsize
    if n_bytes > MAX_VOLUME_BYTES:
        raise ScanExcluded("unsupported_pixels", f"a volume of {n_bytes} bytes")
    with _lock:
        raw = _take(n_bytes + ALIGNMENT)
        start = -raw.ctypes.data % ALIGNMENT
        return raw[start : start + n_bytes].view(words).reshape(shape)


def _take(n_bytes: int) -> NDArray[np.uint8]:
    global _kept
    if _kept.size >= n_bytes and sys.getrefcount(_kept) == UNSHARED:
        return _kept
    # Before the new is made, so that the two are never there together.
    _kept = np.empty(0, dtype=np.uint8)
    try:
        _kept = np.empty(n_bytes, dtype=np.uint8)
    except MemoryError as error:
        raise ResourceError(f"no memory for a volume of {n_bytes} bytes") from error
    return _kept

"""The page cache: emptied of files, filled with them, and asked what it holds of them."""

from __future__ import annotations

import ctypes
import mmap
import os
from pathlib import Path

COLD_AT_MOST = 0.05  # share of the pages that may be left of files that count as cold


def drop_from_cache(files: list[Path]) -> None:
    """Ask the system to forget the pages of these files."""
    for path in files:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)  # pages that are not on the disk yet are kept
            os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(handle)


def read_into_cache(files: list[Path]) -> None:
    """Read every byte once."""
    for path in files:
        path.read_bytes()


def resident_share(files: list[Path]) -> float:
    """Share of the pages of these files that the page cache holds (``mincore``)."""
    resident = total = 0
    libc = ctypes.CDLL(None, use_errno=True)
    for path in files:
        n_pages = -(-path.stat().st_size // mmap.PAGESIZE)
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, mmap.MAP_PRIVATE) as mapped:
            start = ctypes.c_char.from_buffer(mapped)
            pages = (ctypes.c_ubyte * n_pages)()
            failed = libc.mincore(
                ctypes.c_void_p(ctypes.addressof(start)), ctypes.c_size_t(len(mapped)), pages
            )
            del start
        if failed:
            raise OSError(ctypes.get_errno(), "mincore")
        resident += sum(page & 1 for page in pages)
        total += n_pages
    return resident / total

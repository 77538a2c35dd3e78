"""Pixels of one frame as the bytes of a DICOM transfer syntax; all lossless."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from calcarium.errors import UsageError

Frame: TypeAlias = NDArray[np.int16] | NDArray[np.uint16]

NATIVE: dict[str, str] = {
    "explicit": "1.2.840.10008.1.2.1",
    "implicit": "1.2.840.10008.1.2",
    "deflated": "1.2.840.10008.1.2.1.99",
}
ENCAPSULATED: dict[str, str] = {
    "rle": "1.2.840.10008.1.2.5",
    "jpeg-lossless": "1.2.840.10008.1.2.4.70",
    "jpeg-ls": "1.2.840.10008.1.2.4.80",
    "jpeg2000": "1.2.840.10008.1.2.4.90",
    "htj2k": "1.2.840.10008.1.2.4.201",
}
SYNTAXES: dict[str, str] = {**NATIVE, **ENCAPSULATED}


def syntax_uid(name: str) -> str:
    """Transfer syntax UID of a name in :data:`SYNTAXES`.

    Raises
    ------
    UsageError
        for any other name; the message lists them.
    """
    if name not in SYNTAXES:
        raise UsageError(f"unknown transfer syntax {name!r}; there are: {', '.join(SYNTAXES)}")
    return SYNTAXES[name]


def encode_frame(frame: Frame, syntax: str, bits_stored: int) -> bytes:
    """Compressed bytes of one frame.

    JPEG lossless and JPEG-LS know no sign, so signed pixels go in as their 16-bit
    patterns, as scanners write them; JPEG 2000 carries the sign.

    Parameters
    ----------
    frame : int16 or uint16, shape (rows, columns), C-contiguous
    syntax : key of :data:`ENCAPSULATED`
    bits_stored : 12 or 16; values fit
    """
    return _ENCODERS[syntax](frame, bits_stored)


def _rle(frame: Frame, bits_stored: int) -> bytes:  # noqa: ARG001
    """RLE of PS3.5 annex G: one PackBits segment per byte plane, rows apart."""
    planes = (frame.view(np.uint16) >> 8, frame.view(np.uint16) & 0xFF)
    segments = []
    for plane in planes:
        rows = (bytes(imagecodecs.packbits_encode(row.tobytes())) for row in plane.astype(np.uint8))
        segment = b"".join(rows)
        segments.append(segment + b"\0" * (len(segment) % 2))
    header = np.zeros(16, dtype="<u4")
    header[:3] = (2, 64, 64 + len(segments[0]))
    return header.tobytes() + b"".join(segments)


def _jpeg_lossless(frame: Frame, bits_stored: int) -> bytes:
    return bytes(imagecodecs.ljpeg_encode(frame.view(np.uint16), bitspersample=bits_stored))


def _jpeg_ls(frame: Frame, bits_stored: int) -> bytes:  # noqa: ARG001
    return bytes(imagecodecs.jpegls_encode(frame.view(np.uint16)))


def _jpeg2000(frame: Frame, bits_stored: int) -> bytes:
    return bytes(
        imagecodecs.jpeg2k_encode(
            frame, codecformat="j2k", level=0, reversible=True, bitspersample=bits_stored
        )
    )


def _htj2k(frame: Frame, bits_stored: int) -> bytes:  # noqa: ARG001
    return bytes(imagecodecs.htj2k_encode(frame, reversible=True))


_ENCODERS: dict[str, Callable[[Frame, int], bytes]] = {
    "rle": _rle,
    "jpeg-lossless": _jpeg_lossless,
    "jpeg-ls": _jpeg_ls,
    "jpeg2000": _jpeg2000,
    "htj2k": _htj2k,
}

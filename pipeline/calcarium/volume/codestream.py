"""What a compressed frame says of itself, read before any decoder sees it.

A decoder allocates what the codestream asks for, which may be gigabytes behind
a header that says 512 x 512; and only the codestream knows its precision and,
in JPEG 2000, its sign.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

JPEG_START = b"\xff\xd8"
JPEG2000_START = b"\xff\x4f\xff\x51"  # SOC, SIZ
# EOI of JPEG and JPEG-LS, EOC of JPEG 2000; compressed data cannot hold it.
END = b"\xff\xd9"
JP2_HEADER_BYTES = 1024  # some writers wrap the codestream in the boxes of a JP2 file
# Start of frame: SOF0..SOF15 without DHT, JPG and DAC (T.81, table B.1), and SOF55 of JPEG-LS.
START_OF_FRAME = frozenset({*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC})
SOF = struct.Struct(">BHHB")
SIZ = struct.Struct(">IIIIIIIIHB")


@dataclass(frozen=True, slots=True)
class Codestream:
    """Size and sample format of one compressed frame."""

    rows: int
    columns: int
    components: int
    precision: int
    signed: bool


def describe(frame: bytes) -> Codestream | None:
    """Read the frame header of JPEG, JPEG-LS or JPEG 2000; ``None`` if it is none of them."""
    if frame.startswith(JPEG_START):
        return _jpeg(frame)
    start = frame.find(JPEG2000_START, 0, JP2_HEADER_BYTES)
    return _jpeg2000(frame, start + len(JPEG2000_START)) if start >= 0 else None


def is_complete(frame: bytes) -> bool:
    """Whether the codestream has its end: decoders fill what was cut off without a word."""
    return frame.rfind(END) >= 0


def _jpeg(frame: bytes) -> Codestream | None:
    at = len(JPEG_START)
    while at + 4 + SOF.size <= len(frame) and frame[at] == 0xFF:
        marker = frame[at + 1]
        if marker == 0xFF:  # fill byte
            at += 1
        elif marker in START_OF_FRAME:
            precision, rows, columns, components = SOF.unpack_from(frame, at + 4)
            return Codestream(rows, columns, components, precision, signed=False)
        else:
            at += 2 + int.from_bytes(frame[at + 2 : at + 4], "big")
    return None


def _jpeg2000(frame: bytes, at: int) -> Codestream | None:
    at += 4  # Lsiz, Rsiz
    if at + SIZ.size > len(frame):
        return None
    x1, y1, x0, y0, *_, components, depth = SIZ.unpack_from(frame, at)
    return Codestream(y1 - y0, x1 - x0, components, (depth & 0x7F) + 1, signed=depth > 0x7F)

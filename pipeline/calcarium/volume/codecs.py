"""Transfer syntaxes that are read, and the codec of each, called on the frame's bytes.

The codecs are those of imagecodecs (BSD): one package for all, and each
releases the GIL. Its modules load when first used.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from calcarium.errors import ScanExcluded
from calcarium.volume.codestream import describe, is_complete

Words: TypeAlias = NDArray[np.uint16]
Kind: TypeAlias = Literal["native", "deflated", "encapsulated"]

RLE_HEADER_WORDS = 16
PACKAGE = "imagecodecs"


@dataclass(frozen=True)
class TransferSyntax:
    """How the pixels of a file are stored (PS3.5, annex A).

    Attributes
    ----------
    kind : native, native within a deflated dataset, or encapsulated in fragments
    codec : name of the codec in imagecodecs; empty where numpy is enough
    lossy : the syntax allows values that differ from the original
    tracks_precision : the codestream, not Bits Stored, says how many bits a sample has
    """

    uid: str
    name: str
    kind: Kind
    codec: str = ""
    lossy: bool = False
    tracks_precision: bool = False
    big_endian: bool = False

    @property
    def available(self) -> bool:
        """Whether the codec is there."""
        return not self.codec or bool(getattr(imagecodecs, self.codec).available)


@dataclass(frozen=True)
class CodecStatus:
    """Whether a transfer syntax can be read here, and the package that brings its codec."""

    transfer_syntax_uid: str
    name: str
    available: bool
    package: str


SYNTAXES = {
    syntax.uid: syntax
    for syntax in (
        TransferSyntax("1.2.840.10008.1.2", "Implicit VR Little Endian", "native"),
        TransferSyntax("1.2.840.10008.1.2.1", "Explicit VR Little Endian", "native"),
        TransferSyntax("1.2.840.10008.1.2.2", "Explicit VR Big Endian", "native", big_endian=True),
        TransferSyntax("1.2.840.10008.1.2.1.99", "Deflated Explicit VR Little Endian", "deflated"),
        TransferSyntax("1.2.840.10008.1.2.5", "RLE Lossless", "encapsulated", "PACKBITS"),
        TransferSyntax(
            "1.2.840.10008.1.2.4.51", "JPEG Extended (12 bit)", "encapsulated", "JPEG8", lossy=True
        ),
        TransferSyntax("1.2.840.10008.1.2.4.57", "JPEG Lossless", "encapsulated", "JPEG8"),
        TransferSyntax("1.2.840.10008.1.2.4.70", "JPEG Lossless SV1", "encapsulated", "JPEG8"),
        *(
            TransferSyntax(uid, name, "encapsulated", codec, lossy=lossy, tracks_precision=True)
            for uid, name, codec, lossy in (
                ("1.2.840.10008.1.2.4.80", "JPEG-LS Lossless", "JPEGLS", False),
                ("1.2.840.10008.1.2.4.81", "JPEG-LS Near-lossless", "JPEGLS", True),
                ("1.2.840.10008.1.2.4.90", "JPEG 2000 Lossless", "JPEG2K", False),
                ("1.2.840.10008.1.2.4.91", "JPEG 2000", "JPEG2K", True),
                # OpenJPEG reads HTJ2K too; imagecodecs' own codec for it (OpenJPH) returns
                # rubbish for a broken codestream, without an error.
                ("1.2.840.10008.1.2.4.201", "HTJ2K Lossless", "JPEG2K", False),
                ("1.2.840.10008.1.2.4.202", "HTJ2K Lossless RPCL", "JPEG2K", False),
                ("1.2.840.10008.1.2.4.203", "HTJ2K", "JPEG2K", True),
            )
        ),
    )
}
JPEG_BASELINE_8BIT = "1.2.840.10008.1.2.4.50"


def codecs() -> tuple[CodecStatus, ...]:
    """Every transfer syntax that calcarium reads, with the state of its codec here."""
    return tuple(
        CodecStatus(s.uid, s.name, s.available, PACKAGE if s.codec else "numpy")
        for s in SYNTAXES.values()
    )


def syntax_of(uid: str) -> TransferSyntax:
    """Look up a transfer syntax that can be read here.

    Raises
    ------
    ScanExcluded
        ``lossy_8bit`` for baseline JPEG; ``unsupported_transfer_syntax`` for an
        unknown one and for a codec that is not installed, with its package
    """
    if uid == JPEG_BASELINE_8BIT:
        raise ScanExcluded("lossy_8bit", "JPEG Baseline")
    syntax = SYNTAXES.get(uid)
    if syntax is None:
        raise ScanExcluded("unsupported_transfer_syntax", uid or "the file names none")
    if not syntax.available:
        raise ScanExcluded(
            "unsupported_transfer_syntax", f"{syntax.name} needs the package {PACKAGE}"
        )
    return syntax


def decode(syntax: TransferSyntax, frame: bytes, out: Words) -> int | None:
    """Decode one frame into ``out``.

    Parameters
    ----------
    syntax : an encapsulated one
    frame : the bytes of one compressed frame
    out : uint16, shape (rows, columns), C-contiguous

    Returns
    -------
    How many low bits of a word hold the sample, where the codestream says so;
    ``None`` where Bits Stored says it.

    Raises
    ------
    ScanExcluded
        ``undecodable``, ``short_pixels``, ``lossy_8bit`` or ``unsupported_pixels``
    """
    try:
        if syntax.codec == "PACKBITS":
            _decode_rle(frame, out)
            return None
        return _decode_codestream(syntax, frame, out)
    except (RuntimeError, ValueError, TypeError, IndexError, OverflowError) as error:
        # imagecodecs: each codec has its own RuntimeError; numpy: shapes and types
        raise ScanExcluded("undecodable", f"{syntax.name}: {error}") from error


def _decode_rle(frame: bytes, out: Words) -> None:
    """Two segments, high and low bytes, each packed by PackBits (PS3.5, annex G).

    The header is read here, because imagecodecs' decoder of whole frames follows
    its offsets out of the frame.
    """
    header = np.frombuffer(frame, "<u4", count=RLE_HEADER_WORDS)
    n_segments, high, low = map(int, header[:3])
    if n_segments != 2 or not 4 * RLE_HEADER_WORDS <= high < low < len(frame):
        raise ValueError(f"{n_segments} segments, at {high} and {low} of {len(frame)} bytes")
    planes = out.view(np.uint8).reshape(out.size, 2)
    for segment, plane in ((frame[low:], planes[:, 0]), (frame[high:low], planes[:, 1])):
        plain = imagecodecs.packbits_decode(segment)
        plane[...] = np.frombuffer(plain, np.uint8, count=out.size)


def _decode_codestream(syntax: TransferSyntax, frame: bytes, out: Words) -> int | None:
    stream = describe(frame)
    if stream is None:
        raise ScanExcluded("undecodable", f"{syntax.name}: the frame has no such codestream")
    if not is_complete(frame):
        raise ScanExcluded("short_pixels", f"{syntax.name}: the codestream has no end")
    if stream.precision <= 8:
        raise ScanExcluded("lossy_8bit" if syntax.lossy else "unsupported_pixels", syntax.name)
    if (stream.rows, stream.columns, stream.components) != (*out.shape, 1):
        raise ScanExcluded(
            "undecodable",
            f"{syntax.name}: codestream of {stream.rows} x {stream.columns} x "
            f"{stream.components}, header of {out.shape[0]} x {out.shape[1]}",
        )
    target = out.view(np.int16) if stream.signed else out
    DECODERS[syntax.codec](frame, out=target)
    return stream.precision if syntax.tracks_precision else None


DECODERS: dict[str, Callable[..., object]] = {
    "JPEG8": imagecodecs.jpeg8_decode,
    "JPEGLS": imagecodecs.jpegls_decode,
    "JPEG2K": imagecodecs.jpeg2k_decode,
}

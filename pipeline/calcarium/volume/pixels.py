"""Files to stored integers, slice by slice, straight into one volume.

Reading and decoding are apart: files are read in order, ahead of the decoder where
storage is slow, and what was read is decoded by one thread into its place.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from pydicom.encaps import generate_frames

from calcarium.errors import ScanExcluded
from calcarium.intake.locations import is_member
from calcarium.intake.pydicom_headers import MALFORMED
from calcarium.intake.read_ahead import read_ahead
from calcarium.intake.records import FileHeader
from calcarium.volume.codecs import TransferSyntax, Words, decode, syntax_of
from calcarium.volume.files import read_all, read_parts
from calcarium.volume.parsing import inflated_pixel_data, pixel_data
from calcarium.volume.slices import Slice

ITEM_TAG = b"\xfe\xff\x00\xe0"
WORD_BYTES = 2


@dataclass(frozen=True, slots=True)
class _Frames:
    """Frames of one file, and where the words of each go."""

    file: FileHeader
    numbers: list[int]
    targets: list[Words]


def check_layout(file: FileHeader) -> TransferSyntax:
    """Refuse a pixel layout that no CT has; return the transfer syntax.

    Raises
    ------
    ScanExcluded
        ``unsupported_transfer_syntax``, ``unsupported_pixels`` or ``lossy_8bit``
    """
    syntax = syntax_of(file.transfer_syntax_uid)
    stored = file.bits_stored or 0
    if file.bits_allocated == 8 and syntax.lossy:
        raise ScanExcluded("lossy_8bit", f"{file.url}: {syntax.name}")
    if (
        file.samples_per_pixel not in (1, None)
        or file.photometric_interpretation != "MONOCHROME2"
        or file.bits_allocated != 16
        or not 8 < stored <= 16
        or not stored - 1 <= _high_bit(file) < 16
        or file.pixel_representation not in (0, 1)
    ):
        raise ScanExcluded(
            "unsupported_pixels",
            f"{file.url}: {file.samples_per_pixel} samples of {file.photometric_interpretation}, "
            f"{file.bits_allocated} bits allocated, {file.bits_stored} stored, "
            f"high bit {file.high_bit}, representation {file.pixel_representation}",
        )
    return syntax


def read_pixels(slices: Sequence[Slice], out: Words) -> int:
    """Read the stored words of every slice.

    Parameters
    ----------
    slices : n slices of one size
    out : uint16, shape (n, rows, columns), C-contiguous; filled with words whose
        bits are the stored integers, sign-extended to 16 bits where they are signed

    Returns
    -------
    Number of slices whose file holds bits beyond the stored ones.

    Raises
    ------
    ScanExcluded
        ``no_pixels``, ``short_pixels``, ``undecodable`` and those of :func:`check_layout`
    ScanFailed, ResourceError
        a file that cannot be parsed, or not be read
    """
    wanted = _by_file(slices, out)
    n_cleared = 0
    with closing(_read(wanted)) as contents:
        for frames, content in zip(wanted, contents, strict=True):
            syntax = syntax_of(frames.file.transfer_syntax_uid)
            for words, bits in _decoded(frames, syntax, content):
                cleared = _clear_unused_bits(frames.file, words, bits)
                n_cleared += cleared and syntax.kind != "encapsulated"
    return n_cleared


def _by_file(slices: Sequence[Slice], out: Words) -> list[_Frames]:
    """Frames of one file together, so that it is opened and taken apart once."""
    order = sorted(range(len(slices)), key=lambda z: (slices[z].file.url, slices[z].frame))
    groups = ((file, list(group)) for file, group in groupby(order, key=lambda z: slices[z].file))
    return [
        _Frames(file, [slices[z].frame for z in zs], [out[z] for z in zs]) for file, zs in groups
    ]


def _read(wanted: Sequence[_Frames]) -> Generator[bytes]:
    """What is to be decoded of each file; members of an archive share one stream."""
    if any(is_member(frames.file.url) for frames in wanted):
        yield from map(_read_file, wanted)
    else:
        yield from read_ahead(_read_file, wanted, lambda frames: frames.file.size_bytes)


def _read_file(frames: _Frames) -> bytes:
    """All bytes of a file; none of one whose words could be read straight into their places."""
    file = frames.file
    syntax = check_layout(file)
    if syntax.kind != "native" or file.pixel_offset is None:
        return read_all(file)
    if file.pixel_length is None:
        raise ScanExcluded(
            "undecodable",
            f"{file.url}: {syntax.name} by its header, but the pixels are encapsulated",
        )
    _check_length(file, min(file.pixel_length, file.size_bytes - file.pixel_offset))
    starts = [file.pixel_offset + number * _frame_bytes(file) for number in frames.numbers]
    views = [words.data.cast("B") for words in frames.targets]
    read_parts(file, list(zip(starts, views, strict=True)))
    return b""


def _decoded(
    frames: _Frames, syntax: TransferSyntax, content: bytes
) -> Iterator[tuple[Words, int | None]]:
    """Words of each frame, in their places, and how many bits a codestream says that they have."""
    file = frames.file
    if syntax.kind == "encapsulated":
        yield from _encapsulated(frames, syntax, content)
    elif syntax.kind == "deflated":
        needed = _frame_bytes(file) * file.number_of_frames
        yield from _plain(frames, syntax, inflated_pixel_data(file, content, needed))
    elif file.pixel_offset is None:
        yield from _plain(frames, syntax, pixel_data(file, content))
    else:
        for words in frames.targets:
            if syntax.big_endian:
                words.byteswap(inplace=True)
            yield words, None


def _plain(
    frames: _Frames, syntax: TransferSyntax, value: bytes
) -> Iterator[tuple[Words, int | None]]:
    _check_length(frames.file, len(value))
    for number, words in zip(frames.numbers, frames.targets, strict=True):
        plain = np.frombuffer(
            value,
            dtype=">u2" if syntax.big_endian else "<u2",
            count=words.size,
            offset=number * words.nbytes,
        )
        words[...] = plain.reshape(words.shape)
        yield words, None


def _encapsulated(
    frames: _Frames, syntax: TransferSyntax, content: bytes
) -> Iterator[tuple[Words, int | None]]:
    file = frames.file
    value = _fragments(file, content)
    if not value.startswith(ITEM_TAG):
        raise ScanExcluded(
            "undecodable",
            f"{file.url}: {syntax.name} by its header, but the pixels are not encapsulated",
        )
    wanted = dict(zip(frames.numbers, frames.targets, strict=True))
    try:
        for index, frame in enumerate(
            generate_frames(value, number_of_frames=file.number_of_frames)
        ):
            if index in wanted:
                words = wanted.pop(index)
                yield words, decode(syntax, frame, words)
    except MALFORMED as error:
        raise ScanExcluded("undecodable", f"{file.url}: fragments: {error}") from error
    if wanted:
        raise ScanExcluded("short_pixels", f"{file.url}: {len(wanted)} frames are not there")


def _fragments(file: FileHeader, content: bytes) -> bytes:
    if file.pixel_offset is not None and content.startswith(ITEM_TAG, file.pixel_offset):
        return content[file.pixel_offset :]
    return pixel_data(file, content)


def _check_length(file: FileHeader, length: int) -> None:
    needed = _frame_bytes(file) * file.number_of_frames
    if length <= 0:
        raise ScanExcluded("no_pixels", file.url)
    if length < needed:
        raise ScanExcluded("short_pixels", f"{file.url}: {length} of {needed} bytes")


def _frame_bytes(file: FileHeader) -> int:
    return (file.rows or 0) * (file.columns or 0) * WORD_BYTES


def _high_bit(file: FileHeader) -> int:
    return (file.bits_stored or 0) - 1 if file.high_bit is None else file.high_bit


def _clear_unused_bits(file: FileHeader, words: Words, bits: int | None) -> bool:
    """Bring the sample to the low bits and extend its sign; whether anything had to change.

    Bits above the stored ones may hold an overlay or rubbish (PS3.5, 8.1.1).
    """
    shift = 0
    if bits is None:
        bits = file.bits_stored or 16
        shift = _high_bit(file) + 1 - bits
    signed = file.pixel_representation == 1
    values = words.view(np.int16) if signed else words
    low, high = (-1 << bits - 1, (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    if not shift and (bits == 16 or (values.min() >= low and values.max() <= high)):
        return False
    np.left_shift(words, 16 - bits - shift, out=words)
    np.right_shift(values, 16 - bits, out=values)
    return True

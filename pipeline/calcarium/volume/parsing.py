"""Datasets of files whose pixels or geometry cannot be found by an offset."""

from __future__ import annotations

import io
import struct
import warnings
import zlib

import pydicom
from pydicom.dataset import Dataset

from calcarium.errors import ScanExcluded, ScanFailed
from calcarium.intake.headers import MALFORMED
from calcarium.intake.records import FileHeader
from calcarium.volume.files import read_all
from calcarium.volume.limits import MAX_HEADER_BYTES, MAX_VOLUME_BYTES

PREAMBLE = 132
GROUP_LENGTH = struct.Struct("<HH2sHI")


def header(file: FileHeader) -> Dataset:
    """The dataset of a file up to its pixels."""
    return _parsed(file, stop_before_pixels=True)


def whole(file: FileHeader) -> Dataset:
    """The dataset of a file, pixels included and not decoded."""
    return _parsed(file, stop_before_pixels=False)


def inflated(file: FileHeader, pixel_bytes: int) -> Dataset:
    """The dataset of a file in Deflated Explicit VR Little Endian (PS3.5, A.5).

    Inflates no more than ``pixel_bytes`` and a header need, whatever the stream holds.

    Raises
    ------
    ScanExcluded
        ``undecodable`` if the stream is broken or larger
    """
    data = read_all(file)
    limit = min(pixel_bytes, MAX_VOLUME_BYTES) + MAX_HEADER_BYTES
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        plain = inflater.decompress(data[_end_of_file_meta(file, data) :], limit)
    except zlib.error as error:
        raise ScanExcluded("undecodable", f"{file.url}: deflated dataset: {error}") from error
    if inflater.unconsumed_tail:
        raise ScanExcluded("undecodable", f"{file.url}: inflates beyond {limit} bytes")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return pydicom.filereader.read_dataset(
                io.BytesIO(plain), is_implicit_VR=False, is_little_endian=True
            )
    except MALFORMED as error:
        raise ScanFailed(f"{file.url}: {error}") from error


def _parsed(file: FileHeader, *, stop_before_pixels: bool) -> Dataset:
    stream = io.BytesIO(read_all(file))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return pydicom.dcmread(stream, stop_before_pixels=stop_before_pixels, force=True)
    except MALFORMED as error:
        raise ScanFailed(f"{file.url}: {error}") from error


def _end_of_file_meta(file: FileHeader, data: bytes) -> int:
    """Where the dataset starts; group length comes first in the file meta (PS3.10, 7.1)."""
    start = PREAMBLE + GROUP_LENGTH.size
    if len(data) < start or data[PREAMBLE - 4 : PREAMBLE] != b"DICM":
        raise ScanExcluded("undecodable", f"{file.url}: deflated, without file meta information")
    group, element, _, _, length = GROUP_LENGTH.unpack_from(data, PREAMBLE)
    if (group, element) != (2, 0):
        raise ScanExcluded("undecodable", f"{file.url}: deflated, without group length")
    return start + int(length)

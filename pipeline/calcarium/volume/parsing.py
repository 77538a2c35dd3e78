"""Files whose pixels or geometry cannot be found by an offset, parsed by pydicom."""

from __future__ import annotations

import io
import struct
import warnings
import zlib

import pydicom
from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset

from calcarium.errors import ScanExcluded, ScanFailed
from calcarium.intake.pydicom_headers import MALFORMED
from calcarium.intake.records import FileHeader
from calcarium.volume.files import read_all
from calcarium.volume.limits import MAX_HEADER_BYTES, MAX_VOLUME_BYTES

PREAMBLE = 132
GROUP_LENGTH = struct.Struct("<HH2sHI")


def header(file: FileHeader) -> Dataset:
    """The dataset of a file up to its pixels; elements are converted when they are asked for.

    Raises
    ------
    ScanFailed
        if it is no DICOM
    """
    stream = io.BytesIO(read_all(file))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return pydicom.dcmread(stream, stop_before_pixels=True, force=True)
    except MALFORMED as error:
        raise ScanFailed(f"{file.url}: {error}") from error


def pixel_data(file: FileHeader, content: bytes) -> bytes:
    """The value of PixelData, found by parsing the whole content of a file.

    Raises
    ------
    ScanExcluded
        ``no_pixels``
    ScanFailed
        if the file is no DICOM
    """
    stream = io.BytesIO(content)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            value = pydicom.dcmread(stream, force=True).get("PixelData")
    except MALFORMED as error:
        raise ScanFailed(f"{file.url}: {error}") from error
    return _checked(file, value)


def inflated_pixel_data(file: FileHeader, content: bytes, needed: int) -> bytes:
    """The value of PixelData in Deflated Explicit VR Little Endian (PS3.5, A.5).

    Inflates no more than ``needed`` bytes and a header, whatever the stream holds.

    Raises
    ------
    ScanExcluded
        ``no_pixels``; ``undecodable`` if the stream is broken or larger
    ScanFailed
        if what it inflates to is no DICOM
    """
    plain = _inflated(file, content, min(needed, MAX_VOLUME_BYTES) + MAX_HEADER_BYTES)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dataset = read_dataset(io.BytesIO(plain), is_implicit_VR=False, is_little_endian=True)
            value = dataset.get("PixelData")
    except MALFORMED as error:
        raise ScanFailed(f"{file.url}: {error}") from error
    return _checked(file, value)


def _inflated(file: FileHeader, data: bytes, limit: int) -> bytes:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        plain = inflater.decompress(data[_end_of_file_meta(file, data) :], limit)
    except zlib.error as error:
        raise ScanExcluded("undecodable", f"{file.url}: deflated dataset: {error}") from error
    if inflater.unconsumed_tail:
        raise ScanExcluded("undecodable", f"{file.url}: inflates beyond {limit} bytes")
    return plain


def _end_of_file_meta(file: FileHeader, data: bytes) -> int:
    """Where the dataset starts; group length comes first in the file meta (PS3.10, 7.1)."""
    start = PREAMBLE + GROUP_LENGTH.size
    if len(data) < start or data[PREAMBLE - 4 : PREAMBLE] != b"DICM":
        raise ScanExcluded("undecodable", f"{file.url}: deflated, without file meta information")
    group, element, _, _, length = GROUP_LENGTH.unpack_from(data, PREAMBLE)
    if (group, element) != (2, 0):
        raise ScanExcluded("undecodable", f"{file.url}: deflated, without group length")
    return start + int(length)


def _checked(file: FileHeader, value: object) -> bytes:
    if not isinstance(value, bytes) or not value:
        raise ScanExcluded("no_pixels", file.url)
    return value

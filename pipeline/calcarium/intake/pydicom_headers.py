"""The elements of a file, found by pydicom, whatever its encoding.

Preamble or none, implicit or explicit, big endian, deflated; of multi-frame files
also those in the functional groups. Pixels are passed by, and their place is noted.
"""

from __future__ import annotations

import struct
import warnings
import zlib
from io import BytesIO

from pydicom.datadict import dictionary_has_tag, dictionary_VR
from pydicom.dataset import Dataset
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.filereader import read_dataset, read_partial
from pydicom.tag import BaseTag
from pydicom.uid import DeflatedExplicitVRLittleEndian
from pydicom.valuerep import EXPLICIT_VR_LENGTH_32

from calcarium.intake.locations import File, ReadHead
from calcarium.intake.tags import (
    CONTRAST_AGENT_SEQUENCE,
    PIXEL_DATA,
    PIXEL_TAGS,
    SPECIFIC_CHARACTER_SET,
    WANTED,
    RawHeader,
)

MAX_HEADER_BYTES = 64 << 20  # beyond this a header is taken for broken or hostile
MAX_INFLATED_BYTES = 4 << 20
MAX_FRAMES = 20_000
NO_IMAGE_CLASSES = (b"1.2.840.10008.5.1.4.1.1.481.3", b"1.2.840.10008.5.1.4.1.1.88.")
FIRST_CONTENT = 0x0040A730  # of reports; contours of structure sets follow
SHARED_GROUPS = 0x52009229
PER_FRAME_GROUPS = 0x52009230
PLANE_POSITION = 0x00209113
IMAGE_POSITION = 0x00200032

MALFORMED = (
    InvalidDicomError,
    BytesLengthException,
    EOFError,
    struct.error,
    zlib.error,
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    NotImplementedError,
    RecursionError,
    TypeError,
    ValueError,
    OSError,  # pydicom raises it for structure: the bytes are in memory by then
)
"""What pydicom raises on broken files."""


def raw_header(file: File, head: bytes, read: ReadHead) -> RawHeader:
    """Elements of a file, found by pydicom.

    Parameters
    ----------
    head : the beginning of the file; more is read where the header is longer

    Raises
    ------
    one of :data:`MALFORMED`
        if the structure is broken
    ResourceError
        if storage gave way
    """
    while True:
        raw, consumed = _parse(head)
        if consumed < len(head) or len(head) >= file.size_bytes:
            return raw
        if len(head) >= MAX_HEADER_BYTES:
            raise ValueError(f"the header is longer than {MAX_HEADER_BYTES >> 20} MiB")
        longer = read(min(len(head) * 8, MAX_HEADER_BYTES))
        if len(longer) == len(head):
            return raw
        head = longer


class _PixelElement:
    """Stops pydicom at pixels, or at the long content of what is no image; remembers where."""

    def __init__(self, head: bytes) -> None:
        self._is_image = not any(uid in head[:4096] for uid in NO_IMAGE_CLASSES)
        self.tag = 0
        self.length = 0
        self.head_bytes = 8

    def __call__(self, tag: BaseTag, vr: str | None, length: int) -> bool:
        if tag not in PIXEL_TAGS and (self._is_image or tag < FIRST_CONTENT):
            return False
        self.tag, self.length = int(tag), length
        if vr in EXPLICIT_VR_LENGTH_32:
            self.head_bytes = 12
        return True


def _parse(head: bytes) -> tuple[RawHeader, int]:
    """Elements, and how many bytes were consumed to find them."""
    stop = _PixelElement(head)
    stream = BytesIO(head)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if _is_deflated(head):
            return _parse_deflated(head, stop), 0
        dataset = read_partial(stream, stop_when=stop, force=True)
        little_endian = bool(dataset.original_encoding[1])
        syntax = dataset.file_meta.get("TransferSyntaxUID") or _native_syntax(dataset)
        elements, positions = _elements(dataset)
    consumed = stream.tell()
    offset = length = None
    if stop.tag == PIXEL_DATA:
        offset = consumed + stop.head_bytes
        length = None if stop.length == 0xFFFFFFFF else stop.length
        consumed = 0
    elif stop.tag:
        consumed = 0
    raw = RawHeader(str(syntax), little_endian, elements, offset, length, positions)
    return raw, consumed


def _native_syntax(dataset: Dataset) -> str:
    implicit, little = dataset.original_encoding
    if implicit:
        return "1.2.840.10008.1.2"
    return "1.2.840.10008.1.2.1" if little else "1.2.840.10008.1.2.2"


def _is_deflated(head: bytes) -> bool:
    return head[128:132] == b"DICM" and b"1.2.840.10008.1.2.1.99" in head[132:4096]


def _parse_deflated(head: bytes, stop: _PixelElement) -> RawHeader:
    """A deflated data set, inflated only so far as a header can reach."""
    stream = BytesIO(head)
    stream.seek(132)
    read_dataset(stream, False, True, stop_when=lambda tag, *_: tag.group != 2)
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    plain = inflate.decompress(head[stream.tell() :], MAX_INFLATED_BYTES)
    dataset = read_dataset(BytesIO(plain), False, True, stop_when=stop)
    elements, positions = _elements(dataset)
    return RawHeader(str(DeflatedExplicitVRLittleEndian), True, elements, None, None, positions)


def _elements(dataset: Dataset) -> tuple[dict[int, bytes], tuple[bytes, ...]]:
    found = _wanted(dataset)
    positions: tuple[bytes, ...] = ()
    if PER_FRAME_GROUPS in dataset or SHARED_GROUPS in dataset:
        shared = _items(dataset, SHARED_GROUPS)
        frames = _items(dataset, PER_FRAME_GROUPS)[:MAX_FRAMES]
        for item in (*shared[:1], *frames[:1]):
            found = _nested(item) | found
        places = [_wanted(item) for frame in frames for item in _items(frame, PLANE_POSITION)[:1]]
        positions = tuple(place[IMAGE_POSITION] for place in places if IMAGE_POSITION in place)
    return found, positions


def _wanted(dataset: Dataset) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    for tag in WANTED & dataset.keys():
        value = dataset.get_item(tag).value
        if tag == CONTRAST_AGENT_SEQUENCE and not isinstance(value, bytes):
            value = b"1" if value else b""
        elif tag == SPECIFIC_CHARACTER_SET and value and not isinstance(value, bytes):
            # pydicom has converted it, because it needed it.
            value = (value if isinstance(value, str) else "\\".join(value)).encode()
        if isinstance(value, bytes) and value:
            found[int(tag)] = value
    return found


def _items(dataset: Dataset, tag: int) -> list[Dataset]:
    """Items of a sequence; nothing for other elements, which stay raw."""
    if tag not in dataset:
        return []
    vr = dataset.get_item(tag).VR
    if vr is None and dictionary_has_tag(tag):
        vr = dictionary_VR(tag)
    return list(dataset[tag].value) if vr == "SQ" else []


def _nested(item: Dataset) -> dict[int, bytes]:
    """Wanted elements anywhere in one functional group item."""
    found = _wanted(item)
    for tag in list(item.keys()):
        for inner in _items(item, int(tag))[:1]:
            found = _nested(inner) | found
    return found

"""A reader for the headers that are like the one before: about ten times faster than pydicom.

It walks little endian elements at their offsets and keeps the bytes of those that
are wanted. Anything unusual is a surprise, and pydicom reads that file. The first
file of each series is read by both: where they differ, the series stays with pydicom.
"""

from __future__ import annotations

from struct import Struct
from struct import error as StructError  # noqa: N812

from pydicom.valuerep import EXPLICIT_VR_LENGTH_16, EXPLICIT_VR_LENGTH_32

from calcarium.intake.headers import FIRST_READ_BYTES, AcquisitionCache, Read, read_header
from calcarium.intake.locations import File, ReadHead
from calcarium.intake.pydicom_headers import raw_header
from calcarium.intake.tags import (
    CONTRAST_AGENT_SEQUENCE,
    PIXEL_DATA,
    PIXEL_TAGS,
    SERIES_INSTANCE_UID,
    SPECIFIC_CHARACTER_SET,
    TRANSFER_SYNTAX_UID,
    WANTED,
    RawHeader,
)

LONG_VRS = frozenset(vr.encode() for vr in EXPLICIT_VR_LENGTH_32)
SHORT_VRS = frozenset(vr.encode() for vr in EXPLICIT_VR_LENGTH_16)
UNDEFINED = 0xFFFFFFFF
ITEM, ITEM_END, SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
IMPLICIT = "1.2.840.10008.1.2"
EXPLICIT = "1.2.840.10008.1.2.1"
ENCAPSULATED = ("1.2.840.10008.1.2.4.", "1.2.840.10008.1.2.5")
FIRST_PIXEL_TAG = PIXEL_TAGS[0]
MAX_DEPTH = 16
MARGIN_BYTES = 4096
MOST_HEAD_BYTES = 1 << 20
FUNCTIONAL_GROUPS = 0x5200
BEFORE_DATA_SET = 0x0007FFFF

_explicit = Struct("<HH2sH").unpack_from
_implicit = Struct("<HHL").unpack_from
_long = Struct("<L").unpack_from


class Surprise(Exception):
    """The header is not of the plain kind that this reader knows."""


class HeaderReader:
    """Reads files that lie beside each other, most of them of one series.

    Attributes
    ----------
    head_bytes : how much of the next file is likely to hold its header
    """

    def __init__(self) -> None:
        self._proven: set[tuple[str, bytes]] = set()
        self._acquisitions = AcquisitionCache()
        self.head_bytes = FIRST_READ_BYTES

    def read(self, file: File, read: ReadHead) -> Read:
        """Header of one file; see :func:`calcarium.intake.headers.read_header`."""
        return read_header(file, read, self._find, self._acquisitions)

    def _find(self, file: File, head: bytes, read: ReadHead) -> RawHeader:
        if self.head_bytes > len(head):
            head = read(self.head_bytes)
        try:
            raw = fast_raw_header(head, is_whole=len(head) >= file.size_bytes)
        except (Surprise, StructError):
            return self._by_pydicom(file, head, read)
        series = (raw.transfer_syntax_uid, raw.elements.get(SERIES_INSTANCE_UID, b""))
        if series in self._proven:
            return raw
        exact = self._by_pydicom(file, head, read)
        if exact == raw:
            self._proven.add(series)
        return exact

    def _by_pydicom(self, file: File, head: bytes, read: ReadHead) -> RawHeader:
        raw = raw_header(file, head, read)
        # Long private elements: the neighbours will have them too.
        likely = min((raw.pixel_offset or 0) + MARGIN_BYTES, MOST_HEAD_BYTES)
        self.head_bytes = max(FIRST_READ_BYTES, likely)
        return raw


def fast_raw_header(head: bytes, *, is_whole: bool) -> RawHeader:
    """Elements of a plain little endian file.

    Parameters
    ----------
    is_whole : whether ``head`` is all of the file, so that it may end without pixels

    Raises
    ------
    Surprise, struct.error
        if the file is of another kind, or its header is longer than ``head``
    """
    syntax, start = _meta(head)
    if syntax == IMPLICIT:
        elements, offset, length = _implicit_elements(head, start, is_whole)
    elif syntax == EXPLICIT or syntax.startswith(ENCAPSULATED):
        elements, offset, length = _explicit_elements(head, start, is_whole)
    else:
        raise Surprise
    if SPECIFIC_CHARACTER_SET in elements:
        names = elements[SPECIFIC_CHARACTER_SET].split(b"\\")
        elements[SPECIFIC_CHARACTER_SET] = b"\\".join(name.strip(b"\0 ") for name in names)
    return RawHeader(syntax, True, elements, offset, length)


def _meta(head: bytes) -> tuple[str, int]:
    """Transfer syntax, and where the data set begins."""
    if head[128:132] != b"DICM":
        raise Surprise
    at, syntax = 132, b""
    while True:
        group, element, vr, length = _explicit(head, at)
        if group != 2:
            break
        at += 8
        if vr in LONG_VRS:
            (length,) = _long(head, at)
            at += 4
        elif vr not in SHORT_VRS:
            raise Surprise
        if element == TRANSFER_SYNTAX_UID & 0xFFFF:
            syntax = head[at : at + length]
        at += length
    return syntax.rstrip(b"\0 ").decode("ascii", "replace"), at


Found = tuple[dict[int, bytes], int | None, int | None]


def _explicit_elements(head: bytes, at: int, is_whole: bool) -> Found:
    found: dict[int, bytes] = {}
    end, last, wanted = len(head), BEFORE_DATA_SET, WANTED
    while at < end:
        group, element, vr, length = _explicit(head, at)
        tag = group << 16 | element
        if not last < tag < FIRST_PIXEL_TAG:
            return found, *_explicit_pixels(head, at)
        last = tag
        at += 8
        if vr not in SHORT_VRS:
            length = _long_length(head, at, vr)
            at += 4
        if length == UNDEFINED or group == FUNCTIONAL_GROUPS:
            at = _after_undefined(head, at, tag, found, is_implicit=False)
            continue
        if tag in wanted and length:
            found[tag] = head[at : at + length]
        at += length
    return _without_pixels(found, at, end, is_whole)


def _implicit_elements(head: bytes, at: int, is_whole: bool) -> Found:
    vr = head[at + 4 : at + 6]
    if vr.isalpha() and vr.isupper():
        raise Surprise  # explicit VR under the name of implicit
    found: dict[int, bytes] = {}
    end, last, wanted = len(head), BEFORE_DATA_SET, WANTED
    while at < end:
        group, element, length = _implicit(head, at)
        tag = group << 16 | element
        if not last < tag < FIRST_PIXEL_TAG:
            return found, *_pixels(tag, at + 8, length)
        last = tag
        at += 8
        if length == UNDEFINED or group == FUNCTIONAL_GROUPS:
            at = _after_undefined(head, at, tag, found, is_implicit=True)
            continue
        if tag in wanted and length:
            found[tag] = head[at : at + length]
        at += length
    return _without_pixels(found, at, end, is_whole)


def _long_length(head: bytes, at: int, vr: bytes) -> int:
    if vr not in LONG_VRS:
        raise Surprise
    length: int = _long(head, at)[0]
    if length == UNDEFINED and vr != b"SQ":
        raise Surprise
    return length


def _explicit_pixels(head: bytes, at: int) -> tuple[int | None, int | None]:
    group, element, vr, _ = _explicit(head, at)
    if vr not in LONG_VRS:
        raise Surprise
    return _pixels(group << 16 | element, at + 12, _long(head, at + 8)[0])


def _pixels(tag: int, at: int, length: int) -> tuple[int | None, int | None]:
    if tag != PIXEL_DATA:
        raise Surprise
    return at, None if length == UNDEFINED else length


def _without_pixels(found: dict[int, bytes], at: int, end: int, is_whole: bool) -> Found:
    if at != end or not is_whole:
        raise Surprise
    return found, None, None


def _after_undefined(
    head: bytes, at: int, tag: int, found: dict[int, bytes], *, is_implicit: bool
) -> int:
    """Where an element of undefined length ends: a sequence, and it is noted if wanted."""
    if tag >> 16 == FUNCTIONAL_GROUPS:
        raise Surprise  # the geometry is in there
    group, element, _ = _implicit(head, at)
    if tag == CONTRAST_AGENT_SEQUENCE and (group << 16 | element) == ITEM:
        found[tag] = b"1"
    return _after_sequence(head, at, is_implicit, 0)


def _after_sequence(head: bytes, at: int, is_implicit: bool, depth: int) -> int:
    """Where a sequence of undefined length ends."""
    if depth > MAX_DEPTH:
        raise Surprise
    while True:
        group, element, length = _implicit(head, at)
        tag = group << 16 | element
        at += 8
        if tag == SEQUENCE_END:
            return at
        if tag != ITEM:
            raise Surprise
        at = _after_item(head, at, is_implicit, depth) if length == UNDEFINED else at + length


def _after_item(head: bytes, at: int, is_implicit: bool, depth: int) -> int:
    """Where an item of undefined length ends."""
    while True:
        group, element, length = _implicit(head, at)
        if (group << 16 | element) == ITEM_END:
            return at + 8
        vr = head[at + 4 : at + 6]
        at += 8
        if not is_implicit:
            length >>= 16
            if vr not in SHORT_VRS:
                length = _long_length(head, at, vr)
                at += 4
        at = (
            _after_sequence(head, at, is_implicit, depth + 1)
            if length == UNDEFINED
            else at + length
        )

"""One file to its header: no pixels, no exceptions for what the file says.

The elements are found by :mod:`calcarium.intake.fast_headers` or
:mod:`calcarium.intake.pydicom_headers`; :mod:`calcarium.intake.tags` gives their
bytes a meaning.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias, cast

from calcarium.errors import ResourceError
from calcarium.intake.locations import Denied, File, ReadHead
from calcarium.intake.pydicom_headers import MALFORMED, raw_header
from calcarium.intake.records import Acquisition, FileHeader
from calcarium.intake.tags import (
    ACQUISITION_TAGS,
    FILE_TAGS,
    NUMBER_OF_FRAMES,
    SPECIFIC_CHARACTER_SET,
    TUPLE_FIELDS,
    Converter,
    RawHeader,
    Value,
    decimal_tuple,
    integer,
)

FIRST_READ_BYTES = 16 << 10
IDENTIFYING_ELEMENTS = {FILE_TAGS["sop_class_uid"][0], ACQUISITION_TAGS["modality"][0]}
ACQUISITION_ELEMENTS = (
    SPECIFIC_CHARACTER_SET,
    *(tag for tag, _ in ACQUISITION_TAGS.values()),
)


@dataclass(frozen=True, slots=True)
class Header:
    """What one DICOM file says."""

    found: File
    file: FileHeader
    acquisition: Acquisition


@dataclass(frozen=True, slots=True)
class NotDicom:
    """A file of another kind, lying beside the images."""

    file: File


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A file that begins like DICOM, or could not be opened: kept, with what went wrong."""

    file: File
    message: str
    fault: Literal["content", "denied", "storage"] = "content"


Read: TypeAlias = Header | NotDicom | Unreadable
FindElements: TypeAlias = Callable[[File, bytes, ReadHead], RawHeader]


class AcquisitionCache:
    """The last acquisition: the next file most often has the same."""

    def __init__(self) -> None:
        self._bytes: list[bytes | None] = []
        self._acquisition: Acquisition | None = None

    def of(self, raw: RawHeader) -> Acquisition:
        """Acquisition of the elements of a file."""
        found = list(map(raw.elements.get, ACQUISITION_ELEMENTS))
        if self._acquisition is None or found != self._bytes:
            self._bytes, self._acquisition = found, acquisition_of(raw)
        return self._acquisition


def read_header(
    file: File,
    read: ReadHead,
    find: FindElements | None = None,
    acquisitions: AcquisitionCache | None = None,
) -> Read:
    """Header of one file; never raises for what the file holds.

    Parameters
    ----------
    read : gives the beginning of the file
    find : finds the elements; :func:`raw_header` if not given
    """
    try:
        head = read(FIRST_READ_BYTES)
        if not looks_like_dicom(head):
            return NotDicom(file)
        raw = (find or raw_header)(file, head, read)
        if not raw.elements.keys() & IDENTIFYING_ELEMENTS:
            return Unreadable(file, "neither SOPClassUID nor Modality: cut short, or no image")
        acquisition = (acquisitions or AcquisitionCache()).of(raw)
        return Header(file, _file_header(file, raw), acquisition)
    except Denied as error:
        return Unreadable(file, str(error), "denied")
    except ResourceError as error:
        return Unreadable(file, str(error), "storage")
    except MALFORMED as error:
        return Unreadable(file, f"{type(error).__name__}: {error}")


def looks_like_dicom(head: bytes) -> bool:
    """Whether a file is DICOM: the prefix of PS3.10, or a plausible first element without it."""
    if head[128:132] == b"DICM":
        return True
    if len(head) < 8:
        return False
    group, element = struct.unpack_from("<HH", head)
    if (group, element) in ((0x0800, 0x0500), (0x0800, 0x0800), (0x0800, 0x1600)):
        return True  # big endian without preamble
    # File meta, or the identifying group, whose first elements are few and short.
    return (group == 2 and element in (0x0000, 0x0001, 0x0002, 0x0010)) or (
        group == 8 and element in (0x0000, 0x0001, 0x0005, 0x0008, 0x0012, 0x0016, 0x0018)
    )


def _file_header(file: File, raw: RawHeader) -> FileHeader:
    frames = integer(raw.elements.get(NUMBER_OF_FRAMES, b"1"), raw)
    triple = decimal_tuple(3)
    positions = tuple(triple(value, raw) for value in raw.frame_positions)
    return FileHeader(
        url=file.url,
        size_bytes=file.size_bytes,
        mtime_ns=file.container.mtime_ns,
        transfer_syntax_uid=raw.transfer_syntax_uid,
        pixel_offset=raw.pixel_offset,
        pixel_length=raw.pixel_length,
        number_of_frames=max(1, frames or 1),
        frame_positions=cast(
            "tuple[tuple[str, str, str], ...]", positions if None not in positions else ()
        ),
        **_facts(raw, FILE_TAGS),  # type: ignore[arg-type]
    )


def acquisition_of(raw: RawHeader) -> Acquisition:
    """Facts that hold for the whole acquisition of a file; those of one slice are left open."""
    return Acquisition(
        image_type=(),
        acquisition_time=None,
        tube_current_ma=None,
        **_facts(raw, ACQUISITION_TAGS),  # type: ignore[arg-type]
    )


def _facts(raw: RawHeader, table: Mapping[str, tuple[int, Converter]]) -> dict[str, Value | None]:
    facts: dict[str, Value | None] = {}
    elements = raw.elements
    for name, (tag, convert) in table.items():
        value = elements.get(tag)
        if value is not None:
            facts[name] = convert(value, raw)
        else:
            facts[name] = () if name in TUPLE_FIELDS else None
    if "contrast_agent_sequence" in table:
        facts["contrast_agent_sequence"] = bool(facts["contrast_agent_sequence"])
    return facts

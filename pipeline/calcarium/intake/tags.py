"""Which elements of a header are read, and how their bytes become values.

One table for both readers. A value that breaks the rules of its VR becomes
``None``: what a file does not say properly, it does not say.
"""

from __future__ import annotations

import math
import struct
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from pydicom.charset import convert_encodings, decode_bytes

Value: TypeAlias = (
    str | int | float | bool | tuple[str, ...] | tuple[float, ...] | tuple[tuple[str, ...], ...]
)

SPECIFIC_CHARACTER_SET = 0x00080005
TRANSFER_SYNTAX_UID = 0x00020010
SERIES_INSTANCE_UID = 0x0020000E
NUMBER_OF_FRAMES = 0x00280008
PIXEL_REPRESENTATION = 0x00280103
PIXEL_PADDING_VALUE = 0x00280120
CONTRAST_AGENT_SEQUENCE = 0x00180012
PIXEL_DATA = 0x7FE00010
IS_DIGITS = 12
DELIMITERS = set(
    map(ord, "\\^=\r\n\t\f")
)  # after which a character set is reset (PS3.5, 6.1.2.5.3)
PIXEL_TAGS = (0x7FE00008, 0x7FE00009, PIXEL_DATA)  # Float and Double Float Pixel Data too


@dataclass(frozen=True, slots=True)
class RawHeader:
    """The bytes of the wanted elements of one file, before their meaning.

    Attributes
    ----------
    elements : value bytes by tag, if there are any; ``b"1"`` for a sequence of undefined length
        that has an item
    frame_positions : ImagePositionPatient bytes of each frame
    """

    transfer_syntax_uid: str
    little_endian: bool
    elements: dict[int, bytes]
    pixel_offset: int | None
    pixel_length: int | None
    frame_positions: tuple[bytes, ...] = ()

    def text_decoder(self) -> Callable[[bytes], str]:
        """Decoder of text by SpecificCharacterSet (PS3.3, C.12.1.1.2)."""
        charset = self.elements.get(SPECIFIC_CHARACTER_SET, b"")
        return lambda value: _decode(value, charset)


def _decode(value: bytes, charset: bytes) -> str:
    if value.isascii() and b"\x1b" not in value:
        return value.decode("ascii").strip(" \0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        names = [name.strip() for name in charset.decode("ascii", "replace").split("\\")]
        try:
            encodings = convert_encodings(names)
            text = decode_bytes(value, encodings, DELIMITERS)
        except (LookupError, ValueError, AttributeError):
            text = value.decode("latin-1")
    return text.encode("utf-8", "replace").decode().strip(" \0")


Converter: TypeAlias = Callable[[bytes, RawHeader], Value | None]


def text(value: bytes, raw: RawHeader) -> str | None:
    """Text of any VR, decoded and stripped; several values stay joined by a backslash."""
    return raw.text_decoder()(value) or None


def texts(value: bytes, raw: RawHeader) -> tuple[str, ...]:
    """Several texts."""
    whole = text(value, raw)
    return tuple(part.strip() for part in whole.split("\\")) if whole else ()


def code(value: bytes, raw: RawHeader) -> str | None:
    """A UID or code: ASCII without padding."""
    del raw
    return value.decode("ascii", "replace").strip(" \0") or None


def decimal_text(value: bytes, raw: RawHeader) -> str | None:
    """One DS or IS as written, if it is a finite number."""
    del raw
    parts = _decimal_texts(value)
    return parts[0] if len(parts) == 1 else None


def decimal(value: bytes, raw: RawHeader) -> float | None:
    """The first of one or several DS as a number."""
    del raw
    parts = _decimal_texts(value)
    return float(parts[0]) if parts else None


def integer(value: bytes, raw: RawHeader) -> int | None:
    """One IS; also written as ``12.0``, as some systems do."""
    plain = value.strip(b" \0")
    if plain.isdigit() and len(plain) <= IS_DIGITS:
        return int(plain)
    number = decimal_text(value, raw)
    if number is None or abs(float(number)) > 2**53 or not float(number).is_integer():
        return None
    return int(float(number))


def decimal_tuple(count: int) -> Converter:
    """Exactly ``count`` DS as written."""

    def convert(value: bytes, raw: RawHeader) -> tuple[str, ...] | None:
        del raw
        parts = _decimal_texts(value)
        return parts if len(parts) == count else None

    return convert


def unsigned_short(value: bytes, raw: RawHeader) -> int | None:
    """The first US."""
    if len(value) < 2:
        return None
    return int.from_bytes(value[:2], "little" if raw.little_endian else "big")


def binary_float(form: Literal["f", "d"]) -> Converter:
    """The first FL (``f``) or FD (``d``), if it is finite."""
    size = struct.calcsize(form)

    def convert(value: bytes, raw: RawHeader) -> float | None:
        if len(value) < size:
            return None
        order = "<" if raw.little_endian else ">"
        number: float = struct.unpack_from(order + form, value)[0]
        return number if math.isfinite(number) else None

    return convert


def floats(value: bytes, raw: RawHeader) -> tuple[float, ...]:
    """Several FL."""
    count = len(value) // 4
    order = "<" if raw.little_endian else ">"
    numbers: tuple[float, ...] = struct.unpack_from(f"{order}{count}f", value)
    return numbers if all(map(math.isfinite, numbers)) else ()


def padding(value: bytes, raw: RawHeader) -> int | None:
    """PixelPaddingValue: of the sign of the pixels, whatever its VR says (PS3.3, C.7.5.1.1.2)."""
    order = "<" if raw.little_endian else ">"
    signed = unsigned_short(raw.elements.get(PIXEL_REPRESENTATION, b""), raw) == 1
    if len(value) < 2:
        return None
    number: int = struct.unpack_from(order + ("h" if signed else "H"), value)[0]
    return number


def present(value: bytes, raw: RawHeader) -> bool:
    """Whether a sequence has an item."""
    del raw
    return bool(value)


def _decimal_texts(value: bytes) -> tuple[str, ...]:
    """Finite decimal numbers as written, or nothing if one is not."""
    parts = tuple([part.strip(" \0") for part in value.decode("ascii", "replace").split("\\")])
    try:
        # The sum is finite only if each number is; float() would let underscores pass.
        return parts if math.isfinite(sum(map(float, parts))) and b"_" not in value else ()
    except ValueError:
        return ()


FILE_TAGS: dict[str, tuple[int, Converter]] = {
    "sop_class_uid": (0x00080016, code),
    "sop_instance_uid": (0x00080018, code),
    "study_instance_uid": (0x0020000D, code),
    "series_instance_uid": (SERIES_INSTANCE_UID, code),
    "acquisition_number": (0x00200012, integer),
    "instance_number": (0x00200013, integer),
    "rows": (0x00280010, unsigned_short),
    "columns": (0x00280011, unsigned_short),
    "samples_per_pixel": (0x00280002, unsigned_short),
    "photometric_interpretation": (0x00280004, code),
    "bits_allocated": (0x00280100, unsigned_short),
    "bits_stored": (0x00280101, unsigned_short),
    "high_bit": (0x00280102, unsigned_short),
    "pixel_representation": (PIXEL_REPRESENTATION, unsigned_short),
    "pixel_padding_value": (PIXEL_PADDING_VALUE, padding),
    "rescale_slope": (0x00281053, decimal_text),
    "rescale_intercept": (0x00281052, decimal_text),
    "image_position": (0x00200032, decimal_tuple(3)),
    "image_orientation": (0x00200037, decimal_tuple(6)),
    "pixel_spacing": (0x00280030, decimal_tuple(2)),
    "image_type": (0x00080008, texts),
    "acquisition_time": (0x00080032, code),
    "tube_current_ma": (0x00181151, decimal),
}
"""Fields of a file: what may differ between the slices of one acquisition."""

ACQUISITION_TAGS: dict[str, tuple[int, Converter]] = {
    "modality": (0x00080060, code),
    "patient_id": (0x00100020, text),
    "patient_name": (0x00100010, text),
    "patient_birth_date": (0x00100030, code),
    "patient_age": (0x00101010, code),
    "patient_sex": (0x00100040, code),
    "accession_number": (0x00080050, text),
    "study_date": (0x00080020, code),
    "series_date": (0x00080021, code),
    "series_time": (0x00080031, code),
    "frame_of_reference_uid": (0x00200052, code),
    "manufacturer": (0x00080070, text),
    "manufacturer_model": (0x00081090, text),
    "study_description": (0x00081030, text),
    "series_description": (0x0008103E, text),
    "protocol_name": (0x00181030, text),
    "body_part_examined": (0x00180015, text),
    "patient_position": (0x00185100, code),
    "kvp": (0x00180060, decimal),
    "filter_type": (0x00181160, text),
    "convolution_kernel": (0x00181210, text),
    "slice_thickness_mm": (0x00180050, decimal),
    "spacing_between_slices_mm": (0x00180088, decimal),
    "reconstruction_diameter_mm": (0x00181100, decimal),
    "gantry_tilt_deg": (0x00181120, decimal),
    "scan_options": (0x00180022, texts),
    "heart_rate_bpm": (0x00181088, decimal),
    "trigger_time_ms": (0x00181060, decimal),
    "cardiac_phase_percent": (0x00209241, binary_float("f")),
    "cardiac_synchronization": (0x00189037, code),
    "cardiac_framing_type": (0x00181064, text),
    "nominal_interval_ms": (0x00181062, decimal),
    "contrast_agent": (0x00180010, text),
    "contrast_agent_sequence": (CONTRAST_AGENT_SEQUENCE, present),
    "contrast_route": (0x00181040, text),
    "contrast_volume_ml": (0x00181041, decimal),
    "lossy_image_compression": (0x00282110, code),
    "burned_in_annotation": (0x00280301, code),
    "ctdi_vol_mgy": (0x00189345, binary_float("d")),
    "mass_factor_patient": (0x00189351, binary_float("f")),
    "mass_factor_device": (0x00189352, floats),
}
"""Fields that hold for a whole acquisition; stored once for all files that share them."""

TUPLE_FIELDS = frozenset({"image_type", "scan_options", "mass_factor_device", "frame_positions"})
"""Fields that are empty rather than ``None`` where the header is silent."""

WANTED = frozenset(
    {tag for tag, _ in (FILE_TAGS | ACQUISITION_TAGS).values()}
    | {SPECIFIC_CHARACTER_SET, NUMBER_OF_FRAMES}
)

"""Frames of Enhanced CT and Legacy Converted Enhanced CT (PS3.3, A.38 and A.70).

Position, orientation, spacing and rescale lie in the functional groups: those
of the frame first, then those that all frames share.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from pydicom.dataset import Dataset

from calcarium.errors import ScanExcluded, ScanFailed
from calcarium.intake.pydicom_headers import MALFORMED
from calcarium.intake.records import FileHeader
from calcarium.volume.parsing import header

ENHANCED_CT = "1.2.840.10008.5.1.4.1.1.2.1"
LEGACY_CONVERTED_CT = "1.2.840.10008.5.1.4.1.1.2.2"
HOUNSFIELD = ("HU", "HU_MOD")  # Rescale Type (PS3.3, C.11.1.1.2)
UNSPECIFIED = "US"


class FrameStrings(NamedTuple):
    """What a header says of one frame, as written."""

    image_position: tuple[str, ...] | None
    image_orientation: tuple[str, ...] | None
    pixel_spacing: tuple[str, ...] | None
    rescale_slope: str | None
    rescale_intercept: str | None
    rescale_type: str


def is_multiframe(file: FileHeader) -> bool:
    """Whether the geometry of a file lies in functional groups."""
    return file.number_of_frames > 1 or file.sop_class_uid in (ENHANCED_CT, LEGACY_CONVERTED_CT)


def frame_strings(file: FileHeader) -> list[FrameStrings]:
    """Geometry and rescale of every frame, in the order of the frames.

    Raises
    ------
    ScanExcluded
        ``multiframe`` where the functional groups are absent, or are not one per
        frame; ``no_rescale`` where frames are in another unit than Hounsfield
    ScanFailed
        if the header cannot be parsed
    """
    dataset = header(file)
    try:
        units = _hounsfield_types(file, dataset)
        shared = dataset.get("SharedFunctionalGroupsSequence") or [Dataset()]
        per_frame = dataset.get("PerFrameFunctionalGroupsSequence") or []
        if len(per_frame) != file.number_of_frames:
            raise ScanExcluded(
                "multiframe",
                f"{file.url}: {file.number_of_frames} frames, {len(per_frame)} functional groups",
            )
        frames = [_strings(frame, shared[0]) for frame in per_frame]
    except MALFORMED as error:
        raise ScanFailed(f"{file.url}: functional groups: {error}") from error
    for frame in frames:
        if frame.rescale_type not in units:
            raise ScanExcluded(
                "no_rescale", f"{file.url}: values are in {frame.rescale_type}, not in HU"
            )
    return frames


def _hounsfield_types(file: FileHeader, dataset: Dataset) -> tuple[str, ...]:
    """Rescale types that stand for Hounsfield units in this file.

    A single-frame CT needs a type only where it is not HU (PS3.3, C.8.2.1), and a
    converter that finds none writes that it is unspecified.
    """
    image_type = dataset.get("ImageType") or [""]
    if file.sop_class_uid == LEGACY_CONVERTED_CT and image_type[0] == "ORIGINAL":
        return *HOUNSFIELD, UNSPECIFIED
    return HOUNSFIELD


def _strings(frame: Dataset, shared: Dataset) -> FrameStrings:
    position = _group("PlanePositionSequence", frame, shared)
    orientation = _group("PlaneOrientationSequence", frame, shared)
    measures = _group("PixelMeasuresSequence", frame, shared)
    rescale = _group("PixelValueTransformationSequence", frame, shared)
    return FrameStrings(
        _texts(position.get("ImagePositionPatient"), 3),
        _texts(orientation.get("ImageOrientationPatient"), 6),
        _texts(measures.get("PixelSpacing"), 2),
        _text(rescale.get("RescaleSlope")),
        _text(rescale.get("RescaleIntercept")),
        str(rescale.get("RescaleType") or HOUNSFIELD[0]),
    )


def _group(keyword: str, frame: Dataset, shared: Dataset) -> Dataset:
    items: Sequence[Dataset] = frame.get(keyword) or shared.get(keyword) or [Dataset()]
    return items[0]


def _texts(values: object, count: int) -> tuple[str, ...] | None:
    if not isinstance(values, Iterable):
        return None
    texts = tuple(str(value) for value in values)
    return texts if len(texts) == count else None


def _text(value: object) -> str | None:
    return None if value is None else str(value)

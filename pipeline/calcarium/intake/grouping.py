"""Which files of a study are one scan.

A series is a scan, unless it holds several acquisitions: images that cannot lie
in one volume are always apart; images of one place are taken apart only where a
header element tells the acquisitions from each other. What stays ambiguous stays
together, and the volume stage refuses it.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise
from typing import TypeAlias

from calcarium.intake.records import Acquisition, FileHeader, Scan

Member: TypeAlias = tuple[FileHeader, Acquisition]
Key: TypeAlias = tuple[object, ...]

UID = re.compile(r"[0-9]+(\.[0-9]+)+")
MAX_UID_LENGTH = 64
SAME_PLACE_MM = 0.01
SAME_DIRECTION = 0.01  # greatest difference of a direction cosine: 0.6 degree


def is_uid(value: str | None) -> bool:
    """Whether a UID can identify anything: digits in several components.

    Leading zeros are let pass: they break PS3.5 section 9 but not identity.
    """
    return value is not None and len(value) <= MAX_UID_LENGTH and bool(UID.fullmatch(value))


def digest(*facts: object) -> str:
    """16 hex digits of a hash of facts."""
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]


def patient_key(acquisition: Acquisition) -> str:
    """Hash of who the patient is; empty if the header does not say."""
    if acquisition.patient_id:
        return digest(acquisition.patient_id)
    if acquisition.patient_name:
        return digest(acquisition.patient_name, acquisition.patient_birth_date)
    return ""


def study_key(file: FileHeader, acquisition: Acquisition) -> str:
    """StudyInstanceUID; without a valid one a hash of who was examined, when and for what.

    Without a patient the series is part of it, so that patients never meet in one study.
    """
    if is_uid(file.study_instance_uid):
        return str(file.study_instance_uid)
    patient = patient_key(acquisition)
    facts = (
        patient,
        file.study_instance_uid,
        acquisition.study_date,
        acquisition.accession_number,
        acquisition.study_description,
    )
    return digest(*facts) if patient else digest(*facts, series_key(file, acquisition))


def series_key(file: FileHeader, acquisition: Acquisition) -> str:
    """SeriesInstanceUID; without a valid one a hash of content headers and geometry."""
    if is_uid(file.series_instance_uid):
        return str(file.series_instance_uid)
    return digest(
        patient_key(acquisition),
        file.study_instance_uid,
        file.series_instance_uid,
        file.sop_class_uid,
        file.rows,
        file.columns,
        file.pixel_spacing,
        acquisition.modality,
        acquisition.study_date,
        acquisition.series_date,
        acquisition.series_time,
        acquisition.accession_number,
        acquisition.frame_of_reference_uid,
        acquisition.manufacturer,
        acquisition.manufacturer_model,
        acquisition.series_description,
        acquisition.protocol_name,
        acquisition.convolution_kernel,
        acquisition.kvp,
        acquisition.slice_thickness_mm,
        acquisition.reconstruction_diameter_mm,
    )


def split_series(members: Iterable[Member]) -> list[list[Member]]:
    """Acquisitions of one series, the largest first; the order of the input does not matter."""
    ordered = sorted(members, key=_stable)
    parts = [part for alike in _apart(ordered) for part in _by_acquisition(alike)]
    return sorted(parts, key=lambda part: (-len(_places(part)), _stable(part[0])))


def scans_of_series(study_id: str, base_id: str, members: Iterable[Member]) -> list[Scan]:
    """The scans of one series: ``base_id``, ``base_id/2`` ..."""
    return [
        _scan(study_id, base_id if number == 1 else f"{base_id}/{number}", part)
        for number, part in enumerate(split_series(members), start=1)
    ]


def _scan(study_id: str, scan_id: str, part: Sequence[Member]) -> Scan:
    first, acquisition = part[0]
    acquisition = replace(
        acquisition,
        image_type=first.image_type,
        acquisition_time=first.acquisition_time,
        tube_current_ma=first.tube_current_ma,
    )
    return Scan(scan_id, study_id, acquisition, tuple(file for file, _ in part))


def _stable(member: Member) -> Key:
    """Order by content: UIDs and numbers of the file, the path only between exact copies."""
    file, acquisition = member
    return (
        file.acquisition_number or 0,
        file.instance_number or 0,
        file.sop_instance_uid or "",
        file.image_position or (),
        file.acquisition_time or "",
        acquisition.series_time or "",
        file.size_bytes,
        file.url,
    )


def _apart(members: Sequence[Member]) -> list[list[Member]]:
    """Images that cannot lie in one volume, by kind, matrix, spacing and direction."""
    kinds: dict[Key, list[Member]] = defaultdict(list)
    for member in members:
        kinds[_kind(member)].append(member)
    return [part for alike in kinds.values() for part in _clusters(alike)]


def _kind(member: Member) -> Key:
    file, acquisition = member
    return (
        file.sop_class_uid,
        acquisition.modality,
        "LOCALIZER" in file.image_type,
        # A multi-frame object is a volume of its own.
        (file.sop_instance_uid, file.url) if file.number_of_frames > 1 else None,
        file.rows,
        file.columns,
        file.bits_allocated,
        file.samples_per_pixel,
    )


def _clusters(members: Sequence[Member]) -> list[list[Member]]:
    """Images of one orientation and pixel spacing, within rounding.

    Without a SeriesInstanceUID the corner of the image counts as well, else
    patients of one scanner protocol would be taken for one series.
    """
    alike: dict[Key, list[Member]] = defaultdict(list)
    for member in members:
        file = member[0]
        corner = None if is_uid(file.series_instance_uid) else file.image_position
        alike[file.image_orientation, file.pixel_spacing, corner].append(member)
    clusters: list[tuple[tuple[float, ...], list[Member]]] = []
    for same in alike.values():
        plane = _plane(same[0][0])
        near = (cluster for other, cluster in clusters if _is_near(plane, other))
        cluster = next(near, None)
        if cluster is None:
            clusters.append((plane, same))
        else:
            cluster += same
    return [sorted(cluster, key=_stable) for _, cluster in clusters]


def _is_near(plane: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return len(plane) == len(other) and all(
        abs(a - b) <= SAME_DIRECTION for a, b in zip(plane, other, strict=True)
    )


def _plane(file: FileHeader) -> tuple[float, ...]:
    orientation = tuple(map(float, file.image_orientation or ()))
    spacing = tuple(map(float, file.pixel_spacing or ()))
    if is_uid(file.series_instance_uid) or not orientation or not file.image_position:
        return (*orientation, *spacing)
    x, y, z = map(float, file.image_position)
    row = orientation[:3]
    across = x * row[0] + y * row[1] + z * row[2]
    # A hundredth, as the tolerance is that of direction cosines: 1 mm here.
    return (*orientation, *spacing, across / 100)


def _by_acquisition(members: list[Member]) -> list[list[Member]]:
    """Take repeated places apart by the first element that does so completely."""
    most = _most_at_one_place(members)
    if most == 1:
        return [members]
    for discriminate in DISCRIMINATORS:
        groups: dict[object, list[Member]] = defaultdict(list)
        for member in members:
            groups[discriminate(member)].append(member)
        if len(groups) == most and _is_resolved(list(groups.values())):
            return list(groups.values())
    return _by_time(members, most)


def _by_time(members: list[Member], most: int) -> list[list[Member]]:
    """Equal blocks, one after the other, that each visit every place once."""
    for when in (_time, _instance):
        ordered = sorted(members, key=lambda member: (when(member) or 0.0, _stable(member)))
        size, rest = divmod(len(ordered), most)
        blocks = [ordered[i : i + size] for i in range(0, len(ordered), size)]
        if rest or any(when(member) is None for member in members):
            continue
        apart = all((when(a[-1]) or 0.0) < (when(b[0]) or 0.0) for a, b in pairwise(blocks))
        if apart and _is_resolved(blocks):
            return blocks
    return [members]


def _is_resolved(groups: list[list[Member]]) -> bool:
    """No place twice in a group, and not merely one place taken to pieces."""
    return all(_most_at_one_place(group) == 1 for group in groups) and any(
        len(_places(group)) > 1 for group in groups
    )


def _time(member: Member) -> float | None:
    text = member[0].acquisition_time or ""
    return float(text) if re.fullmatch(r"\d{6}(\.\d+)?", text) else None


def _instance(member: Member) -> float | None:
    number = member[0].instance_number
    return None if number is None else float(number)


DISCRIMINATORS: tuple[Callable[[Member], object], ...] = (
    lambda member: member[0].image_type,
    lambda member: member[0].acquisition_number,
    lambda member: (member[1].cardiac_phase_percent, member[1].trigger_time_ms),
    lambda member: (member[1].convolution_kernel, member[1].kvp, member[1].slice_thickness_mm),
    lambda member: (member[1].contrast_agent, member[1].series_time),
)


def _places(members: Sequence[Member]) -> dict[Key, set[str]]:
    """Distinct images at each place; copies of one SOP instance are one image."""
    places: dict[Key, set[str]] = defaultdict(set)
    for file, _ in members:
        if file.image_position is not None:
            places[_place(file.image_position)].add(file.sop_instance_uid or file.url)
    return places


@lru_cache(maxsize=4096)
def _place(position: tuple[str, ...]) -> tuple[int, ...]:
    return tuple([round(float(x) / SAME_PLACE_MM) for x in position])


def _most_at_one_place(members: Sequence[Member]) -> int:
    return max((len(images) for images in _places(members).values()), default=1)

"""Files, scans and studies as typed facts: what headers say, before any pixel is read.

``None`` means that the header does not say; nothing is filled in here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Gating: TypeAlias = Literal["yes", "no", "unknown"]


@dataclass(frozen=True, slots=True)
class FileHeader:
    """One DICOM file: where it is, what tells it apart, and its own geometry.

    Numbers that decide a score stay the strings of the file (``DS``), so that
    they can be read exactly later.

    Attributes
    ----------
    url : local path, or an fsspec URL; ``zip://MEMBER::ARCHIVE`` for a member of an archive
    size_bytes : of the file itself, uncompressed where it lies in an archive
    mtime_ns : last change of the file, or of the archive that holds it; 0 where storage has none
    pixel_offset, pixel_length : where the value of PixelData begins, and its bytes; the length is
        ``None`` for encapsulated pixels; both are ``None`` without PixelData and for the
        deflated transfer syntax, where offsets mean nothing
    frame_positions : ImagePositionPatient of each frame of a multi-frame object
    """

    url: str
    size_bytes: int
    mtime_ns: int
    transfer_syntax_uid: str
    pixel_offset: int | None
    pixel_length: int | None
    sop_class_uid: str | None
    sop_instance_uid: str | None
    study_instance_uid: str | None
    series_instance_uid: str | None
    acquisition_number: int | None
    instance_number: int | None
    number_of_frames: int
    rows: int | None
    columns: int | None
    samples_per_pixel: int | None
    photometric_interpretation: str | None
    bits_allocated: int | None
    bits_stored: int | None
    high_bit: int | None
    pixel_representation: int | None
    pixel_padding_value: int | None
    rescale_slope: str | None
    rescale_intercept: str | None
    image_position: tuple[str, str, str] | None
    image_orientation: tuple[str, str, str, str, str, str] | None
    pixel_spacing: tuple[str, str] | None
    image_type: tuple[str, ...] = ()
    acquisition_time: str | None = None
    tube_current_ma: float | None = None
    frame_positions: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Acquisition:
    """What holds for a whole scan; read from its first file.

    ``patient_*``, ``accession_number`` and the dates never enter a shareable
    table as they are.
    """

    modality: str | None
    image_type: tuple[str, ...]
    patient_id: str | None
    patient_name: str | None
    patient_birth_date: str | None
    patient_age: str | None
    patient_sex: str | None
    accession_number: str | None
    study_date: str | None
    series_date: str | None
    series_time: str | None
    acquisition_time: str | None
    frame_of_reference_uid: str | None
    manufacturer: str | None
    manufacturer_model: str | None
    study_description: str | None
    series_description: str | None
    protocol_name: str | None
    body_part_examined: str | None
    patient_position: str | None
    kvp: float | None
    filter_type: str | None
    convolution_kernel: str | None
    slice_thickness_mm: float | None
    spacing_between_slices_mm: float | None
    reconstruction_diameter_mm: float | None
    gantry_tilt_deg: float | None
    scan_options: tuple[str, ...]
    heart_rate_bpm: float | None
    trigger_time_ms: float | None
    cardiac_phase_percent: float | None
    cardiac_synchronization: str | None
    contrast_agent: str | None
    contrast_route: str | None
    contrast_volume_ml: float | None
    lossy_image_compression: str | None
    burned_in_annotation: str | None
    ctdi_vol_mgy: float | None
    tube_current_ma: float | None
    mass_factor_patient: float | None
    mass_factor_device: tuple[float, ...]
    cardiac_framing_type: str | None = None
    nominal_interval_ms: float | None = None
    contrast_agent_sequence: bool = False


@dataclass(frozen=True, slots=True)
class Scan:
    """One series, or one part of a series that holds several acquisitions.

    Attributes
    ----------
    scan_id : SeriesInstanceUID, with ``/2``, ``/3`` ... where one was split; where
        the UID is missing, a hash of headers and geometry, never of paths
    study_id : StudyInstanceUID, or such a hash
    mask : URL of the user's mask of it, where one was looked up; no part of the index
    """

    scan_id: str
    study_id: str
    acquisition: Acquisition
    files: tuple[FileHeader, ...]
    mask: str = ""


@dataclass(frozen=True, slots=True)
class Study:
    """All scans of one study, wherever their files lie."""

    study_id: str
    scans: tuple[Scan, ...]

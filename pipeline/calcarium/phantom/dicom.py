"""A synthetic scan as DICOM files and NIfTI masks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import UID, CTImageStorage, generate_uid

from calcarium.phantom.codecs import NATIVE, Frame, encode_frame, syntax_uid
from calcarium.phantom.header import Person, Technique
from calcarium.phantom.model import Float32, Float64, Grid, LabelMap, PhantomScan


@dataclass(frozen=True)
class Encoding:
    """How Hounsfield units become stored integers: ``HU = slope * stored + intercept``.

    ``slope`` and ``intercept`` are the decimal strings that the header will hold.
    """

    syntax: str = "explicit"
    signed: bool = False
    slope: str = "1"
    intercept: str = "-1024"

    @property
    def bits_stored(self) -> int:
        """12 for the usual unsigned CT, else 16."""
        return 12 if not self.signed and self.slope == "1" else 16

    def stored(self, hu: Float32) -> Frame:
        """Nearest storable integers, clipped to the range of the header."""
        values = np.rint((hu.astype(np.float64) - float(self.intercept)) / float(self.slope))
        if self.signed:
            return np.clip(values, -32768, 32767).astype(np.int16)
        return np.clip(values, 0, 2**self.bits_stored - 1).astype(np.uint16)

    def readable_hu(self, hu: Float32) -> Float64:
        """The Hounsfield units that a reader of the files gets back."""
        stored = self.stored(hu).astype(np.float64)
        # a slope like 0.3 has no exact binary form; the decimals here do
        return np.round(stored * float(self.slope) + float(self.intercept), 6)


PLAIN = Encoding()


@dataclass(frozen=True)
class SeriesUids:
    """Identifiers of one series, made from a text so that they repeat."""

    study: str
    series: str
    frame_of_reference: str

    @classmethod
    def of(cls, study: str, series: str = "1") -> SeriesUids:
        """The identifiers of a study and a series named by any text."""
        return cls(
            generate_uid(entropy_srcs=["study", study]),
            generate_uid(entropy_srcs=["series", study, series]),
            generate_uid(entropy_srcs=["frame", study, series]),  # one is placed anew for each
        )


def write_series(
    folder: Path,
    scan: PhantomScan,
    uids: SeriesUids,
    person: Person,
    technique: Technique,
    encoding: Encoding = PLAIN,
) -> list[Path]:
    """Write one file per slice, ``IM0001.dcm`` being the lowest slice.

    Returns
    -------
    the paths, by ascending z
    """
    folder.mkdir(parents=True, exist_ok=True)
    common = _common(scan.grid, uids, person, technique, encoding)
    paths = []
    for z in range(scan.grid.shape[0]):
        path = folder / f"IM{z + 1:04d}.dcm"
        _write_slice(path, common, scan.grid, z, encoding.stored(scan.hu[z]), encoding)
        paths.append(path)
    return paths


def write_mask(path: Path, labels: LabelMap, grid: Grid) -> None:
    """Write a label map, shape ``grid.shape``, as NIfTI in the scan's geometry."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = nib.Nifti1Image(  # type: ignore[no-untyped-call]
        np.ascontiguousarray(labels.transpose(2, 1, 0)), grid.affine_ras()
    )
    nib.save(image, path)


def _common(
    grid: Grid, uids: SeriesUids, person: Person, technique: Technique, encoding: Encoding
) -> Dataset:
    """Tags that all slices of a series share."""
    tags = Dataset()
    tags.SpecificCharacterSet = "ISO_IR 192"
    tags.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    tags.SOPClassUID = CTImageStorage
    tags.Modality = "CT"
    tags.StudyInstanceUID = uids.study
    tags.SeriesInstanceUID = uids.series
    tags.FrameOfReferenceUID = uids.frame_of_reference
    tags.StudyID = "1"
    tags.SeriesNumber = "2"
    tags.AcquisitionNumber = "1"
    tags.PositionReferenceIndicator = ""
    tags.PatientPosition = "HFS"
    _add_person(tags, person)
    _add_technique(tags, technique)
    _add_pixel_layout(tags, grid, encoding)
    return tags


def _add_person(tags: Dataset, person: Person) -> None:
    tags.PatientName = person.name
    tags.PatientID = person.patient_id
    tags.PatientBirthDate = person.birth_date
    tags.PatientSex = person.sex
    tags.PatientAge = f"{person.age_years:03d}Y"
    tags.AccessionNumber = person.accession_number
    tags.InstitutionName = person.institution
    tags.ReferringPhysicianName = person.physician
    for part in ("Study", "Series", "Acquisition", "Content"):
        setattr(tags, f"{part}Date", person.study_date)
        setattr(tags, f"{part}Time", "101112.000000")


def _add_technique(tags: Dataset, technique: Technique) -> None:
    tags.Manufacturer = technique.manufacturer
    tags.ManufacturerModelName = technique.manufacturer_model
    tags.StudyDescription = "CT CARDIAC" if technique.gated else "CT CHEST"
    tags.SeriesDescription = technique.series_description
    tags.ProtocolName = technique.series_description
    tags.BodyPartExamined = "HEART" if technique.gated else "CHEST"
    tags.KVP = f"{technique.kvp:g}"
    tags.ConvolutionKernel = technique.convolution_kernel
    tags.FilterType = "FLAT"
    tags.GantryDetectorTilt = "0"
    tags.XRayTubeCurrent = "250"
    tags.ExposureTime = "330"
    if technique.contrast_agent:
        tags.ContrastBolusAgent = technique.contrast_agent
        tags.ContrastBolusRoute = "IV"
    if technique.gated:
        tags.ScanOptions = "ECG"
        tags.HeartRate = str(technique.heart_rate_bpm)
        tags.TriggerTime = f"{0.75 * 60000 / technique.heart_rate_bpm:.1f}"
        tags.NominalPercentageOfCardiacPhase = 75.0
        tags.CardiacSynchronizationTechnique = "PROSPECTIVE"
    else:
        tags.ScanOptions = "HELIX"


def _add_pixel_layout(tags: Dataset, grid: Grid, encoding: Encoding) -> None:
    _, rows, columns = grid.shape
    tags.ImageOrientationPatient = ["1", "0", "0", "0", "1", "0"]
    tags.PixelSpacing = [_ds(grid.row_spacing_mm), _ds(grid.column_spacing_mm)]
    tags.SliceThickness = _ds(grid.slice_thickness_mm)
    tags.SpacingBetweenSlices = _ds(grid.slice_increment_mm)
    tags.ReconstructionDiameter = _ds(columns * grid.column_spacing_mm)
    tags.SamplesPerPixel = 1
    tags.PhotometricInterpretation = "MONOCHROME2"
    tags.Rows = rows
    tags.Columns = columns
    tags.BitsAllocated = 16
    tags.BitsStored = encoding.bits_stored
    tags.HighBit = encoding.bits_stored - 1
    tags.PixelRepresentation = int(encoding.signed)
    tags.RescaleSlope = encoding.slope
    tags.RescaleIntercept = encoding.intercept
    tags.RescaleType = "HU"
    tags.WindowCenter = "40"
    tags.WindowWidth = "400"


def _write_slice(
    path: Path, common: Dataset, grid: Grid, z: int, stored: Frame, encoding: Encoding
) -> None:
    """Complete the common tags for slice ``z`` and write the file."""
    instance = Dataset()
    instance.update(common)
    instance.SOPInstanceUID = generate_uid(entropy_srcs=[common.SeriesInstanceUID, str(z)])
    instance.InstanceNumber = str(z + 1)
    x, y, bottom = grid.origin_mm
    position = bottom + z * grid.slice_increment_mm
    instance.ImagePositionPatient = [_ds(x), _ds(y), _ds(position)]
    instance.SliceLocation = _ds(position)
    instance.file_meta = FileMetaDataset()
    instance.file_meta.MediaStorageSOPClassUID = CTImageStorage
    instance.file_meta.MediaStorageSOPInstanceUID = instance.SOPInstanceUID
    instance.file_meta.TransferSyntaxUID = UID(syntax_uid(encoding.syntax))
    if encoding.syntax in NATIVE:
        instance.PixelData = stored.tobytes()
        instance["PixelData"].VR = "OW"
    else:
        frame = encode_frame(stored, encoding.syntax, encoding.bits_stored)
        instance.PixelData = encapsulate([frame])
        instance["PixelData"].VR = "OB"
        instance["PixelData"].is_undefined_length = True
    pydicom.dcmwrite(path, instance, enforce_file_format=True)


def _ds(value: float) -> str:
    """A decimal string of at most 16 characters, exact for what phantoms use."""
    text = f"{value:.6f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text

"""Tiny CT files for the tests of intake, written by pydicom."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

ROOT = "1.2.826.0.1.3680043.8.498"
STUDY, SERIES = f"{ROOT}.1", f"{ROOT}.1.1"
AXIAL = [1, 0, 0, 0, 1, 0]


def ct_slice(z_mm: float = 0.0, number: int = 1, **elements: Any) -> Dataset:
    """One axial 4 x 6 CT slice; ``elements`` overrides by keyword, ``None`` removes."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = elements.pop("TransferSyntaxUID", ExplicitVRLittleEndian)
    ds = Dataset()
    ds.file_meta = meta
    ds.SOPClassUID = CTImageStorage
    ds.StudyInstanceUID, ds.SeriesInstanceUID = STUDY, SERIES
    ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    ds.Modality, ds.PatientID, ds.PatientName = "CT", "P1", "Doe^Jane"
    ds.StudyDate, ds.SeriesTime = "20200101", "101112"
    ds.Manufacturer, ds.ConvolutionKernel = "SIEMENS", "Qr36d"
    ds.KVP, ds.SliceThickness = "120", "3"
    ds.AcquisitionNumber, ds.InstanceNumber = 1, number
    ds.ImagePositionPatient = [-100, -101, z_mm]
    ds.ImageOrientationPatient = AXIAL
    ds.PixelSpacing = ["0.5", "0.6"]
    ds.Rows, ds.Columns, ds.SamplesPerPixel = 4, 6, 1
    ds.PhotometricInterpretation = "MONOCHROME2"
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 12, 11, 0
    ds.RescaleIntercept, ds.RescaleSlope = "-1024", "1"
    for keyword, value in elements.items():
        if value is None:
            ds.pop(tag_for_keyword(keyword), None)
        else:
            setattr(ds, keyword, value)
    if "SOPInstanceUID" not in elements:
        series = ds.get("SeriesInstanceUID") or SERIES
        ds.SOPInstanceUID = f"{series}.{number}"
    if "PixelData" not in elements:
        ds.PixelData = np.full((4, 6), number, np.uint16).tobytes()
        ds["PixelData"].VR = "OW"
    ds.file_meta.MediaStorageSOPClassUID = ds.get("SOPClassUID", CTImageStorage)
    ds.file_meta.MediaStorageSOPInstanceUID = f"{ROOT}.0"
    return ds


def ct_series(count: int = 20, step_mm: float = 3.0, **elements: Any) -> list[Dataset]:
    """A series of axial slices, from z = 0 on."""
    return [ct_slice(step_mm * i, i + 1, **elements) for i in range(count)]


def save(folder: Path, slices: list[Dataset], prefix: str = "") -> list[Path]:
    """Write slices as files of a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{prefix}{i:04d}.dcm" for i in range(len(slices))]
    for path, ds in zip(paths, slices, strict=True):
        ds.save_as(path, enforce_file_format=True)
    return paths

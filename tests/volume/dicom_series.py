"""Small CT series written by pydicom in any transfer syntax, and the records they are read by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from calcarium.intake.headers import Header, read_header
from calcarium.intake.locations import Container, File, head_reader
from calcarium.intake.records import Acquisition, FileHeader, Scan

EXPLICIT_LE = "1.2.840.10008.1.2.1"
NATIVE = {
    "1.2.840.10008.1.2": (True, True),
    EXPLICIT_LE: (False, True),
    "1.2.840.10008.1.2.2": (False, False),
}
DEFLATED = "1.2.840.10008.1.2.1.99"
# By pydicom's own encoders: RLE, pyjpegls, openjpeg.
BY_PYDICOM = ("1.2.840.10008.1.2.5", "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.90")
BY_IMAGECODECS: dict[str, Callable[[NDArray[Any]], bytes]] = {
    "1.2.840.10008.1.2.4.57": lambda a: imagecodecs.jpeg8_encode(
        a.view(np.uint16), lossless=True, predictor=4, bitspersample=16
    ),
    "1.2.840.10008.1.2.4.70": lambda a: imagecodecs.jpeg8_encode(
        a.view(np.uint16), lossless=True, predictor=1, bitspersample=16
    ),
    "1.2.840.10008.1.2.4.201": lambda a: imagecodecs.htj2k_encode(a, reversible=True),
}
SYNTAXES = (*NATIVE, DEFLATED, *BY_PYDICOM, *BY_IMAGECODECS)


def ct_dataset(
    pixels: NDArray[Any], *, position: Sequence[float], bits_stored: int = 16, **tags: object
) -> Dataset:
    """One uncompressed CT slice of int16 or uint16 ``pixels``; ``tags`` replace or add elements."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID = CTImageStorage
    dataset.SOPInstanceUID = generate_uid()
    dataset.SeriesInstanceUID = "1.2.3"
    dataset.Modality = "CT"
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.BitsAllocated = 16
    dataset.BitsStored = bits_stored
    dataset.HighBit = bits_stored - 1
    dataset.PixelRepresentation = int(pixels.dtype == np.int16)
    dataset.RescaleSlope = "1"
    dataset.RescaleIntercept = "-1024"
    dataset.ImagePositionPatient = [f"{p:.6g}" for p in position]
    dataset.ImageOrientationPatient = ["1", "0", "0", "0", "1", "0"]
    dataset.PixelSpacing = ["0.5", "0.75"]
    dataset.PixelData = np.ascontiguousarray(pixels).tobytes()
    for keyword, value in tags.items():
        if value is None:
            delattr(dataset, keyword)
        else:
            setattr(dataset, keyword, value)
    return dataset


def save(dataset: Dataset, path: Path, syntax: str = EXPLICIT_LE) -> Path:
    """Write an uncompressed dataset in another transfer syntax."""
    meta = dataset.file_meta
    if syntax in NATIVE:
        implicit, little = NATIVE[syntax]
        meta.TransferSyntaxUID = syntax
        if not little:
            dataset.PixelData = np.frombuffer(dataset.PixelData, "<u2").astype(">u2").tobytes()
        dataset.save_as(path, implicit_vr=implicit, little_endian=little, enforce_file_format=True)
        return path
    if syntax in BY_PYDICOM:
        dataset.compress(syntax, generate_instance_uid=False)
    elif syntax in BY_IMAGECODECS:
        dtype = "<i2" if dataset.PixelRepresentation else "<u2"
        pixels = np.frombuffer(dataset.PixelData, dtype).reshape(dataset.Rows, dataset.Columns)
        dataset.PixelData = encapsulate([BY_IMAGECODECS[syntax](pixels)])
        dataset["PixelData"].is_undefined_length = True
    meta.TransferSyntaxUID = syntax
    dataset.save_as(path, enforce_file_format=True)
    return path


def write_series(
    folder: Path,
    volume: NDArray[Any],
    *,
    syntax: str = EXPLICIT_LE,
    increment: float = 2.5,
    bits_stored: int = 16,
    tags: Sequence[dict[str, object]] | None = None,
) -> list[Path]:
    """Write one file per slice of ``volume`` (n, rows, columns), upwards along the body."""
    folder.mkdir(parents=True, exist_ok=True)
    return [
        save(
            ct_dataset(
                pixels,
                position=(-120.5, -80.25, -300 + z * increment),
                bits_stored=bits_stored,
                **(tags[z] if tags else {}),
            ),
            folder / f"{z:04d}.dcm",
            syntax,
        )
        for z, pixels in enumerate(volume)
    ]


def file_header(path: Path) -> FileHeader:
    """Read the header of one file as intake does."""
    file = File.plain(Container(str(path), path.stat().st_size, path.stat().st_mtime_ns))
    header = read_header(file, head_reader(file.url))
    assert isinstance(header, Header), header
    return header.file


def scan_of(paths: Sequence[Path], **facts: object) -> Scan:
    """Describe files as one scan; ``facts`` are fields of its acquisition, the rest unknown."""
    return Scan("1.2.3", "1.2", acquisition(**facts), tuple(file_header(p) for p in paths))


def acquisition(**facts: Any) -> Acquisition:
    """Describe an acquisition of which only ``facts`` are known."""
    known: dict[str, Any] = {field.name: None for field in fields(Acquisition)}
    return Acquisition(**(known | {"image_type": (), "scan_options": ()} | facts))

"""Real files in every transfer syntax, against the decoders that pydicom drives."""

from __future__ import annotations

import warnings
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from dicom_series import file_header
from numpy.typing import NDArray

from calcarium.errors import ScanExcluded
from calcarium.volume.memory import allocate_words
from calcarium.volume.pixels import read_pixels
from calcarium.volume.slices import Slice

CORNERSTONE = "dicom_conformance/cornerstone_chestct_16_transfer_syntaxes"
NEMA = "dicom_conformance/nema_wg04_ct"
FO_DICOM = "dicom_conformance/fo_dicom_ct"

# pydicom has no decoder for JPEG Extended with 12 bits that may be installed beside it.
ONLY_HERE = {"1.2.840.10008.1.2.4.51"}


def stored_pixels(path: Path) -> NDArray[Any]:
    """All frames of a file by the reader under test, whatever their geometry."""
    header = file_header(path)
    frames = [
        Slice(header, n, (0, 0, 0), (1, 0, 0, 0, 1, 0), (1, 1), Fraction(1), Fraction(0))
        for n in range(header.number_of_frames)
    ]
    words = allocate_words((len(frames), header.rows or 0, header.columns or 0))
    read_pixels(frames, words)
    return words.view(np.int16) if header.pixel_representation else words


def by_pydicom(path: Path) -> NDArray[Any]:
    """The same by pydicom's decoders: gdcm, pyjpegls, openjpeg, pylibjpeg-rle."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset = pydicom.dcmread(path)
        frames = dataset.pixel_array
    return frames.reshape(-1, dataset.Rows, dataset.Columns)


def reason_of(path: Path) -> str:
    with pytest.raises(ScanExcluded) as excluded:
        stored_pixels(path)
    return excluded.value.reason


def ct_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix != ".md")


@pytest.mark.parametrize("folder", [CORNERSTONE, NEMA, FO_DICOM])
def test_same_as_independent_decoders(test_data: Path, folder: str) -> None:
    compared = 0
    for path in ct_files(test_data / folder):
        try:
            got = stored_pixels(path)
        except ScanExcluded:
            continue  # which, and why, is checked below
        if file_header(path).transfer_syntax_uid not in ONLY_HERE:
            np.testing.assert_array_equal(got, by_pydicom(path), err_msg=path.name)
            compared += 1
    assert compared >= 10


def test_excluded_and_why(test_data: Path) -> None:
    excluded = {
        f"{CORNERSTONE}/CTImage.dcm_JPEGProcess1TransferSyntax_1.2.840.10008.1.2.4.50.dcm": (
            "lossy_8bit"
        ),
        f"{CORNERSTONE}/CTImage.dcm_JPEGProcess6_8TransferSyntax_1.2.840.10008.1.2.4.53.dcm": (
            "unsupported_transfer_syntax"
        ),
        f"{CORNERSTONE}/CTImage.dcm_JPEGProcess10_12TransferSyntax_1.2.840.10008.1.2.4.55.dcm": (
            "unsupported_transfer_syntax"
        ),
        f"{NEMA}/20-wrong-transfer-syntax.dcm": "undecodable",
        f"{FO_DICOM}/FreezePattern.dcm": "unsupported_pixels",
        # JPEG fragments under a native transfer syntax.
        f"{FO_DICOM}/GH1376.dcm": "undecodable",
        f"{FO_DICOM}/GH178.dcm": "no_pixels",
        f"{FO_DICOM}/GH179A.dcm": "no_pixels",
        f"{FO_DICOM}/GH179B.dcm": "no_pixels",
    }
    assert {name: reason_of(test_data / name) for name in excluded} == excluded
    for folder in (CORNERSTONE, NEMA, FO_DICOM):
        for path in ct_files(test_data / folder):
            if f"{folder}/{path.name}" not in excluded:
                stored_pixels(path)


def test_lossless_syntaxes_are_identical(test_data: Path) -> None:
    reference = by_pydicom(test_data / CORNERSTONE / "CTImage.dcm")
    lossless = (".2", ".2.1", ".2.2", ".1.99", ".2.5", ".4.57", ".4.70", ".4.80", ".4.90")
    paths = [
        path
        for path in ct_files(test_data / CORNERSTONE)
        if path.name == "CTImage.dcm" or path.stem.endswith(lossless)
    ]
    assert len(paths) == 10
    for path in paths:
        np.testing.assert_array_equal(stored_pixels(path), reference, err_msg=path.name)
    for n in (1, 2):
        reference = by_pydicom(test_data / NEMA / f"CT{n}_UNC")
        for kind in ("J2KR", "JLSL", "JPLL", "RLE"):
            got = stored_pixels(test_data / NEMA / f"CT{n}_{kind}")
            np.testing.assert_array_equal(got, reference, err_msg=kind)


@pytest.mark.parametrize(
    ("name", "reference", "error"),
    [
        # Greatest differences as the README of the data states them.
        (f"{CORNERSTONE}/*_1.2.840.10008.1.2.4.81.dcm", f"{CORNERSTONE}/CTImage.dcm", 1),
        (f"{CORNERSTONE}/*_1.2.840.10008.1.2.4.91.dcm", f"{CORNERSTONE}/CTImage.dcm", 5),
        (f"{NEMA}/CT1_JLSN", f"{NEMA}/CT1_UNC", 4),
        (f"{NEMA}/CT1_J2KI", f"{NEMA}/CT1_UNC", 352),
        (f"{NEMA}/CT2_J2KI", f"{NEMA}/CT2_UNC", 402),
    ],
)
def test_lossy_syntaxes_are_off_as_published(
    test_data: Path, name: str, reference: str, error: int
) -> None:
    (path,) = test_data.glob(name)
    difference = stored_pixels(path).astype(int) - by_pydicom(test_data / reference)
    assert np.abs(difference).max() == error


def test_jpeg_of_twelve_bits_keeps_hounsfield_units(test_data: Path) -> None:
    (path,) = test_data.glob(f"{CORNERSTONE}/CTImage*_1.2.840.10008.1.2.4.51.dcm")
    header = file_header(path)
    slope, intercept = float(header.rescale_slope or 0), float(header.rescale_intercept or 0)
    hu = stored_pixels(path) * slope + intercept
    original = by_pydicom(test_data / CORNERSTONE / "CTImage.dcm") - 1024.0
    assert np.median(np.abs(hu - original)) < 2 * slope


PYDICOM_FILES = Path(pydicom.__file__).parent / "data" / "test_files"


def test_other_sign_in_the_codestream_than_in_the_header() -> None:
    # PixelRepresentation 1 over an unsigned JPEG 2000 codestream of 13 bits.
    got = stored_pixels(PYDICOM_FILES / "J2K_pixelrep_mismatch.dcm")
    np.testing.assert_array_equal(got, by_pydicom(PYDICOM_FILES / "J2K_pixelrep_mismatch.dcm"))
    assert got.min() < 0


@pytest.mark.filterwarnings("ignore")  # of pydicom, on headers that are wrong on purpose
def test_every_file_that_pydicom_ships() -> None:
    compared = []
    for path in sorted(PYDICOM_FILES.glob("*.dcm")):
        try:
            got = stored_pixels(path)
        except (ScanExcluded, AssertionError):  # no CT, or no header
            continue
        if file_header(path).transfer_syntax_uid in ONLY_HERE:
            continue
        np.testing.assert_array_equal(got, by_pydicom(path), err_msg=path.name)
        compared.append(path.name)
    assert {"CT_small.dcm", "693_J2KI.dcm", "MR_small_RLE.dcm"} <= set(compared)

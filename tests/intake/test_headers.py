"""Headers against pydicom."""

from __future__ import annotations

import warnings
from io import BytesIO
from pathlib import Path
from typing import Any

import pydicom
import pytest
from generated_ct import ct_slice
from header_bytes import FULL, PLAIN, encoded, in_memory
from pydicom.dataset import Dataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from calcarium.intake.fast_headers import HeaderReader
from calcarium.intake.headers import Header, NotDicom, read_header
from calcarium.intake.locations import Container, File, head_reader
from calcarium.intake.tags import ACQUISITION_TAGS, FILE_TAGS
from calcarium.intake.walk import walk

SYNTAXES = (ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian)


def header(content: bytes) -> Header:
    found = read_header(in_memory(content), lambda count: content[:count])
    assert isinstance(found, Header), found
    return found


def as_pydicom_says(ds: pydicom.Dataset, tag: int) -> Any:
    """Value of an element in the shape that records have, by pydicom's own conversion."""
    if tag not in ds or ds[tag].is_empty:
        return None
    element = ds[tag]
    if element.VR == "SQ":
        return bool(element.value)
    if element.VR == "DS":
        values = [element.value] if element.VM == 1 else element.value
        return tuple(float(value) for value in values)
    if element.VM > 1:
        return tuple(value.strip() if isinstance(value, str) else value for value in element.value)
    return (
        str(element.value)
        if isinstance(element.value, (str, pydicom.valuerep.PersonName))
        else element.value
    )


def agrees(ours: Any, theirs: Any) -> bool:
    """Equal, but for the shape in which numbers and lists are kept."""
    if theirs is None:
        return ours in (None, (), False)
    if isinstance(theirs, tuple) and theirs and isinstance(theirs[0], float):
        numbers = ours if isinstance(ours, tuple) else (ours,)
        return tuple(float(number) for number in numbers) == theirs
    if isinstance(theirs, tuple) and isinstance(theirs[0], int):
        return bool(ours == theirs[0])  # several values where one is due: the first counts
    if isinstance(theirs, tuple):
        return ours == theirs or ours == "\\".join(theirs)
    return ours == theirs or ours == (theirs,)


def check_against_pydicom(found: Header, ds: pydicom.Dataset) -> None:
    for table, record in ((FILE_TAGS, found.file), (ACQUISITION_TAGS, found.acquisition)):
        for name, (tag, _) in table.items():
            theirs = as_pydicom_says(ds, tag)
            if name == "pixel_padding_value" and isinstance(theirs, int) and ds.PixelRepresentation:
                theirs = (theirs + 2**15) % 2**16 - 2**15  # pydicom goes by the VR, even if wrong
            assert agrees(getattr(record, name), theirs), (name, getattr(record, name), theirs)


@pytest.mark.parametrize("syntax", [*SYNTAXES, DeflatedExplicitVRLittleEndian])
def test_every_value_is_that_of_pydicom(syntax: str) -> None:
    content = encoded(ct_slice(12.5, 4, TransferSyntaxUID=syntax, **FULL))
    found = header(content)
    assert found.file.transfer_syntax_uid == syntax
    check_against_pydicom(found, pydicom.dcmread(BytesIO(content)))


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("preamble", [True, False])
def test_pixels_lie_where_the_header_says(syntax: str, preamble: bool) -> None:
    ds = ct_slice(1, 7, TransferSyntaxUID=syntax)
    content = encoded(ds, preamble=preamble)
    file = header(content).file
    assert file.pixel_offset is not None
    assert file.pixel_length is not None
    assert content[file.pixel_offset :][: file.pixel_length] == ds.PixelData


def test_without_file_meta() -> None:
    for syntax in SYNTAXES:
        buffer = BytesIO()
        pydicom.dcmwrite(
            buffer,
            ct_slice(TransferSyntaxUID=syntax),
            implicit_vr=syntax == ImplicitVRLittleEndian,
            little_endian=syntax != ExplicitVRBigEndian,
            enforce_file_format=False,
        )
        bare = buffer.getvalue()
        bare = bare[bare.index(b"\x08\x00" if syntax != ExplicitVRBigEndian else b"\x00\x08") :]
        assert header(bare).file.transfer_syntax_uid == syntax


def test_numbers_stay_as_they_are_written() -> None:
    ds = ct_slice(RescaleIntercept="-1024.000", ImagePositionPatient=["-1.50", "2", "3.250"])
    file = header(encoded(ds)).file
    assert (file.rescale_intercept, file.image_position) == ("-1024.000", ("-1.50", "2", "3.250"))


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(
    ("keyword", "value", "field"),
    [
        ("ImagePositionPatient", b"1\\2", "image_position"),
        ("ImagePositionPatient", b"1\\2\\nan ", "image_position"),
        ("RescaleSlope", b"1e999 ", "rescale_slope"),
        ("RescaleSlope", b"one ", "rescale_slope"),
        ("PixelSpacing", b"0,5\\0,5 ", "pixel_spacing"),
        ("InstanceNumber", b"1.5 ", "instance_number"),
        ("Rows", b"", "rows"),
    ],
)
def test_a_broken_value_is_none(keyword: str, value: bytes, field: str) -> None:
    ds = ct_slice(TransferSyntaxUID=ImplicitVRLittleEndian)
    tag = pydicom.tag.Tag(keyword)
    ds[tag] = pydicom.dataelem.RawDataElement(tag, None, len(value), value, 0, True, True, True)
    assert getattr(header(encoded(ds)).file, field) is None


@pytest.mark.parametrize(
    ("charset", "name"),
    [
        ("ISO_IR 192", "Müller^Jürgen"),
        ("ISO_IR 100", "Müller^Jürgen"),
        ("ISO_IR 144", "Люкceмбypг"),
    ],
)
def test_names_in_other_alphabets(charset: str, name: str) -> None:
    content = encoded(ct_slice(SpecificCharacterSet=charset, PatientName=name))
    assert header(content).acquisition.patient_name == name


@pytest.mark.parametrize("content", [b"", b"hello", b"%PDF-1.7" * 40, b"\0" * 500, b"NRRD0004"])
def test_what_is_not_dicom(content: bytes) -> None:
    found = read_header(in_memory(content), lambda count: content[:count])
    assert isinstance(found, NotDicom)


def test_a_header_longer_than_the_first_read() -> None:
    ds = ct_slice()
    ds.add_new(0x00091001, "OB", b"x" * 300_000)
    ds.add_new(0x00090010, "LO", "PRIVATE")
    content = encoded(ds)
    reads: list[int] = []

    def read(count: int) -> bytes:
        reads.append(count)
        return content[:count]

    file = File.plain(Container("/memory", len(content), 0))
    reader = HeaderReader()
    first, second = reader.read(file, read), reader.read(file, read)
    assert isinstance(first, Header)
    assert first == second
    assert first.file.pixel_offset is not None
    assert first.file.pixel_offset > 300_000
    assert max(reads) < 2_000_000


def multi_frame() -> Dataset:
    """Enhanced CT of three frames."""
    ds = ct_slice(
        SOPClassUID="1.2.840.10008.5.1.4.1.1.2.1",
        NumberOfFrames=3,
        ImagePositionPatient=None,
        ImageOrientationPatient=None,
        PixelSpacing=None,
    )
    shared, orientation, measures = Dataset(), Dataset(), Dataset()
    orientation.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    measures.PixelSpacing = ["0.5", "0.6"]
    shared.PlaneOrientationSequence, shared.PixelMeasuresSequence = [orientation], [measures]
    frames = []
    for z in (3, 6, 9):
        frame, place = Dataset(), Dataset()
        place.ImagePositionPatient = ["0", "0", str(z)]
        frame.PlanePositionSequence = [place]
        frames.append(frame)
    ds.SharedFunctionalGroupsSequence, ds.PerFrameFunctionalGroupsSequence = [shared], frames
    return ds


def test_frames_of_a_multi_frame_object() -> None:
    ds = multi_frame()
    for syntax in PLAIN:
        ds.file_meta.TransferSyntaxUID = syntax
        file = header(encoded(ds)).file
        assert file.frame_positions == (("0", "0", "3"), ("0", "0", "6"), ("0", "0", "9"))
        assert file.pixel_spacing == ("0.5", "0.6")
        assert list(map(float, file.image_orientation or ())) == [1, 0, 0, 0, 1, 0]


def test_real_values_are_those_of_pydicom(test_data: Path) -> None:
    for found in walk([str(test_data)]):
        assert isinstance(found, Container)
        read = read_header(File.plain(found), head_reader(found.url))
        if not isinstance(read, Header) or read.file.number_of_frames > 1:
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ds = pydicom.dcmread(found.url, stop_before_pixels=True, force=True)
            if ds.get("RescaleSlope") is not None:
                assert read.file.rescale_slope == str(ds.RescaleSlope).strip()
            check_against_pydicom(read, ds)

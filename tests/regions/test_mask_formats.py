"""MetaImage, NRRD and DICOM SEG: the voxels of the file on the scan, with the file's own names."""

from __future__ import annotations

import sys
import zlib
from pathlib import Path

import highdicom
import nrrd
import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid
from small_masks import UID, blocks, on_scan, vessels
from small_scans import geometry, lps_affine, scan

from calcarium.config import RegionRules
from calcarium.errors import ScanExcluded, ScanFailed, UsageError
from calcarium.regions.inputs import gather_inputs
from calcarium.regions.masks import read_marked
from calcarium.volume.model import Geometry

# MetaImage, the format of orCaScore


def metaimage(
    labels: NDArray[np.generic], of: Geometry, kind: str, data: str, **more: str
) -> bytes:
    """Header as ITK writes it: x fastest, then y, then z."""
    turn = [*of.row_direction, *of.column_direction]
    turn += [float(n) for n in np.cross(of.row_direction, of.column_direction)]
    z, y, x = labels.shape
    spacing = (of.column_spacing_mm, of.row_spacing_mm, of.slice_increment_mm)
    lines = {
        "ObjectType": "Image",
        "NDims": "3",
        "BinaryData": "True",
        "BinaryDataByteOrderMSB": "False",
        "CompressedData": "False",
        "TransformMatrix": " ".join(map(str, turn)),
        "Offset": " ".join(str(float(n)) for n in of.origin_mm[0]),
        "CenterOfRotation": "0 0 0",
        "ElementSpacing": " ".join(map(str, spacing)),
        "DimSize": f"{x} {y} {z}",
        "ElementType": kind,
        **more,
        "ElementDataFile": data,
    }
    return "".join(f"{key} = {value}\n" for key, value in lines.items()).encode()


@pytest.mark.parametrize("oblique", [False, True])
def test_metaimage_as_the_challenges_have_it(tmp_path: Path, oblique: bool) -> None:
    of = geometry(row=(0.8, 0.6, 0.0), column=(-0.6, 0.8, 0.0)) if oblique else geometry()
    labels = blocks(1, 2, 3)
    orcascore = RegionRules(labels={"1": "LAD", "2": "LCX", "3": "RCA"})
    big = labels.astype(">u2")
    files = {
        "a.mha": metaimage(labels, of, "MET_USHORT", "LOCAL") + labels.tobytes(),
        "b.mhd": metaimage(labels, of, "MET_UCHAR", "b.raw"),
        "c.mhd": metaimage(labels, of, "MET_UCHAR", "c.zraw", CompressedData="True"),
        "d.mha": metaimage(big, of, "MET_USHORT", "LOCAL", BinaryDataByteOrderMSB="True")
        + big.tobytes(),
    }
    (tmp_path / "b.raw").write_bytes(labels.astype(np.uint8).tobytes())
    (tmp_path / "c.zraw").write_bytes(zlib.compress(labels.astype(np.uint8).tobytes()))
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
        marked = read_marked(str(tmp_path / name), of, orcascore)
        np.testing.assert_array_equal(on_scan(marked.region), labels)
        assert vessels(marked) == {1: "LAD", 2: "LCX", 3: "RCA"}


def test_a_metaimage_that_is_cut_short_or_says_no_place(tmp_path: Path) -> None:
    whole = metaimage(blocks(1), geometry(), "MET_USHORT", "LOCAL") + blocks(1).tobytes()
    for content in (b"", b"nonsense", whole[:60], whole[:-5]):
        (tmp_path / "a.mha").write_bytes(content)
        with pytest.raises(ScanFailed, match=r"a\.mha"):
            read_marked(str(tmp_path / "a.mha"), geometry(), RegionRules())
    (tmp_path / "a.mha").write_bytes(whole.replace(b"Offset", b"Comment"))
    with pytest.raises(ScanExcluded, match="mask_mismatch"):
        read_marked(str(tmp_path / "a.mha"), geometry(), RegionRules())


def test_slicer_names_its_segments(tmp_path: Path) -> None:
    affine = lps_affine(geometry())
    header = {
        "space": "left-posterior-superior",
        "space directions": affine[:3, :3].T,
        "space origin": affine[:3, 3],
        "Segment0_LabelValue": "2",
        "Segment0_Name": "Segment_1",
        "Segment1_LabelValue": "1",
        "Segment1_Name": "LCX",
    }
    nrrd.write(str(tmp_path / "m.seg.nrrd"), blocks(1, 2), header)
    marked = read_marked(str(tmp_path / "m.seg.nrrd"), geometry(), RegionRules())
    assert vessels(marked) == {1: "LCX", 2: "unassigned"}


# DICOM SEG


def ct_slices(of: Geometry) -> list[Dataset]:
    study, frame = generate_uid(), generate_uid()
    slices = []
    for z, origin in enumerate(of.origin_mm):
        ds = Dataset()
        ds.file_meta = Dataset()
        ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        ds.SOPClassUID, ds.SOPInstanceUID = CTImageStorage, generate_uid()
        ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.FrameOfReferenceUID = study, UID, frame
        ds.PatientID = ds.PatientName = ds.PatientBirthDate = ds.PatientSex = ""
        ds.StudyID = ds.StudyDate = ds.StudyTime = ds.AccessionNumber = ""
        ds.ReferringPhysicianName = ""
        ds.Modality, ds.InstanceNumber = "CT", z + 1
        ds.ImagePositionPatient = [float(n) for n in origin]
        ds.ImageOrientationPatient = [*of.row_direction, *of.column_direction]
        ds.PixelSpacing = [of.row_spacing_mm, of.column_spacing_mm]
        ds.SliceThickness = 3.0
        ds.Rows, ds.Columns = of.rows, of.columns
        slices.append(ds)
    return slices


def write_seg(path: Path, labels: NDArray[np.uint16], names: list[str], *, reverse: bool) -> str:
    slices, pixels = ct_slices(geometry()), labels
    if reverse:
        slices, pixels = slices[::-1], labels[::-1]
    segments = [
        highdicom.seg.SegmentDescription(
            segment_number=n,
            segment_label=name,
            segmented_property_category=codes.SCT.MorphologicallyAbnormalStructure,
            segmented_property_type=highdicom.sr.CodedConcept("66610008", "SCT", "Calcification"),
            algorithm_type=highdicom.seg.SegmentAlgorithmTypeValues.MANUAL,
        )
        for n, name in enumerate(names, start=1)
    ]
    highdicom.seg.Segmentation(
        source_images=slices,
        pixel_array=pixels.astype(np.uint8),
        segmentation_type=highdicom.seg.SegmentationTypeValues.BINARY,
        segment_descriptions=segments,
        series_instance_uid=generate_uid(),
        series_number=9,
        sop_instance_uid=generate_uid(),
        instance_number=1,
        manufacturer="nobody",
        manufacturer_model_name="none",
        software_versions="1",
        device_serial_number="1",
    ).save_as(path)
    return str(path)


@pytest.mark.parametrize("reverse", [False, True])
def test_dicom_seg_has_its_own_names_and_knows_its_series(tmp_path: Path, reverse: bool) -> None:
    labels = blocks(2, 1, 3)
    names = ["Left Anterior Descending Artery", "RCA", "spot"]
    path = write_seg(tmp_path / "IM0001.dcm", labels, names, reverse=reverse)
    marked = read_marked(path, geometry(), RegionRules())
    np.testing.assert_array_equal(on_scan(marked.region), labels)
    assert vessels(marked) == {1: "LAD", 2: "RCA", 3: "unassigned"}
    inputs = gather_inputs(str(tmp_path))
    assert inputs.mask_of(scan(UID, UID)) == f"file://{path}"


def test_seg_without_highdicom_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_seg(tmp_path / f"{UID}.seg.dcm", blocks(1), ["LAD"], reverse=False)
    monkeypatch.setitem(sys.modules, "highdicom", None)
    with pytest.raises(UsageError, match=r"calcarium\[seg\]"):
        read_marked(path, geometry(), RegionRules())


def test_a_damaged_seg_fails(tmp_path: Path) -> None:
    path = tmp_path / "a.dcm"
    path.write_bytes(b"not DICOM")
    with pytest.raises(ScanFailed, match=r"a\.dcm"):
        read_marked(str(path), geometry(), RegionRules())
    assert gather_inputs(str(tmp_path)).masks == {"a": f"file://{path}"}

from __future__ import annotations

import plistlib
import sys
import zlib
from pathlib import Path

import highdicom
import nibabel as nib
import nrrd
import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid
from small_scans import SHAPE, centres_mm, geometry, lps_affine, scan

from calcarium.config import RegionRules
from calcarium.errors import ScanExcluded, ScanFailed, UsageError
from calcarium.regions.inputs import gather_inputs
from calcarium.regions.masks import Marked, read_marked
from calcarium.regions.model import Region
from calcarium.regions.names import meaning, sort_labels
from calcarium.volume.model import Geometry

RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
UID = "1.2.840.113619.7"


def on_scan(region: Region | None, shape: tuple[int, int, int] = SHAPE) -> NDArray[np.uint16]:
    assert region is not None
    dense = np.zeros(shape, dtype=np.uint16)
    if region.labels is not None:
        dense[region.box.slices] = region.labels
    return dense


def vessels(marked: Marked) -> dict[int, str]:
    assert marked.region is not None
    return {value: label.vessel for value, label in marked.region.meaning.items()}


def blocks(*values: int) -> NDArray[np.uint16]:
    """Labels side by side along x, two columns each."""
    labels = np.zeros(SHAPE, dtype=np.uint16)
    for n, value in enumerate(values):
        labels[1:3, 2:5, 1 + 2 * n : 3 + 2 * n] = value
    return labels


def write_nifti(path: Path, labels: NDArray[np.uint16], names: dict[int, str] | None = None) -> str:
    image = nib.Nifti1Image(labels, RAS @ lps_affine(geometry()))
    image.set_sform(image.affine, code=1)
    if names:
        table = "".join(
            f'<Label Key="{n}" Red="1" Green="0" Blue="0" Alpha="1"><![CDATA[{name}]]></Label>\n'
            for n, name in names.items()
        )
        text = f"<CaretExtension><LabelTable>{table}</LabelTable></CaretExtension>"
        image.header.extensions.append(nib.nifti1.Nifti1Extension(0, text.encode()))
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(image, path)
    return str(path)


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


# TotalSegmentator


def test_a_folder_of_structures_marks_anatomy(tmp_path: Path) -> None:
    folder = tmp_path / UID
    heart, aorta = blocks(1, 1, 0), blocks(0, 0, 1)
    write_nifti(folder / "heart.nii.gz", heart)
    write_nifti(folder / "aorta.nii.gz", aorta)
    write_nifti(folder / "lung_upper_lobe_left.nii.gz", blocks(0, 0, 0, 1))
    marked = read_marked(str(folder), geometry(), RegionRules())
    assert marked.region is None
    np.testing.assert_array_equal(marked.anatomy.heart, heart > 0)
    np.testing.assert_array_equal(marked.anatomy.aorta, aorta > 0)
    assert gather_inputs(str(tmp_path)).masks == {UID: f"file://{folder}"}


def test_the_chambers_make_the_heart(tmp_path: Path) -> None:
    folder = tmp_path / UID
    write_nifti(folder / "heart_atrium_left.nii.gz", blocks(1))
    write_nifti(folder / "heart_myocardium.nii.gz", blocks(0, 1))
    marked = read_marked(str(folder), geometry(), RegionRules())
    np.testing.assert_array_equal(marked.anatomy.heart, blocks(1, 1) > 0)
    assert marked.anatomy.aorta is None


def test_a_folder_with_arteries_is_a_region(tmp_path: Path) -> None:
    folder = tmp_path / UID
    write_nifti(folder / "heart.nii.gz", blocks(1, 1, 1))
    write_nifti(folder / "coronary_arteries.nii.gz", blocks(0, 1))
    marked = read_marked(str(folder), geometry(), RegionRules(rule="select"))
    np.testing.assert_array_equal(on_scan(marked.region) > 0, blocks(0, 1) > 0)
    assert set(vessels(marked).values()) == {"unassigned"}
    assert marked.region is not None
    assert marked.region.rule == "select"
    write_nifti(folder / "coronary_arteries.nii.gz", blocks())
    with pytest.raises(ScanExcluded, match="empty_mask"):
        read_marked(str(folder), geometry(), RegionRules())


def test_a_folder_of_arteries_names_each(tmp_path: Path) -> None:
    folder = tmp_path / UID
    write_nifti(folder / "LAD.nii.gz", blocks(1))
    write_nifti(folder / "right coronary artery.nii.gz", blocks(0, 5))
    write_nifti(folder / "graft.nii.gz", blocks(0, 0, 1))
    marked = read_marked(str(folder), geometry(), RegionRules(labels={"graft": "LIMA"}))
    found = on_scan(marked.region)
    names = vessels(marked)
    assert [names[int(found[1, 2, x])] for x in (1, 3, 5)] == ["LAD", "RCA", "LIMA"]


def test_one_multi_label_file_of_totalsegmentator(tmp_path: Path) -> None:
    names = {51: "heart", 52: "aorta", 5: "liver", 10: "lung_upper_lobe_left"}
    path = write_nifti(tmp_path / "m.nii.gz", blocks(51, 52, 5, 10), names)
    marked = read_marked(path, geometry(), RegionRules())
    assert marked.region is None
    np.testing.assert_array_equal(marked.anatomy.heart, blocks(1) > 0)
    np.testing.assert_array_equal(marked.anatomy.aorta, blocks(0, 1) > 0)


def test_a_plain_mask_may_be_named_heart_by_the_protocol(tmp_path: Path) -> None:
    path = write_nifti(tmp_path / "m.nii.gz", blocks(1, 2))
    marked = read_marked(path, geometry(), RegionRules(labels={"1": "heart", "2": "aorta"}))
    assert marked.region is None
    np.testing.assert_array_equal(marked.anatomy.heart, blocks(1) > 0)


def test_what_marks_neither_calcium_nor_heart_is_no_mask(tmp_path: Path) -> None:
    path = write_nifti(tmp_path / "m.nii.gz", blocks(1), {1: "liver"})
    with pytest.raises(ScanExcluded, match="missing_mask"):
        read_marked(path, geometry(), RegionRules())


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


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Left Coronary Artery", "LM"),
        ("LEFT_CIRCUMFLEX-ARTERY", "LCX"),
        ("RCA", "RCA"),
        ("heart_ventricle_left", "heart"),
        ("aorta", "aorta"),
        ("pulmonary_artery", "other"),
        ("atrial_appendage_left", "other"),
        ("vertebrae_T8", "other"),
        ("aortic arch", "other"),
        ("Segment_1", None),
        ("calcification", None),
    ],
)
def test_names_that_people_give(name: str, expected: str | None) -> None:
    assert meaning(name) == expected


def test_a_name_goes_before_a_number() -> None:
    labels = {"1": "LM", "2": "LAD", "stent": "LCX"}
    names = {1: "RCA", 2: "spot", 3: "stent"}
    assert sort_labels([1, 2, 3, 4], names, labels)[0] == {
        1: "RCA",
        2: "unassigned",
        3: "LCX",
        4: "unassigned",
    }


# ROIs of COCA


def write_plist(path: Path, *images: tuple[int, list[tuple[str, list[str]]]]) -> str:
    content = {
        "Images": [
            {
                "ImageIndex": index,
                "NumberOfROIs": len(rois),
                "ROIs": [
                    {"Name": name, "NumberOfPoints": len(points), "Point_px": points}
                    for name, points in rois
                ],
            }
            for index, rois in images
        ]
    }
    path.write_bytes(plistlib.dumps(content, fmt=plistlib.FMT_XML))
    return str(path)


def test_polygons_hold_what_they_enclose_and_touch(tmp_path: Path) -> None:
    path = write_plist(
        tmp_path / f"{UID}.xml",
        (1, [("Right Coronary Artery", ["(1.2, 2.2)", "(4.4, 2.2)", "(4.4, 4.6)", "(1.2, 4.6)"])]),
        (
            3,
            [
                ("Left Coronary Artery", []),
                ("Left Circumflex Artery", ["(6.1, 5.3)", "(6.4, 5.6)"]),
            ],
        ),
        (4, []),
    )
    marked = read_marked(path, geometry(), RegionRules())
    expected = np.zeros(SHAPE, dtype=np.uint16)
    expected[1, 2:5, 1:5] = 2
    expected[3, 5, 6] = 1
    np.testing.assert_array_equal(on_scan(marked.region), expected)
    assert vessels(marked) == {1: "LCX", 2: "RCA"}
    assert [row.text or row.value for row in marked.region.quality] == [1.0, "same"]  # type: ignore[union-attr]


def test_a_round_polygon_has_the_area_of_its_circle(tmp_path: Path) -> None:
    of = geometry((3, 120, 160))
    angles = np.linspace(0, 2 * np.pi, 90, endpoint=False)
    points = [f"({80 + 40 * np.cos(a)}, {60 + 40 * np.sin(a)})" for a in angles]
    marked = read_marked(
        write_plist(tmp_path / "m.plist", (1, [("LAD", points)])), of, RegionRules()
    )
    y, x = np.indices((120, 160)) + 0.5
    distance = np.hypot(x - 80, y - 60)
    dense = on_scan(marked.region, of.shape)[1] > 0
    assert dense[distance < 39].all()
    assert not dense[distance > 41].any()


def test_image_index_counts_towards_the_head(tmp_path: Path) -> None:
    """A feet-first scan with its columns turned: its slices count towards the feet."""
    down = geometry(row=(1.0, 0.0, 0.0), column=(0.0, -1.0, 0.0))
    assert down.origin_mm[0, 2] > down.origin_mm[-1, 2]
    path = write_plist(tmp_path / "m.xml", (0, [("LAD", ["(2, 2)", "(3, 2)", "(3, 3)"])]))
    found = on_scan(read_marked(path, down, RegionRules()).region)
    heights = centres_mm(down)[found > 0][:, 2]
    assert heights.size
    assert (heights == down.origin_mm[:, 2].min()).all()


@pytest.mark.parametrize(
    ("index", "points", "error"),
    [
        (9, ["(1, 1)", "(2, 2)", "(1, 2)"], ScanExcluded),
        (1, ["(1, 1)", "(200, 2)", "(1, 2)"], ScanExcluded),
        (1, ["(1, 1, 4)", "(2, 2)"], ScanFailed),
        (1, ["nonsense"], ScanFailed),
    ],
)
def test_polygons_of_another_scan_and_nonsense(
    tmp_path: Path, index: int, points: list[str], error: type[Exception]
) -> None:
    path = write_plist(tmp_path / "m.xml", (index, [("LAD", points)]))
    with pytest.raises(error):
        read_marked(path, geometry(), RegionRules())


def test_a_list_without_polygons_is_an_empty_mask(tmp_path: Path) -> None:
    path = write_plist(tmp_path / "m.xml", (1, [("LAD", [])]))
    with pytest.raises(ScanExcluded, match="empty_mask"):
        read_marked(path, geometry(), RegionRules())
    zero = read_marked(path, geometry(), RegionRules(empty_mask="zero"))
    assert not on_scan(zero.region).any()


def test_xml_that_is_no_list_of_rois_fails(tmp_path: Path) -> None:
    for content in (b"", b"<xml", b"<plist version='1.0'><dict/></plist>", b"<svg/>"):
        (tmp_path / "m.xml").write_bytes(content)
        with pytest.raises(ScanFailed, match=r"m\.xml"):
            read_marked(str(tmp_path / "m.xml"), geometry(), RegionRules())


# A real heart mask, on another grid than its scan


def test_a_heart_mask_of_totalsegmentator_on_its_scan(test_data: Path) -> None:
    folder = test_data / "totalseg_testdata" / "pulmonary_report"
    ct, heart = nib.load(folder / "ct_cropped.nii.gz"), nib.load(folder / "heart.nii.gz")
    # The CT has the axes L, P, S after its first two are turned round: a scan of rows along L.
    affine = RAS @ ct.affine
    order = [int(np.abs(affine[:3, axis]).argmax()) for axis in range(3)]
    assert order == [0, 1, 2]
    low = affine[:3, 3] + sum(np.minimum(affine[:3, a] * (ct.shape[a] - 1), 0) for a in range(3))
    spacing = np.abs(np.diag(affine)[:3])
    of = geometry(
        (ct.shape[2], ct.shape[1], ct.shape[0]),
        increment_mm=float(spacing[2]),
        row_spacing_mm=float(spacing[1]),
        column_spacing_mm=float(spacing[0]),
        origin_mm=low,
    )
    rules = RegionRules(labels={"1": "heart"})
    marked = read_marked(str(folder / "heart.nii.gz"), of, rules)
    inside = marked.anatomy.heart
    assert inside is not None
    values = np.asanyarray(ct.dataobj).transpose(2, 1, 0)
    for axis in range(3):
        if affine[axis, axis] < 0:
            values = np.flip(values, 2 - axis)
    volume_ml = inside.sum() * np.prod(spacing) / 1000
    mask = np.asanyarray(heart.dataobj) > 0
    assert volume_ml == pytest.approx(
        mask.sum() * abs(np.linalg.det(heart.affine)) / 1000, rel=0.01
    )
    # Published beside the data: 198176 voxels with a mean of 405 HU.
    assert mask.sum() == 198176
    assert values[inside].mean() == pytest.approx(405, abs=2)

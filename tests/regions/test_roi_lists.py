"""Lists of ROIs as OsiriX writes them and COCA has them."""

from __future__ import annotations

import plistlib
from pathlib import Path

import numpy as np
import pytest
from small_masks import UID, on_scan, vessels
from small_scans import SHAPE, centres_mm, geometry

from calcarium.config import RegionRules
from calcarium.errors import ScanExcluded, ScanFailed
from calcarium.regions.masks import read_marked


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


def test_points_in_millimetres_tell_the_slice_whatever_the_index_says(tmp_path: Path) -> None:
    of = geometry()
    pixels = [(2, 2), (4, 2), (4, 4)]
    for z in (1, 4):
        mm = [of.origin_mm[z] + [0.7 * (x - 0.5), 0.6 * (y - 0.5), 0.0] for x, y in pixels]
        roi = {
            "Name": "LAD",
            "Area": 0.02,
            "Point_px": [f"({x}, {y})" for x, y in pixels],
            "Point_mm": [f"({x}, {y}, {s})" for x, y, s in mm],
        }
        images = [{"ImageIndex": 0, "ROIs": [roi]}]
        (tmp_path / "m.xml").write_bytes(plistlib.dumps({"Images": images}))
        found = on_scan(read_marked(str(tmp_path / "m.xml"), of, RegionRules()).region)
        assert np.flatnonzero(found.any((1, 2))).tolist() == [z]
    roi["Point_mm"] = [f"({x}, {y}, {s + 2.6})" for x, y, s in mm]
    (tmp_path / "m.xml").write_bytes(plistlib.dumps({"Images": images}))
    with pytest.raises(ScanExcluded, match="mask_mismatch"):
        read_marked(str(tmp_path / "m.xml"), of, RegionRules())


def test_an_roi_without_area_is_left_out(tmp_path: Path) -> None:
    spot = {"Name": "RCA", "Area": 0.0, "Point_px": ["(3, 3)"], "Point_mm": ["(0, 0, 0)"]}
    content = {"Images": [{"ImageIndex": 1, "ROIs": [spot]}]}
    (tmp_path / "m.xml").write_bytes(plistlib.dumps(content))
    with pytest.raises(ScanExcluded, match="empty_mask"):
        read_marked(str(tmp_path / "m.xml"), geometry(), RegionRules())

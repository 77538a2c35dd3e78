from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from small_masks import on_scan
from small_scans import centres_mm, geometry

from calcarium.errors import ScanExcluded, UsageError
from calcarium.regions.model import Label, Region
from calcarium.regions.shapes import load_shapes, shapes_region
from calcarium.regions.whole import whole_region
from calcarium.volume.model import Geometry, Volume

SCAN = geometry((12, 30, 40), increment_mm=1.7)
CENTRE = tuple(float(c) for c in centres_mm(SCAN)[6, 14, 19] + [0.2, -0.1, 0.3])


def region_of(tmp_path: Path, toml: str, scan: Geometry = SCAN) -> Region:
    path = tmp_path / "shapes.toml"
    path.write_text(toml)
    return shapes_region(load_shapes(str(path)), scan)


def shape(kind: str, label: int = 1, name: str = "LAD", **values: object) -> str:
    lines = [f'kind = "{kind}"', f'name = "{name}"', f"label = {label}"]
    lines += [f"{key} = {list(v) if isinstance(v, tuple) else v}" for key, v in values.items()]
    return "[[shape]]\n" + "\n".join(lines) + "\n"


def test_a_sphere_holds_the_centres_within_its_radius(tmp_path: Path) -> None:
    region = region_of(tmp_path, shape("sphere", centre_mm=CENTRE, radius_mm=4.1))
    distance = np.sqrt(((centres_mm(SCAN) - CENTRE) ** 2).sum(axis=-1))
    np.testing.assert_array_equal(on_scan(region, SCAN.shape), distance <= 4.1)
    assert region.meaning == {1: Label("LAD")}
    assert (region.source, region.rule, region.is_coronary) == ("shapes", "clip", True)


def test_a_box_lies_along_the_axes_of_the_patient(tmp_path: Path) -> None:
    scan = geometry((12, 30, 40), row=(0.0, 1.0, 0.0), column=(0.0, 0.0, -1.0))
    centre = tuple(float(c) for c in centres_mm(scan)[6, 14, 19])
    region = region_of(tmp_path, shape("box", centre_mm=centre, size_mm=(11.0, 5.0, 3.0)), scan)
    off = np.abs(centres_mm(scan) - centre)
    np.testing.assert_array_equal(
        on_scan(region, scan.shape), (off <= [5.5, 2.5, 1.5]).all(axis=-1)
    )


@pytest.mark.parametrize("axis", [(0.0, 0.0, 1.0), (2.0, 0.0, 0.0), (1.0, -2.0, 0.5)])
def test_a_cylinder_holds_what_is_near_its_axis(
    tmp_path: Path, axis: tuple[float, float, float]
) -> None:
    toml = shape("cylinder", centre_mm=CENTRE, axis=axis, radius_mm=3.3, length_mm=7.7)
    off = centres_mm(SCAN) - CENTRE
    unit = np.array(axis) / np.sqrt(np.dot(axis, axis))
    # Distance from the axis as the length of a cross product: another formula than the code's.
    across = np.sqrt((np.cross(off, unit) ** 2).sum(axis=-1))
    expected = (across <= 3.3) & (np.abs(off @ unit) <= 3.85)
    np.testing.assert_array_equal(on_scan(region_of(tmp_path, toml), SCAN.shape), expected)


def test_the_count_of_voxels_is_the_volume(tmp_path: Path) -> None:
    scan = geometry((60, 200, 200), increment_mm=0.5, row_spacing_mm=0.2, column_spacing_mm=0.25)
    centre = tuple(float(c) for c in centres_mm(scan)[30, 100, 100])
    toml = shape("cylinder", centre_mm=centre, axis=(1.0, 1.0, 1.0), radius_mm=5.0, length_mm=8.0)
    region = region_of(tmp_path, toml, scan)
    assert np.count_nonzero(region.labels) * 0.5 * 0.2 * 0.25 == pytest.approx(
        np.pi * 25 * 8, rel=0.01
    )


def test_a_frame_moves_every_shape_and_the_last_shape_lies_on_top(tmp_path: Path) -> None:
    there = tuple(round(c - o, 9) for c, o in zip(CENTRE, (5.0, -7.0, 11.0), strict=True))
    toml = "[frame]\norigin_mm = [5.0, -7.0, 11.0]\n" + shape(
        "sphere", centre_mm=there, radius_mm=4.0
    )
    outer = on_scan(region_of(tmp_path, toml), SCAN.shape)
    load_shapes.cache_clear()
    inner = shape("sphere", 3, "insert 7", centre_mm=there, radius_mm=2.0)
    both = region_of(tmp_path, toml + inner)
    distance = np.sqrt(((centres_mm(SCAN) - CENTRE) ** 2).sum(axis=-1))
    np.testing.assert_array_equal(outer, distance <= 4.0)
    expected = np.where(distance <= 2.0, 3, outer)
    np.testing.assert_array_equal(on_scan(both, SCAN.shape), expected)
    assert both.meaning == {1: Label("LAD"), 3: Label("insert 7")}


def test_shapes_off_the_scan_are_a_mismatch(tmp_path: Path) -> None:
    with pytest.raises(ScanExcluded, match="mask_mismatch"):
        region_of(tmp_path, shape("sphere", centre_mm=(900.0, 0.0, 0.0), radius_mm=4.0))


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ("", "shape"),
        ("shape = 3", "shape"),
        (shape("cube", centre_mm=CENTRE), "kind"),
        (shape("sphere", centre_mm=CENTRE), "radius_mm"),
        (shape("sphere", centre_mm=CENTRE, radius_mm=-1.0), "radius_mm"),
        (shape("sphere", centre_mm=CENTRE, radius_mm=1.0, radius=2.0), "radius"),
        (shape("sphere", 0, centre_mm=CENTRE, radius_mm=1.0), "label"),
        (
            shape("cylinder", centre_mm=CENTRE, axis=(0.0, 0.0, 0.0), radius_mm=1.0, length_mm=1.0),
            "axis",
        ),
        (
            shape("sphere", 1, "LAD", centre_mm=CENTRE, radius_mm=1.0)
            + shape("sphere", 1, "RCA", centre_mm=CENTRE, radius_mm=1.0),
            "'LAD' and 'RCA'",
        ),
        ("[[shape", "cannot be read"),
    ],
)
def test_a_file_that_is_not_understood_is_named(tmp_path: Path, toml: str, message: str) -> None:
    load_shapes.cache_clear()
    with pytest.raises(UsageError, match=message) as caught:
        region_of(tmp_path, toml)
    assert "shapes.toml" in str(caught.value)


def test_shapes_that_do_not_exist() -> None:
    with pytest.raises(UsageError, match="there are no shapes 'nowhere'"):
        load_shapes("nowhere")


def test_the_whole_scan_is_not_coronary() -> None:
    volume = Volume(np.zeros(SCAN.shape, np.int16), None, SCAN, ())  # type: ignore[arg-type]
    region = whole_region(volume)
    assert region.box.shape == SCAN.shape
    assert region.labels is None
    assert (region.is_coronary, region.source) == (False, "whole")

"""Geometric phantoms: numbers worked out by hand, and files that say what was built."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
import pytest

from calcarium.errors import UsageError
from calcarium.phantom.codecs import SYNTAXES, syntax_uid
from calcarium.phantom.dicom import Encoding, SeriesUids, write_mask, write_series
from calcarium.phantom.geometric import (
    UprightCylinder,
    default_grid,
    default_objects,
    geometric_scan,
)
from calcarium.phantom.header import Technique, invented_person
from calcarium.phantom.model import Grid, PhantomScan
from calcarium.phantom.truth import score_by_definition

PIXEL_MM2 = 0.5 * 0.625
INCREMENT = 2.5


@pytest.fixture(scope="module")
def scan() -> PhantomScan:
    return geometric_scan(default_grid(), default_objects())


def test_hand_computed_scores(scan: PhantomScan) -> None:
    scores = score_by_definition(scan.hu.astype(float), scan.calcium, scan.grid, scan.vessel_labels)
    assert scores["LM"].agatston == pytest.approx(2 * 24 * PIXEL_MM2 * 2 * INCREMENT / 3)
    assert scores["LAD"].agatston == pytest.approx(3 * 80 * PIXEL_MM2 * 4 * INCREMENT / 3)
    # 2 px = 0.625 mm2 is below 1 mm2; 129 HU is below 130 HU; 130 HU counts once
    assert scores["LCX"].agatston == 0
    assert scores["RCA"].agatston == pytest.approx(8 * PIXEL_MM2 * 1 * INCREMENT / 3)
    assert scores["LAD"].volume_mm3 == pytest.approx(3 * 80 * PIXEL_MM2 * INCREMENT)
    assert scores["total"].agatston == pytest.approx(25 + 250 + 25 / 12)


def test_cylinder_has_its_volume() -> None:
    grid = Grid((40, 160, 160), (0.0, 0.0, 0.0), 0.5, 0.25, 0.25, 0.5)
    cylinder = UprightCylinder("RCA", (20.1, 19.7, 10.0), 6.0, 9.75, 300.0)
    voxels = int(cylinder.voxels(grid).sum())
    assert voxels * 0.5 * 0.25**2 == pytest.approx(np.pi * 36 * 9.5, rel=0.01)


def test_nearest_storable_value_is_read_back() -> None:
    encoding = Encoding(signed=True, slope="0.3", intercept="-0.5")
    hu = np.linspace(-1000, 3000, 977, dtype=np.float32)
    assert np.abs(encoding.readable_hu(hu) - hu).max() <= 0.15 + 1e-4


@pytest.mark.parametrize("syntax", list(SYNTAXES))
@pytest.mark.parametrize(
    "encoding", [("1", "-1024", False), ("1", "0", True), ("0.3", "-1024.5", True)]
)
def test_files_read_back(
    tmp_path: Path, scan: PhantomScan, syntax: str, encoding: tuple[str, str, bool]
) -> None:
    slope, intercept, signed = encoding
    wanted = Encoding(syntax, signed, slope, intercept)
    noise = np.random.default_rng(5).normal(0, 60, scan.grid.shape).astype(np.float32)
    noisy = PhantomScan(scan.grid, scan.hu + noise, scan.calcium)
    paths = write_series(
        tmp_path, noisy, SeriesUids.of("a"), invented_person(3), Technique(gated=True), wanted
    )
    for z in (0, 7):
        tags = pydicom.dcmread(paths[z])
        assert tags.file_meta.TransferSyntaxUID == syntax_uid(syntax)
        read = tags.pixel_array * float(tags.RescaleSlope) + float(tags.RescaleIntercept)
        np.testing.assert_allclose(read, wanted.readable_hu(noisy.hu)[z], atol=1e-6)


def test_tags_tell_the_geometry(tmp_path: Path, scan: PhantomScan) -> None:
    person = invented_person(11, "M", 71)
    paths = write_series(tmp_path, scan, SeriesUids.of("b"), person, Technique(gated=True))
    tags = pydicom.dcmread(paths[4])
    assert [float(v) for v in tags.ImagePositionPatient] == [-61.3, -48.7, -140.25]
    assert [float(v) for v in tags.PixelSpacing] == [0.5, 0.625]
    assert float(tags.SliceThickness) == 3.0
    assert float(tags.SpacingBetweenSlices) == 2.5
    assert (tags.Rows, tags.Columns) == (96, 112)
    assert tags.CardiacSynchronizationTechnique == "PROSPECTIVE"
    assert tags.HeartRate == 62
    text = str(tags)
    assert all(secret in text for secret in person.secrets())


def test_series_repeat_to_the_byte(tmp_path: Path, scan: PhantomScan) -> None:
    written = [
        write_series(
            tmp_path / name, scan, SeriesUids.of("c"), invented_person(1), Technique(gated=False)
        )
        for name in ("one", "two")
    ]
    assert [p.read_bytes() for p in written[0]] == [p.read_bytes() for p in written[1]]


def test_mask_lies_on_the_scan(tmp_path: Path, scan: PhantomScan) -> None:
    write_mask(tmp_path / "m.nii.gz", scan.calcium, scan.grid)
    image = nib.load(tmp_path / "m.nii.gz")
    labels = np.asarray(image.dataobj)
    assert labels.shape == (112, 96, 14)
    ras = image.affine @ [25, 22, 3, 1]
    lps = np.array([-ras[0], -ras[1], ras[2]])
    assert labels[25, 22, 3] == 1
    np.testing.assert_allclose(lps, [-61.3 + 25 * 0.625, -48.7 + 22 * 0.5, -150.25 + 3 * 2.5])


def test_unknown_syntax_is_named() -> None:
    with pytest.raises(UsageError, match="jpeg-ls"):
        syntax_uid("jpg")

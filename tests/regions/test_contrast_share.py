"""A mask does not make the lumen calcium: contrast is seen in the pixels of scans with a mask."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from small_scans import geometry, scan, volume
from test_detector_phantom import volume_of

from calcarium.config import Protocol, RegionRules, load_protocol
from calcarium.errors import ScanExcluded
from calcarium.intake.records import Scan
from calcarium.phantom.contrast import Bolus
from calcarium.phantom.dicom import write_mask
from calcarium.phantom.model import PhantomScan
from calcarium.phantom.thorax import draw_thorax
from calcarium.regions.anatomy.given import Anatomy
from calcarium.regions.anatomy.landmarks import find_landmarks
from calcarium.regions.contrast_share import share_of_scan
from calcarium.regions.inputs import RegionInputs, gather_inputs
from calcarium.regions.model import Region
from calcarium.regions.resolve import find_region
from calcarium_kernels import load

KERNELS, UID = load("numpy"), "1.2.840.9"
GATED = load_protocol("gated").by_class["gated"]
BOLUS = Bolus(260, 120)  # faint, and none in the right heart


@pytest.fixture(scope="module")
def bright() -> PhantomScan:
    return draw_thorax(31, gated=True, matrix=128, calcified=True, bolus=BOLUS).scan


@pytest.fixture(scope="module")
def dark() -> PhantomScan:
    return draw_thorax(31, gated=True, matrix=128, calcified=True).scan


def tagged(one: Scan) -> Scan:
    return replace(one, acquisition=replace(one.acquisition, contrast_agent="IOMERON"))


def region_of(phantom: PhantomScan, folder: Path, protocol: Protocol, one: Scan) -> Region:
    write_mask(folder / f"{UID}.nii.gz", phantom.calcium, phantom.grid)
    return find_region(volume_of(phantom), one, protocol, gather_inputs(str(folder)), KERNELS)


def test_the_share_is_that_of_the_detector(bright: PhantomScan, dark: PhantomScan) -> None:
    shares = []
    for phantom in (bright, dark):
        of = volume_of(phantom)
        found = find_landmarks(of, GATED.detector, KERNELS, Anatomy()).thorax.contrast
        share = share_of_scan(of, KERNELS)
        # Of every second block, none averaged; what matters is the side of the limit, below.
        assert share == pytest.approx(found, abs=0.06)
        shares.append(share)
    assert shares[0] > 1.5 * GATED.detector.heart.contrast_share
    assert shares[1] < GATED.detector.heart.contrast_share / 2


def test_a_cut_out_of_the_heart_is_told_as_well(bright: PhantomScan, dark: PhantomScan) -> None:
    limit = GATED.detector.heart.contrast_share
    for phantom, is_bright in ((bright, True), (dark, False)):
        assert phantom.heart is not None
        rows = np.flatnonzero(phantom.heart.any(axis=(0, 2)))
        columns = np.flatnonzero(phantom.heart.any(axis=(0, 1)))
        part = slice(None), slice(rows[0], rows[-1]), slice(columns[0] + 9, columns[-1] - 9)
        cut = replace(
            phantom,
            grid=replace(phantom.grid, shape=phantom.hu[part].shape),
            hu=np.ascontiguousarray(phantom.hu[part]),
        )
        share = share_of_scan(volume_of(cut), KERNELS)
        assert share is not None
        assert (share > limit) == is_bright


@pytest.mark.parametrize("header", [scan("s", UID), tagged(scan("s", UID))])
@pytest.mark.parametrize("image_checks", [False, True])
def test_a_mask_on_bright_blood_gets_no_score_and_on_dark_blood_one(
    bright: PhantomScan, dark: PhantomScan, tmp_path: Path, header: Scan, image_checks: bool
) -> None:
    rules = RegionRules(source="detector", image_checks=image_checks)
    protocol = GATED.model_copy(update={"region": rules})
    with pytest.raises(ScanExcluded) as refused:
        region_of(bright, tmp_path, protocol, header)
    assert refused.value.reason == "contrast"
    found = region_of(dark, tmp_path, protocol, header)
    assert found.source == "mask"
    (row,) = [row for row in found.quality if row.check == "blood_contrast"]
    assert row.status == "pass"
    assert row.value is not None


def test_where_no_pixel_tells_the_header_is_believed() -> None:
    nothing = volume(np.zeros(geometry().shape, dtype=np.int16))
    protocol = Protocol(region=RegionRules(source="whole"))
    assert find_region(nothing, scan("s", UID), protocol, RegionInputs(), KERNELS).source == "whole"
    with pytest.raises(ScanExcluded) as refused:
        find_region(nothing, tagged(scan("s", UID)), protocol, RegionInputs(), KERNELS)
    assert refused.value.reason == "contrast"


@pytest.mark.parametrize("image_checks", [False, True])
def test_a_protocol_for_contrast_takes_a_mask_on_bright_blood(
    bright: PhantomScan, tmp_path: Path, image_checks: bool
) -> None:
    rules = RegionRules(source="contrast", image_checks=image_checks)
    protocol = GATED.model_copy(update={"region": rules})
    assert region_of(bright, tmp_path, protocol, scan("s", UID)).source == "mask"

"""Noise, air and width of scans that were made with known ones."""

from __future__ import annotations

import numpy as np
import pytest
from small_scans import scan
from test_detector_phantom import phantom, volume_of

from calcarium.config import Protocol, RegionRules
from calcarium.config.contrast import ContrastRules
from calcarium.config.detector import DetectorRules
from calcarium.phantom.body import skin_of
from calcarium.phantom.dicom import write_mask
from calcarium.phantom.thorax import draw_thorax
from calcarium.regions.anatomy.aorta import NO_VESSEL, Aorta, Vessel
from calcarium.regions.anatomy.body import body_mask
from calcarium.regions.anatomy.grid import coarse_grid
from calcarium.regions.blood_pool import measure_blood
from calcarium.regions.detector.detect import detect
from calcarium.regions.image_quality import lateral_width_mm, measure_air, size_class
from calcarium.regions.inputs import gather_inputs
from calcarium.regions.resolve import find_region
from calcarium_kernels import load

KERNELS = load("numpy")
SPACING = {"row_spacing_mm": 1.0, "column_spacing_mm": 1.0}


def ellipse_volume(make_volume, width_mm, *, fov_mm=450, off_mm=0.0, circle=False):
    """A body of soft tissue, two thirds as deep as it is wide, in air; 1 mm pixels."""
    rows, columns = np.mgrid[:fov_mm, :fov_mm] - (fov_mm - 1) / 2
    hu = np.full((4, fov_mm, fov_mm), -1000)
    half = width_mm / 2
    hu[:, np.hypot((columns - off_mm) / half, rows / (half * 2 / 3)) <= 1] = 40
    if circle:
        hu[:, np.hypot(rows, columns) > fov_mm / 2] = -1024
    return make_volume(hu, **SPACING)


def width_of(volume):
    grid = coarse_grid(volume, KERNELS)
    return lateral_width_mm(grid, body_mask(grid), np.arange(len(grid.hu)))


@pytest.mark.parametrize("width_mm", [290, 350, 410])
@pytest.mark.parametrize("circle", [False, True])
def test_the_width_is_that_of_the_body(make_volume, width_mm, circle):
    volume = ellipse_volume(make_volume, width_mm, circle=circle)
    assert width_of(volume) == pytest.approx(width_mm, abs=3.0)  # one block


@pytest.mark.parametrize(
    "cut",
    [
        {"width_mm": 350, "fov_mm": 250},
        {"width_mm": 350, "fov_mm": 400, "off_mm": 60.0},  # on one side only
        {"width_mm": 440, "fov_mm": 400, "circle": True},
        {"width_mm": 350, "fov_mm": 400, "off_mm": 40.0, "circle": True},
    ],
    ids=["both sides", "one side", "circle", "circle, one side"],
)
def test_a_body_that_the_image_cuts_has_no_width(make_volume, cut):
    assert width_of(ellipse_volume(make_volume, **cut)) is None


@pytest.mark.parametrize(
    ("width_mm", "code"),
    [(319.9, "113601"), (320.0, "113602"), (380.0, "113602"), (380.1, "113603")],
)
def test_size_classes_have_the_limits_of_dicom(width_mm, code):
    assert code in size_class(width_mm)


def test_blood_is_measured_inside_the_aorta_alone(make_volume):
    rng = np.random.default_rng(1)
    rows, columns = np.mgrid[:120, :120]
    away = np.hypot(rows - 60, columns - 50)
    mean = np.where(away <= 15, 43.0, -90.0)  # an aorta of 30 mm in fat
    mean[(away <= 15) & (away > 13)] = 600  # and its calcified wall
    hu = np.rint(mean + rng.normal(0, 19, (10, 120, 120))).astype(int)
    volume = make_volume(hu, **SPACING)
    grid = coarse_grid(volume, KERNELS)
    n = len(grid.hu)
    middle = [(c - (grid.factor - 1) / 2) / grid.factor for c in (60, 50)]
    every = np.ones(n)
    vessel = Vessel(0, middle[0] * every, middle[1] * every, 15 * every, every, 9.0)
    aorta = Aorta(vessel, NO_VESSEL, NO_VESSEL, is_sure=True)
    blood = measure_blood(volume, grid, aorta, ContrastRules())
    assert blood is not None
    assert blood.mean_hu == pytest.approx(43, abs=4 * 19 / np.sqrt(blood.n_voxels))
    assert blood.sd_hu == pytest.approx(19, abs=4 * 19 / np.sqrt(2 * blood.n_voxels))
    nowhere = Aorta(NO_VESSEL, NO_VESSEL, NO_VESSEL, is_sure=False)
    assert measure_blood(volume, grid, nowhere, ContrastRules()) is None


@pytest.mark.parametrize("floor", [-2000, -1024])
@pytest.mark.parametrize("sigma", [8.0, 22.0])
def test_noise_of_air_does_not_mind_that_a_file_ends_at_minus_1024(make_volume, sigma, floor):
    rng = np.random.default_rng(2)
    hu = np.maximum(np.rint(-1000 + rng.normal(0, sigma, (6, 90, 90))), floor).astype(int)
    hu[:, 40:42] = -700  # the edge of a blanket
    volume = make_volume(hu, intercept="-3024")
    grid = coarse_grid(volume, KERNELS)
    air = measure_air(volume, grid, np.ones(grid.hu.shape, bool))
    assert air is not None
    assert air.hu == pytest.approx(-1000, abs=1)
    assert air.noise_hu == pytest.approx(sigma, rel=0.04)


def test_air_that_is_mostly_cut_off_has_no_noise(make_volume):
    rng = np.random.default_rng(3)
    hu = np.maximum(np.rint(-1030 + rng.normal(0, 20, (6, 90, 90))), -1024).astype(int)
    volume = make_volume(hu)
    grid = coarse_grid(volume, KERNELS)
    everywhere = np.ones(grid.hu.shape, bool)
    found = measure_air(volume, grid, everywhere)
    assert found is not None
    assert (found.hu, found.noise_hu) == (-1024, None)
    assert measure_air(volume, grid, ~everywhere) is None


def rows_of(thorax):
    region = detect(volume_of(thorax), DetectorRules(), KERNELS)
    return {row.check: row for row in region.quality}


@pytest.mark.parametrize("seed", [10, 11])
def test_the_blood_of_a_drawn_chest_has_the_noise_that_was_drawn(seed):
    thorax = phantom(seed)
    row = rows_of(thorax)
    inside = thorax.hu[thorax.aorta > 0]
    assert row["blood_hu"].value == pytest.approx(np.median(inside), abs=3)
    middle = np.percentile(inside, [16, 50])
    assert row["blood_noise"].value == pytest.approx(middle[1] - middle[0], rel=0.1)


def test_a_drawn_chest_lies_in_air_and_a_heart_in_close_up_does_not():
    chest, close_up = rows_of(phantom(11)), rows_of(phantom(10))
    assert chest["air_hu"].value == pytest.approx(-1000, abs=5)
    for check in ("air_hu", "air_noise", "patient_width"):
        assert (close_up[check].status, close_up[check].value) == ("unknown", None)


@pytest.mark.parametrize("seed", [2, 12])
def test_the_width_of_a_drawn_man_is_that_of_his_skin(seed):
    thorax = draw_thorax(seed, gated=False, matrix=256)
    assert thorax.anatomy.sex == "M"  # breasts are no part of the skin's outline
    heart = np.flatnonzero(thorax.scan.heart.any(axis=(1, 2)))
    z = thorax.scan.grid.axis_mm(0)[heart] - thorax.plan.table_shift_mm[2]
    drawn_mm = 2 * np.median(skin_of(thorax.anatomy).section(z)[2])
    assert rows_of(thorax.scan)["patient_width"].value == pytest.approx(
        drawn_mm, abs=3.0
    )  # a block


def test_a_mask_has_the_same_checks_if_the_protocol_asks(tmp_path):
    thorax = phantom(10)
    write_mask(tmp_path / "1.2.3.nii.gz", thorax.calcium, thorax.grid)
    inputs = gather_inputs(str(tmp_path))
    volume, one = volume_of(thorax), scan("1.2.3")

    def region_of(*, image_checks):
        protocol = Protocol(region=RegionRules(image_checks=image_checks))
        return find_region(volume, one, protocol, inputs, KERNELS)

    plain, checked = region_of(image_checks=False), region_of(image_checks=True)
    np.testing.assert_array_equal(plain.labels, checked.labels)
    of_mask = plain.quality[:-1]
    assert checked.quality[: len(of_mask)] == of_mask
    assert plain.quality[-1].check == "blood_contrast"  # without the checks on fewer blocks
    detected = detect(volume, DetectorRules(), KERNELS).quality
    of_detector = {"metal", "aortic_wall", "pericardium", "score_certainty", "thick_slices"}
    assert [row for row in detected if row.check not in of_detector] == list(
        checked.quality[len(of_mask) :]
    )

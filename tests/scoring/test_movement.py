"""How far a score moves, against scoring the moved scans one by one with scipy."""

from __future__ import annotations

from dataclasses import replace
from math import ceil

import numpy as np
import pytest
from scipy import ndimage

from calcarium.config.protocol import ScoringRules
from calcarium.regions.model import Label, Region
from calcarium.scoring.score import score_region
from calcarium.scoring.slabs import slabs_of
from calcarium_kernels import load
from calcarium_kernels.contract import Box

PIXEL_MM2 = 0.6 * 0.5
EIGHT = np.ones((3, 3))
LEAST_PX = ceil(1 / PIXEL_MM2)
RULES = ScoringRules()


def oracle(hu, length_mm, structure=None, least_px=LEAST_PX):
    """The Agatston score slice by slice and island by island."""
    total = 0.0
    for image in hu:
        islands, n = ndimage.label(image >= 130, structure)
        for island in range(1, n + 1):
            inside = islands == island
            if inside.sum() >= least_px:
                weight = 1 + sum(image[inside].max() >= edge for edge in (200, 300, 400))
                total += weight * inside.sum() * PIXEL_MM2 * length_mm / 3
    return total


def blobs(seed, n=24, size=48):
    noise = ndimage.gaussian_filter(
        np.random.default_rng(seed).standard_normal((n, size, size)), (1.5, 1.2, 1.2)
    )
    return np.rint(40 + 110 * noise / noise.std()).astype(int)


def whole(hu, **changed):
    region = Region(Box.whole(hu.shape), None, {1: Label("LAD")}, "clip", "mask")
    return replace(region, **changed)


@pytest.fixture
def moved(make_volume, empty_acquisition):
    """Movement of the literature score of an array of HU."""

    def of(hu, increment_mm=2.5, thickness_mm=None, noise_hu=None, region=None):
        acquisition = replace(empty_acquisition, kvp=120.0, slice_thickness_mm=thickness_mm)
        volume = make_volume(hu, increment_mm=increment_mm)
        scores = score_region(
            volume, region or whole(hu), acquisition, RULES, load("numpy"), noise_hu=noise_hu
        )
        return scores.primary_score.movement

    return of


def test_connectivity_and_least_size(moved):
    hu = blobs(1)
    found = moved(hu)
    score = oracle(hu, 2.5)
    eight, one_pixel = oracle(hu, 2.5, EIGHT), oracle(hu, 2.5, least_px=1)
    assert score < min(eight, one_pixel)
    assert found.score == pytest.approx(score)
    assert found.by_cause["connectivity"] == pytest.approx((score, eight))
    assert found.by_cause["minimum_size"] == pytest.approx((score, one_pixel))
    assert found.by_cause["start"] == "slices every 2.5 mm cannot be joined to 3 mm"
    assert found.by_cause["noise"] == "no noise was measured"
    assert (found.low, found.high) == pytest.approx((score, max(eight, one_pixel)))
    assert found.cause == ("connectivity" if eight > one_pixel else "minimum_size")


@pytest.mark.parametrize(
    ("increment_mm", "thickness_mm", "stride", "joined"),
    [(1.0, 1.0, 3, 3), (1.5, 3.0, 2, 1), (0.75, 1.5, 4, 3), (0.625, 0.625, 5, 5), (1.5, 5.0, 2, 1)],
)
def test_every_start_of_joined_slices(moved, increment_mm, thickness_mm, stride, joined):
    hu = blobs(2)
    scores = []
    for start in range(stride):
        firsts = range(start, len(hu) - joined + 1, stride)
        slabs = np.array([hu[first : first + joined].mean(axis=0).round(6) for first in firsts])
        scores.append(oracle(slabs, stride * increment_mm))
    found = moved(hu, increment_mm, thickness_mm)
    assert found.by_cause["start"] == pytest.approx((min(scores), max(scores)))
    assert max(scores) > min(scores) > 0


@pytest.mark.parametrize(
    ("increment_mm", "thickness_mm", "said"),
    [(3.0, 3.0, "every 3 mm"), (0.7, 0.7, "every 0.7 mm"), (1.0, None, "no SliceThickness")],
)
def test_slices_that_cannot_be_joined(make_volume, increment_mm, thickness_mm, said):
    geometry = make_volume(blobs(3), increment_mm=increment_mm).geometry
    # Four slices of 0.7 mm are 2.8 mm, too far from 3 mm.
    assert said in slabs_of(geometry, thickness_mm)


def test_gaps_cannot_be_joined(make_volume):
    geometry = make_volume(blobs(3), increment_mm=1.0).geometry
    extent = geometry.slice_extent_mm.copy()
    extent[4] = 2.0
    assert "evenly" in slabs_of(replace(geometry, slice_extent_mm=extent), 1.0)


def lesions(seed):
    """Four blurred spheres of any size and density in blood, without noise."""
    rng = np.random.default_rng(seed)
    hu = np.full((10, 60, 60), 45.0)
    z, y, x = np.indices(hu.shape)
    for cy, cx in ((15, 15), (15, 42), (42, 15), (42, 42)):
        away = np.sqrt((2.5 * (z - rng.integers(2, 8))) ** 2 + (y - cy) ** 2 + (x - cx) ** 2)
        hu[away <= rng.uniform(2.5, 6)] = rng.uniform(180, 700)
    return ndimage.gaussian_filter(hu, (0, 1, 1))


COLOURS = {
    "white": lambda white: white,
    # No low frequencies, as after a ramp filter, and no high ones, as after a kernel.
    "kernel": lambda white: (
        ndimage.gaussian_filter(white, (0, 0.7, 0.7)) - ndimage.gaussian_filter(white, (0, 2, 2))
    ),
    "smooth": lambda white: ndimage.gaussian_filter(white, (0, 1.5, 1.5)),
}


def rescans(seed, noise_hu, n, colour):
    """Scans of one patient that differ in nothing but their noise, in and near the lesions."""
    clean, rng = lesions(seed), np.random.default_rng([seed, 1])
    near = ndimage.binary_dilation(clean >= 100, np.ones((1, 5, 5)))
    for _ in range(n):
        noise = COLOURS[colour](rng.standard_normal(clean.shape))
        noisy = np.rint(clean + noise_hu / noise.std() * noise)
        yield np.where(near, noisy, 45).astype(int)


@pytest.mark.parametrize(
    ("colour", "noise_hu", "least", "most"),
    [
        # The median of 15 patients scatters by about 0.1.
        ("white", 10.0, 0.85, 1.15),
        ("white", 25.0, 0.85, 1.15),
        ("kernel", 25.0, 0.85, 1.15),
        ("smooth", 25.0, 0.5, 0.85),
    ],
)
def test_noise_against_repeated_scans(moved, colour, noise_hu, least, most):
    # A lesion whose peak lies at an edge of the weights is told too much or too little from one
    # scan; over patients that must even out. Noise is drawn white, so smooth noise moves more.
    ratios = []
    for patient in range(15):
        scans = list(rescans(patient, noise_hu, 30, colour))
        repeated = np.std([oracle(scan, 2.5) for scan in scans], ddof=1)
        ranges = [moved(scan, noise_hu=noise_hu).by_cause["noise"] for scan in scans[:3]]
        told = [(high - low) / 2 / 1.96 for low, high in ranges]
        ratios.append(np.sqrt(np.mean(np.square(told))) / repeated)
    assert least < np.median(ratios) < most


def test_no_noise_moves_nothing(moved):
    low, high = moved(lesions(1).astype(int), noise_hu=0.0).by_cause["noise"]
    assert low == pytest.approx(high)


def test_noise_is_the_same_in_every_run_and_in_any_box(moved):
    hu = blobs(4)
    hu[:, :6], hu[:, -6:], hu[:, :, :6], hu[:, :, -6:] = 0, 0, 0, 0
    inner = whole(hu, box=Box(0, len(hu), 3, 45, 3, 45))
    assert moved(hu, noise_hu=20.0) == moved(hu, noise_hu=20.0, region=inner)


def test_rejected_calcium_moves_nothing(moved):
    hu = blobs(5)
    labels = np.ones(hu.shape, np.uint16)
    labels[:, 24:] = 2
    meaning = {1: Label("LAD"), 2: Label("unassigned", "rejected", "spine")}
    region = whole(hu, labels=labels, meaning=meaning)
    darker = hu.copy()
    darker[:, 24:] = 40
    found = moved(hu, noise_hu=20.0, region=region)
    assert found == moved(darker, noise_hu=20.0, region=region)


def test_nothing_is_moved_by_nothing(moved):
    found = moved(np.full((6, 20, 20), 40), noise_hu=15.0)
    assert (found.low, found.high, found.cause) == (0.0, 0.0, None)


def test_no_movement_without_a_coronary_score(moved):
    hu = blobs(6)
    assert moved(hu, region=whole(hu, is_coronary=False)) is None

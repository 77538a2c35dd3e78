"""Lesions as bright as metal leave a second score, never the first."""

from __future__ import annotations

import numpy as np
import pytest
from test_score import INCREMENT_MM, PIXEL_MM2, acquisition, background, only, score, whole

from calcarium.config.protocol import ScoringRules
from calcarium.regions.model import Label
from calcarium.scoring.score import score_region
from calcarium_kernels import load

ONE_PIXEL = PIXEL_MM2 * 4 * INCREMENT_MM / 3  # weight 4


def a_plaque_and_a_stent(peak):
    """Two lesions: 12 px of calcium; 9 px in each of two slices, bright in one voxel."""
    hu = background()
    hu[1, 3:6, 3:7] = 900
    hu[3:5, 10:13, 10:13] = 700
    hu[3, 11, 11] = peak
    return hu


def row_of(scores):
    (row,) = [row for row in scores.quality if row.check == "suspected_device"]
    return row


@pytest.mark.parametrize(("peak", "n_devices"), [(1999, 0), (2000, 1), (3071, 1)])
def test_a_lesion_with_a_peak_of_metal_is_left_out_whole(make_volume, peak, n_devices):
    volume = make_volume(a_plaque_and_a_stent(peak))
    scores = score(volume, whole(volume), "literature")
    result = only(scores)
    assert result.total.agatston == pytest.approx((12 + 18) * ONE_PIXEL)
    expected = (12 if n_devices else 30) * ONE_PIXEL
    assert result.agatston_without_suspected_device == pytest.approx(expected)
    row = row_of(scores)
    assert (row.value, row.status) == (n_devices, "warn" if n_devices else "pass")
    assert row.text == "peak of 2000 HU or more"


def test_without_a_device_both_scores_are_one_number(make_volume):
    rng = np.random.default_rng(0)
    volume = make_volume(rng.integers(-100, 600, (8, 40, 40)))
    result = only(score(volume, whole(volume), "literature"))
    assert result.agatston_without_suspected_device == result.total.agatston


def test_a_rejected_piece_of_metal_is_in_neither_score(make_volume):
    volume = make_volume(a_plaque_and_a_stent(3000))
    labels = np.zeros(volume.stored.shape, np.uint16)
    labels[:2], labels[2:] = 1, 2
    region = whole(volume, labels)
    meaning = {1: Label("LAD"), 2: Label("LAD", "rejected", "metal")}
    region = type(region)(region.box, labels, meaning, "clip", "detector")
    scores = score(volume, region, "literature")
    assert only(scores).agatston_without_suspected_device == only(scores).total.agatston
    assert row_of(scores).value == 0


@pytest.mark.parametrize(
    ("kvp", "limit"),
    [(120, 2000), (100, 2000 * 147 / 130), (140, 2000)],  # 140 kVp has no threshold: 130 HU
)
def test_the_limit_rises_as_the_threshold_of_calcium_does(make_volume, kvp, limit):
    for peak, is_device in ((int(limit) - 1, False), (int(np.ceil(limit)), True)):
        volume = make_volume(a_plaque_and_a_stent(peak))
        scores = score(volume, whole(volume), "literature", kvp=float(kvp))
        assert only(scores).n_suspected_devices == is_device


def test_the_limit_ends_where_files_saturate_and_is_the_users(make_volume):
    volume = make_volume(a_plaque_and_a_stent(3071))
    for device_hu, text in ((2900.0, "3071"), (3500.0, "3500"), (650.0, "735")):
        rules = ScoringRules(device_hu=device_hu)
        scores = score_region(volume, whole(volume), acquisition(kvp=100.0), rules, load("numpy"))
        assert row_of(scores).text == f"peak of {text} HU or more"
    assert only(scores).agatston_without_suspected_device == 0


def test_no_agatston_score_no_score_without_devices(make_volume):
    volume = make_volume(a_plaque_and_a_stent(3000))
    result = only(score(volume, whole(volume), "ai-cac", slice_thickness_mm=None))
    assert result.total.agatston is None
    assert result.agatston_without_suspected_device is None
    assert result.n_suspected_devices == 1

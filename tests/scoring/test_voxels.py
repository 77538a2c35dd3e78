"""Scores of packed voxels equal those of the volume, for every threshold from the base up."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from calcarium import voxels
from calcarium.config.protocol import ScoringRules
from calcarium.errors import UsageError
from calcarium.regions.model import Label, Region
from calcarium.scoring.conventions import CONVENTIONS
from calcarium.scoring.score import score_region
from calcarium.voxels import pack, unpack
from calcarium_kernels import load
from calcarium_kernels.contract import Box

THRESHOLDED = tuple(
    c.name for c in CONVENTIONS.values() if c.threshold_from == "voltage" and c.name != "ai-cac"
)


def blobs(make_volume, seed, **scale):
    rng = np.random.default_rng(seed)
    noise = ndimage.gaussian_filter(rng.standard_normal((9, 40, 48)), (0.7, 1.5, 1.5))
    return make_volume(2 * np.rint(20 + 500 * noise).astype(int), **scale), rng


def blobs_hu(volume):
    return volume.hu((slice(None),) * 3)


def region_of(rng, rule):
    box = Box(1, 8, 3, 38, 5, 44)
    labels = np.where(rng.random(box.shape) < 0.8, rng.integers(1, 5, box.shape), 0)
    meaning = {1: Label("LM"), 2: Label("LAD", "doubtful"), 3: Label("RCA", "rejected", "bone")}
    return Region(box, labels.astype(np.uint16), meaning, rule, "mask", "abc", vessels=("LCX",))


def numbers(lesions):
    """Every column of the lesions and of their labels."""
    return {**vars(lesions), **vars(lesions.labels)} | {"labels": 0, "features": 0, "counts": 0}


@pytest.mark.parametrize("rule", ["clip", "select"])
@pytest.mark.parametrize("scale", [{}, {"slope": "-1", "intercept": "1500"}, {"slope": "0.5"}])
def test_same_scores_without_the_volume(make_volume, empty_acquisition, rule, scale):
    volume, rng = blobs(make_volume, 3, **scale)
    region = region_of(rng, rule)
    again = unpack(pack(volume, region, 100.0))
    rules = ScoringRules(conventions=THRESHOLDED, lesion_link=6)
    known = replace(empty_acquisition, kvp=120.0, mass_factor_patient=0.8)
    first = score_region(volume, region, known, rules, load("numpy"), noise_hu=30.0)
    second = score_region(again.volume, again.region, known, rules, load("numpy"), noise_hu=30.0)
    assert replace(second, lesions=first.lesions) == first
    for name, column in numbers(first.lesions).items():
        np.testing.assert_array_equal(numbers(second.lesions)[name], column, err_msg=name)
    assert first.conventions[0].total.agatston > 0
    low, high = first.primary_score.movement.by_cause["noise"]
    assert high > low


@pytest.mark.parametrize("rule", ["clip", "select"])
def test_same_joined_slices_without_the_volume(make_volume, empty_acquisition, rule):
    volume, rng = blobs(make_volume, 4, increment_mm=0.75)
    region = region_of(rng, rule)
    known = replace(empty_acquisition, kvp=120.0, slice_thickness_mm=0.75)
    again = unpack(pack(volume, region, 130.0, slices_around=3))
    first, second = (
        score_region(v, r, known, ScoringRules(), load("numpy")).primary_score.movement
        for v, r in ((volume, region), (again.volume, again.region))
    )
    assert second == first
    assert first.by_cause["start"][1] > 0


def test_what_is_kept_is_little(make_volume):
    volume, rng = blobs(make_volume, 5)
    region = replace(region_of(rng, "clip"), labels=None, box=Box(2, 6, 10, 20, 10, 20))
    again = unpack(pack(volume, region, 130.0))
    kept = np.zeros(volume.stored.shape, bool)
    kept[again.volume.stored.zyx] = True
    bright = blobs_hu(volume)[2:6, 10:20, 10:20] >= 130
    assert kept[2:6, 10:20, 10:20][bright].all()
    assert not kept[[0, 8]].any()
    assert not kept[:, :9].any()
    assert not kept[:, :, 21:].any()


def test_an_empty_region(make_volume, empty_acquisition):
    volume = make_volume(np.full((4, 8, 8), 40))
    region = Region(Box.whole((4, 8, 8)), None, {1: Label("LAD")}, "clip", "mask")
    again = unpack(pack(volume, region, 100.0))
    scores = score_region(
        again.volume, again.region, empty_acquisition, ScoringRules(), load("numpy")
    )
    assert scores.conventions[0].total.agatston == 0


def test_voxels_of_another_version_are_refused_in_a_sentence(make_volume, monkeypatch):
    volume, rng = blobs(make_volume, 6)
    monkeypatch.setattr(voxels, "FORMAT", voxels.FORMAT - 1)
    packed = pack(volume, region_of(rng, "clip"), 130.0)
    monkeypatch.undo()
    with pytest.raises(UsageError, match="score it again with --voxels"):
        unpack(packed)

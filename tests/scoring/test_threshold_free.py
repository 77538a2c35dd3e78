"""Scores without a threshold, against loops and against what was put into the image."""

from __future__ import annotations

from dataclasses import replace
from math import erf, pi, sqrt

import numpy as np
import pytest
from scipy import ndimage

from calcarium.config.threshold_free import ThresholdFreeRules
from calcarium.regions.model import Label, Region
from calcarium.scoring.threshold_free import (
    ThresholdFree,
    integrated_mass_mg,
    spatially_weighted_score,
    threshold_free,
)
from calcarium_kernels.contract import Box

ROD_HU, ROD_MG_PER_CM3, BLOOD_HU = 290.0, 200.0, 40.0
RULES = ThresholdFreeRules(
    weighting_rod_hu={"120": (158.0, 23.0)},
    mass_rod_hu={"120": ROD_HU},
    mass_rod_mg_per_cm3=ROD_MG_PER_CM3,
    roi_margin_mm=4.0,
    ring_mm=3.0,
)


def region_of(labels, **changed):
    meaning = {1: Label("LAD"), 2: Label("RCA"), 3: Label("unassigned", "rejected", "spine")}
    region = Region(Box.whole(labels.shape), labels.astype(np.uint16), meaning, "clip", "mask")
    return replace(region, **changed)


def balls(shape, increment_mm, row_mm, column_mm, centres, radius_mm):
    """Share of each voxel inside balls, by fine sampling, and the label of the nearest."""
    fine = 5
    offsets = (np.arange(fine) + 0.5) / fine - 0.5
    share, label = np.zeros(shape), np.zeros(shape, int)
    z, y, x = (i.astype(float) for i in np.indices(shape))
    for number, (cz, cy, cx) in enumerate(centres, start=1):
        inside = np.zeros(shape)
        for dz in offsets:
            for dy in offsets:
                for dx in offsets:
                    away = (
                        ((z + dz) * increment_mm - cz) ** 2
                        + ((y + dy) * row_mm - cy) ** 2
                        + ((x + dx) * column_mm - cx) ** 2
                    )
                    inside += away <= radius_mm**2
        share += inside / fine**3
        label[inside > 0] = number
    return share, label


def test_the_weighted_score_is_the_sum_of_loops(make_volume):
    rng = np.random.default_rng(3)
    hu = rng.integers(0, 350, (4, 9, 11))
    labels = rng.integers(0, 4, (4, 9, 11))
    weight = np.zeros(hu.shape)
    for at in np.ndindex(hu.shape):
        if labels[at] in (1, 2):
            weight[at] = 0.5 * (1 + erf((hu[at] - 158.0) / (23.0 * sqrt(2))))
    expected = 0.0
    for z, y, x in np.ndindex(hu.shape):
        if labels[z, y, x] in (1, 2):
            for dy, dx in ((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1)):
                if 0 <= y + dy < 9 and 0 <= x + dx < 11:
                    expected += 0.2 * weight[z, y + dy, x + dx]
    found = spatially_weighted_score(make_volume(hu), region_of(labels), 158.0, 23.0)
    assert found == pytest.approx(expected)


def test_the_integrated_mass_is_that_of_blurred_balls(make_volume):
    # Of a density of 350 mg/cm3 in blood; blur and partial volume spread it, and lose nothing.
    shape, spacing = (16, 64, 72), (1.5, 0.6, 0.5)
    centres, radius_mm, density = ((9.0, 11.0, 12.0), (15.0, 28.0, 25.0)), 2.5, 350.0
    share, labels = balls(shape, *spacing, centres, radius_mm)
    per_density = (ROD_HU - BLOOD_HU) / ROD_MG_PER_CM3
    hu = BLOOD_HU + ndimage.gaussian_filter(share * density * per_density, (0.5, 1.5, 1.5))
    volume = make_volume(np.rint(hu).astype(int), increment_mm=spacing[0])
    found = integrated_mass_mg(
        volume,
        region_of(labels),
        rod_hu=ROD_HU,
        rod_mg_per_cm3=ROD_MG_PER_CM3,
        margin_mm=4.0,
        ring_mm=3.0,
    )
    assert found == pytest.approx(2 * density * 4 / 3 * pi * radius_mm**3 / 1000, rel=0.02)


def test_a_rejected_label_has_no_mass_and_takes_its_voxels_along(make_volume):
    hu = np.full((5, 40, 40), 40)
    hu[2, 10:13, 10:13] = 600
    hu[2, 30:33, 30:33] = 600
    labels = np.where(hu > 100, 1, 0)
    labels[2, 30:33, 30:33] = 3
    both, one = (
        threshold_free(make_volume(image), region_of(labels), 120.0, RULES).integrated_mass_mg
        for image in (hu, np.where(labels == 3, 40, hu))
    )
    assert both == pytest.approx(one)
    assert one > 0


def test_nothing_is_given_without_the_users_own_calibration(make_volume):
    hu = np.full((5, 20, 20), 40)
    hu[2, 8:11, 8:11] = 600
    volume, region = make_volume(hu), region_of(np.where(hu > 100, 1, 0))
    nothing = ThresholdFree()
    assert threshold_free(volume, region, 120.0, ThresholdFreeRules()) == nothing
    assert threshold_free(volume, region, 100.0, RULES) == nothing
    assert threshold_free(volume, region, None, RULES) == nothing
    for changed in ({"rule": "select"}, {"is_coronary": False}, {"threshold_hu": 300}):
        assert threshold_free(volume, replace(region, **changed), 120.0, RULES) == nothing
    found = threshold_free(volume, replace(region, source="detector"), 120.0, RULES)
    assert found.spatially_weighted_score is None
    assert found.integrated_mass_mg > 0
    without_ring = RULES.model_copy(update={"ring_mm": 0.0})
    assert threshold_free(volume, region, 120.0, without_ring).integrated_mass_mg is None

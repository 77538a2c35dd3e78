"""Looking at many candidates at once gives what each alone would give."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from calcarium.config.detector import DetectorRules
from calcarium.regions.anatomy.ball import dilated
from calcarium.regions.anatomy.grid import coarse_grid
from calcarium.regions.anatomy.parts import Parts
from calcarium.regions.detector.candidates import find_candidates
from calcarium.regions.detector.crops import crops_around
from calcarium_kernels import load

RULES = DetectorRules()


@pytest.mark.parametrize("sampling_mm", [(2.5, 2.8, 2.8), (3.0, 3.0, 3.0), (8.0, 2.6, 2.6)])
@pytest.mark.parametrize("radius_mm", [2.0, 9.0, 11.5])
def test_dilated_is_a_limit_of_the_distance(sampling_mm, radius_mm):
    mask = np.random.default_rng(5).random((9, 20, 23)) < 0.004
    away_mm = ndimage.distance_transform_edt(~mask, sampling=sampling_mm)
    found = dilated(mask, radius_mm, sampling_mm)
    np.testing.assert_array_equal(found, away_mm <= radius_mm)
    assert found.sum() > mask.sum() or radius_mm < min(sampling_mm)


@pytest.mark.parametrize("density", [0.0, 0.1, 0.4, 1.0])
def test_parts_are_those_of_a_dense_labelling(density):
    rng = np.random.default_rng(8)
    mask, values = rng.random((6, 9, 11)) < density, rng.normal(0, 1, (6, 9, 11))
    labels, count = ndimage.label(mask)
    parts = Parts.of(mask)
    number = np.arange(1, count + 1)
    assert len(parts) == count
    np.testing.assert_array_equal(parts.size, np.bincount(labels[mask], minlength=count + 1)[1:])
    np.testing.assert_allclose(parts.sum(values), ndimage.sum_labels(values, labels, number))
    wanted = rng.random(count) < 0.5
    np.testing.assert_array_equal(parts.only(wanted), np.concatenate([[False], wanted])[labels])


@pytest.mark.parametrize("spacing_mm", [0.4, 0.7])
def test_crops_hold_each_candidate_once_with_its_neighbourhood(spacing_mm, make_volume):
    rng = np.random.default_rng(6)
    hu = np.rint(ndimage.gaussian_filter(rng.normal(0, 1, (7, 90, 90)), (0, 1, 1)) * 600)
    volume = make_volume(hu.astype(int), column_spacing_mm=spacing_mm)
    grid = coarse_grid(volume, load("numpy"))
    candidates = find_candidates(volume, grid, np.ones(grid.hu.shape, bool), RULES.candidate)
    wanted = np.arange(0, len(candidates), 2)
    thin = 2 if spacing_mm == 0.4 else 1
    margin = round(6 / spacing_mm)
    seen = []
    for crops in crops_around(volume, candidates, wanted):
        for i, found, own, middle in zip(
            crops.candidate, crops.hu, crops.own, crops.middle, strict=True
        ):
            mine = slice(candidates.start[i], candidates.start[i + 1])
            at = candidates.z[mine], candidates.y[mine], candidates.x[mine]
            part = tuple(
                slice(max(0, index.min() - m), index.max() + m + 1)
                for index, m in zip(at, (1, margin, margin), strict=True)
            )
            mask = np.zeros(hu.shape, bool)
            mask[at] = True
            thinned = (slice(None), slice(None, None, thin), slice(None, None, thin))
            expected = ndimage.uniform_filter(hu[part][thinned].astype(np.float32), (1, 3, 3))
            np.testing.assert_array_equal(found, expected)
            np.testing.assert_array_equal(own, mask[part][thinned])
            np.testing.assert_allclose(middle, [c.mean() for c in np.nonzero(own)[1:]])
            seen.append(int(i))
    assert len(seen) == len(set(seen))
    lost = set(wanted.tolist()) - set(seen)
    assert set(seen) <= set(wanted.tolist())
    assert not lost if thin == 1 else len(lost) < len(wanted) / 2
    assert len(seen) > 20


def test_nothing_wanted_no_crop(make_volume):
    volume = make_volume(np.full((3, 40, 40), 200))
    grid = coarse_grid(volume, load("numpy"))
    candidates = find_candidates(volume, grid, np.ones(grid.hu.shape, bool), RULES.candidate)
    assert not list(crops_around(volume, candidates, np.zeros(0, np.int64)))
    volume = make_volume(np.zeros((3, 40, 40), int))
    candidates = find_candidates(volume, grid, np.ones(grid.hu.shape, bool), RULES.candidate)
    assert len(candidates) == 0
    assert not list(crops_around(volume, candidates, np.zeros(0, np.int64)))

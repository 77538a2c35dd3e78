"""Parts of the detector against constructions whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage
from scipy.spatial import Delaunay
from scipy.special import ndtr

from calcarium.config.detector import DetectorRules
from calcarium.errors import ScanExcluded
from calcarium.regions.anatomy.aorta import NO_VESSEL, Aorta, Vessel
from calcarium.regions.anatomy.body import largest, neighbours_in_plane
from calcarium.regions.anatomy.grid import coarse_grid
from calcarium.regions.anatomy.heart import Heart, _chambers
from calcarium.regions.anatomy.lungs import _hull
from calcarium.regions.anatomy.noise import measure_noise
from calcarium.regions.anatomy.rings import RADII_MM, best_path, ring_response
from calcarium.regions.detector.beside_aorta import _outside_mm
from calcarium.regions.detector.candidates import Candidates, find_candidates, painted
from calcarium.regions.detector.detect import detect
from calcarium.regions.detector.places import AROUND_MM, _muscle_share
from calcarium_kernels import load
from calcarium_kernels.contract import Box

RULES = DetectorRules()


def disc(shape, centres, radius_px):
    rows, columns = np.mgrid[: shape[1], : shape[2]]
    return np.stack([np.hypot(rows - y, columns - x) <= radius_px for y, x in centres])


def test_the_path_of_a_slanting_tube_is_followed_with_its_radius():
    centres = [(24 + 0.5 * k, 20 + k) for k in range(14)]
    hu = np.where(disc((14, 60, 60), centres, 15 / 3), 45.0, -100.0).astype(np.float32)
    scores = ring_response(hu, np.ones(hu.shape, bool), 3.0)
    path = best_path(scores - np.float32(0.3))
    assert RADII_MM[path.radius] == pytest.approx(15, abs=2)
    found = np.stack([path.rows, path.columns], axis=1)
    assert len(found) >= 12
    assert np.abs(found - np.array(centres)[path.first :][: len(found)]).max() <= 1


def test_no_disc_no_path():
    hu = np.random.default_rng(0).normal(40, 3, (8, 40, 40)).astype(np.float32)
    path = best_path(ring_response(hu, np.ones(hu.shape, bool), 3.0) - np.float32(0.3))
    assert path.total < 0.3


def test_the_hull_is_the_convex_hull():
    mask = np.zeros((1, 40, 50), bool)
    mask[0, 8:20, 5:12] = mask[0, 15:34, 38:45] = True
    points = np.argwhere(mask[0])
    every = np.argwhere(np.ones((40, 50), bool))
    inside = (Delaunay(points).find_simplex(every) >= 0).reshape(40, 50)
    hull = _hull(mask)[0]
    assert hull[inside].all()
    # half a voxel, and half a chord of 33 voxels times the tangent of half a step of 7.5 degrees
    border = ndimage.binary_dilation(inside, np.ones((3, 3), bool), iterations=2)
    assert not hull[~border].any()


def test_neighbours_count_like_a_convolution():
    mask = np.random.default_rng(1).random((3, 9, 11)) < 0.4
    expected = ndimage.convolve(mask.astype(int), np.ones((1, 3, 3), int), mode="constant")
    np.testing.assert_array_equal(neighbours_in_plane(mask), expected)


def test_largest_of_nothing_is_nothing():
    assert not largest(np.zeros((2, 3, 3), bool)).any()


@pytest.mark.parametrize("sigma", [10.0, 25.0, 60.0, 100.0])
def test_noise_is_measured_whatever_the_anatomy(sigma, make_volume):
    rng = np.random.default_rng(2)
    hu = np.full((6, 120, 120), 45.0)
    hu[:, :, 60:] = -100  # an edge is no noise
    hu = np.rint(hu + rng.normal(0, sigma, hu.shape)).astype(int)
    volume = make_volume(hu)
    grid = coarse_grid(volume, load("numpy"))
    measured = measure_noise(volume, grid, np.ones(grid.hu.shape, bool))
    assert measured.hu.shape == (6,)
    np.testing.assert_allclose(measured.hu, sigma, rtol=0.12)
    assert measured.median_hu == pytest.approx(sigma, rel=0.06)


def test_noise_is_that_of_the_heart_alone(make_volume):
    """Two slices of the heart, and many quieter ones beyond it."""
    rng = np.random.default_rng(2)
    sigma = np.where(np.arange(12) < 2, 50, 10)[:, None, None]
    volume = make_volume(np.rint(45 + rng.normal(0, sigma, (12, 120, 120))).astype(int))
    grid = coarse_grid(volume, load("numpy"))
    heart = np.zeros(grid.hu.shape, bool)
    heart[grid.nearest(0, np.arange(2))] = True
    assert measure_noise(volume, grid, heart).median_hu == pytest.approx(50, rel=0.06)
    nothing = measure_noise(volume, grid, np.zeros_like(heart))
    assert nothing.median_hu is None
    assert (nothing.hu > 0).all()


def test_candidates_are_the_components_of_a_dense_labelling(make_volume):
    rng = np.random.default_rng(4)
    hu = ndimage.gaussian_filter(rng.normal(0, 1, (8, 60, 60)), (0.5, 1, 1))
    hu = np.rint(hu * 900).astype(int)
    volume = make_volume(hu)
    grid = coarse_grid(volume, load("numpy"))
    candidates = find_candidates(volume, grid, np.ones(grid.hu.shape, bool), RULES.candidate)
    bright = hu >= 130
    labels, _ = ndimage.label(bright, np.ones((3, 3, 3)))
    area = np.bincount(labels.ravel())[1:] * volume.geometry.pixel_area_mm2
    assert len(candidates) == (area >= 1).sum()
    at = candidates.z, candidates.y, candidates.x
    for i in range(len(candidates)):
        own = slice(candidates.start[i], candidates.start[i + 1])
        assert len(np.unique(labels[at[0][own], at[1][own], at[2][own]])) == 1
    peaks = ndimage.maximum(hu, labels, labels[at[0], at[1], at[2]][candidates.start[:-1]])
    np.testing.assert_array_equal(candidates.peak(), peaks)


def test_the_rim_covers_no_other_candidate(make_volume):
    hu = np.full((3, 40, 40), 40)
    hu[1, 10:13, 10:13] = 300
    hu[1, 10:13, 14:17] = 300  # one voxel between
    volume = make_volume(hu)
    grid = coarse_grid(volume, load("numpy"))
    candidates = find_candidates(volume, grid, np.ones(grid.hu.shape, bool), RULES.candidate)
    box, found = painted(candidates)
    labels = np.zeros(hu.shape, int)
    labels[box.slices] = found
    assert len(candidates) == 2
    bright = hu >= 130
    assert (labels[bright] > 0).all()
    assert set(np.unique(labels[1, 10:13, 10:13])) == {1}
    assert set(np.unique(labels[1, 10:13, 14:17])) == {2}
    assert (labels > 0).sum() == 5 * 9  # 3 x 3 and 3 x 3 with a rim that they share
    assert not labels[[0, 2]].any()
    assert box == Box(1, 2, 9, 14, 9, 18)  # no larger than what it holds


def test_chambers_are_what_is_thicker_than_an_artery(make_volume):
    z, y, x = np.mgrid[:40, :96, :96] * np.array([3.0, 1.0, 1.0])[:, None, None, None]
    away = np.sqrt((z - 60) ** 2 + (y - 48) ** 2 + (x - 40) ** 2)
    artery = np.hypot(y - 48, x - 86) < 2.5
    hu = np.where((away < 30) | artery, 45, -100)
    volume = make_volume(hu, row_spacing_mm=1.0, column_spacing_mm=1.0, increment_mm=3.0)
    grid = coarse_grid(volume, load("numpy"))
    chambers = _chambers(grid, np.ones(grid.hu.shape, bool))
    inside = grid.in_box(chambers, Box.whole(hu.shape))
    assert not inside[artery].any()
    assert away[inside].max() == pytest.approx(24, abs=3)  # a block
    assert inside[away < 20].all()


def test_muscle_around_is_that_of_half_spaces(make_volume):
    """Outside one, the tail of a Gaussian; between two, as in a groove, both tails."""
    hu = np.zeros((34, 80, 34), int)
    volume = make_volume(hu, row_spacing_mm=3.0, column_spacing_mm=3.0, increment_mm=3.0)
    grid = coarse_grid(volume, load("numpy"))
    row = np.arange(80)[None, :, None]
    for walls in ([row >= 45], [row >= 45, row < 20]):
        cores = np.broadcast_to(np.any(walls, axis=0), grid.hu.shape)
        heart = Heart(np.ones_like(cores), ~cores, cores, 40.0, 0.0, 0.0, 0.0)
        at = np.array([17.0]), np.array([36.0]), np.array([17.0])
        away_mm = np.array([45 - 2.5 - 36, 36 - 21.5])[: len(walls)] * 3  # cores grown by 6 mm
        expected = ndtr(-away_mm / AROUND_MM).sum()
        assert _muscle_share(grid, heart, *at) == pytest.approx(expected, abs=0.02)


def arc(inner_mm, outer_mm, centre, voxel_mm):
    """Voxels of a layer around a circle's centre, a quarter of the circle long."""
    y, x = np.mgrid[:80, :80]
    away = np.hypot(y - centre, x - centre) * voxel_mm
    quarter = (y > centre) & (x > centre)
    return np.nonzero((away >= inner_mm) & (away < outer_mm) & quarter)


def test_the_ascending_aorta_goes_on_above_its_track():
    track = Vessel(10, *(np.full(9, value) for value in (30.0, 40.0, 15.0, 0.6)), total=2.0)
    aorta = Aorta(track, NO_VESSEL, NO_VESSEL, is_sure=True)
    levels = np.array([2.0, 5.0, 10.0, 18.0])
    assert aorta.axis_at(levels).known.tolist() == [False, True, True, True]
    seen = aorta.ascending.at(levels, beyond=0.5).known  # exclusions hang on this
    assert seen.tolist() == [False, False, True, True]


@pytest.mark.parametrize("depth_mm", [1.5, 3.0, 7.0])
def test_depth_across_a_wall(make_volume, depth_mm):
    hu = np.full((3, 80, 80), 40)
    volume = make_volume(hu, row_spacing_mm=0.5, column_spacing_mm=0.5, increment_mm=3.0)
    grid = coarse_grid(volume, load("numpy"))
    _, row, column = grid.from_native(*(np.array([i], float) for i in (1, 40, 40)))
    circle = [np.full(3, value) for value in (row[0], column[0], 14.0, 0.8)]
    aorta = Aorta(Vessel(0, *circle, total=1.0), NO_VESSEL, NO_VESSEL, is_sure=True)
    y, x = arc(14.0 - depth_mm / 2, 14.0 + depth_mm / 2, 40, 0.5)
    one = np.array([0, len(y)])
    z = np.ones(len(y), np.int64)
    layer = Candidates(Box.whole(hu.shape), z, y, x, np.full(len(y), 300, np.float32), one)
    outside, across = _outside_mm(layer, grid, aorta)
    assert outside == pytest.approx(0, abs=0.4)
    assert across == pytest.approx(depth_mm, abs=0.5)  # a voxel


@pytest.mark.parametrize("shape", [(5, 4, 6), (1, 4, 6), (3, 1, 1), (40, 512, 4), (40, 8, 8)])
def test_an_image_of_a_few_pixels_holds_no_heart(make_volume, shape):
    with pytest.raises(ScanExcluded, match="no_heart"):
        detect(make_volume(np.full(shape, 40)), RULES, load("numpy"))


def test_more_spots_than_labels_are_refused(make_volume):
    hu = np.full((10, 320, 320), 40)
    hu[:, ::3, ::3] = 400  # one voxel each, two apart; so are the slices
    hu[1::2] = 40
    volume = make_volume(hu, row_spacing_mm=1.0, column_spacing_mm=1.0, increment_mm=3.0)
    grid = coarse_grid(volume, load("numpy"))
    spots = 5 * 107**2
    rules = RULES.candidate.model_copy(update={"least_area_mm2": 1.0})
    heart = np.ones(grid.hu.shape, bool)
    _, labels = painted(find_candidates(volume, grid, heart, rules))
    assert labels.max(initial=0) == spots < 2**16
    more = make_volume(np.concatenate([hu, hu]), row_spacing_mm=1.0, column_spacing_mm=1.0)
    grid = coarse_grid(more, load("numpy"))
    with pytest.raises(ScanExcluded, match="too_noisy"):
        painted(find_candidates(more, grid, np.ones(grid.hu.shape, bool), rules))

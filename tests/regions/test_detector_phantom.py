"""The whole detector on drawn thoraxes, and what must not change its answer."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from functools import cache

import numpy as np
import pytest

from calcarium.config.detector import DetectorRules
from calcarium.errors import ScanExcluded
from calcarium.phantom.model import PhantomScan
from calcarium.phantom.thorax import draw_thorax
from calcarium.regions.anatomy.given import Anatomy
from calcarium.regions.anatomy.landmarks import find_landmarks
from calcarium.regions.detector.detect import detect
from calcarium.regions.model import Region
from calcarium.tables.feature_columns import FEATURES
from calcarium.volume.model import Geometry, Rescale, Volume
from calcarium_kernels import load

RULES = DetectorRules()
KERNELS = load("numpy")
COUNTED = ("accepted", "doubtful")
CALCIFIED, EMPTY = 10, 24  # seeds of two gated scans


@cache
def phantom(seed: int) -> PhantomScan:
    return draw_thorax(seed, gated=seed % 2 == 0, matrix=256, calcified=seed == CALCIFIED).scan


def volume_of(scan: PhantomScan) -> Volume:
    stored = np.clip(np.rint(scan.hu), -1024, 3071).astype(np.int16)
    grid = scan.grid
    n, rows, columns = stored.shape
    z = grid.axis_mm(0)
    origin = np.stack([np.full(n, grid.origin_mm[0]), np.full(n, grid.origin_mm[1]), z], axis=1)
    geometry = Geometry(
        origin,
        (1.0, 0.0, 0.0),
        (0.0, 1.0, 0.0),
        grid.row_spacing_mm,
        grid.column_spacing_mm,
        rows,
        columns,
        z,
        grid.slice_increment_mm,
        np.full(n, grid.slice_increment_mm),
        0.0,
    )
    return Volume(stored, Rescale((Fraction(1),) * n, (Fraction(0),) * n), geometry, ("",) * n)


def counted(region: Region, volume: Volume) -> np.ndarray:
    """Voxels that count in the score."""
    mask = np.zeros(volume.stored.shape, bool)
    wanted = [i for i, label in region.meaning.items() if label.standing in COUNTED]
    mask[region.box.slices] = np.isin(region.labels, wanted)
    return mask & (volume.hu((slice(None),) * 3) >= 130)


def status(region: Region, check: str) -> str:
    return next(row.status for row in region.quality if row.check == check)


def test_coronary_calcium_counts_and_what_is_beside_it_does_not():
    scan = phantom(CALCIFIED)
    volume = volume_of(scan)
    found = counted(detect(volume, RULES, KERNELS), volume)
    truth = (scan.calcium > 0) & (volume.stored >= 130)
    assert (found & truth).sum() >= 0.95 * truth.sum()
    other = (scan.truth_labels > 10) & ~truth
    assert not (found & other).any()


def test_zero_stays_zero():
    volume = volume_of(phantom(EMPTY))
    region = detect(volume, RULES, KERNELS)
    assert not counted(region, volume).any()
    assert region.meaning  # what was rejected is told, with its reason
    assert all(label.rejected_by for label in region.meaning.values())


def test_every_label_is_explained():
    region = detect(volume_of(phantom(CALCIFIED)), RULES, KERNELS)
    assert set(np.unique(region.labels)) - {0} == set(region.meaning)
    assert set(region.known.labels.measured) <= set(FEATURES)
    for label in region.meaning.values():
        assert (label.rejected_by == "") == (label.standing in COUNTED)
        assert 0 <= label.confidence <= 1
        assert label.features["volume_mm3"] > 0


def test_stored_units_and_direction_of_the_file_do_not_matter():
    volume = volume_of(phantom(CALCIFIED))
    n = volume.geometry.shape[0]
    shifted = replace(
        volume,
        stored=(volume.stored.astype(np.int32) + 1024).astype(np.uint16),
        rescale=Rescale((Fraction(1),) * n, (Fraction(-1024),) * n),
    )
    turned = replace(
        volume,
        stored=np.ascontiguousarray(volume.stored[:, ::-1, ::-1]),
        geometry=replace(
            volume.geometry, row_direction=(-1.0, 0.0, 0.0), column_direction=(0.0, -1.0, 0.0)
        ),
    )
    expected = counted(detect(volume, RULES, KERNELS), volume)
    same = counted(detect(shifted, RULES, KERNELS), shifted)
    np.testing.assert_array_equal(same, expected)
    same = counted(detect(turned, RULES, KERNELS), turned)[:, ::-1, ::-1]
    np.testing.assert_array_equal(same, expected)


def test_a_last_bit_of_the_rescale_flips_no_decision():
    volume = volume_of(phantom(CALCIFIED))
    n = volume.geometry.shape[0]
    slope = Fraction(1) + Fraction(1, 10**7)
    nudged = replace(volume, rescale=Rescale((slope,) * n, (Fraction(0),) * n))
    a, b = detect(volume, RULES, KERNELS), detect(nudged, RULES, KERNELS)
    assert [x.standing for x in a.meaning.values()] == [x.standing for x in b.meaning.values()]


@pytest.mark.parametrize(("axis", "word"), [(2, "mirrored"), (0, "upside down")])
def test_a_scan_the_wrong_way_round_is_noticed(axis, word):
    volume = volume_of(phantom(CALCIFIED))
    wrong = replace(volume, stored=np.ascontiguousarray(np.flip(volume.stored, axis)))
    assert status(detect(volume, RULES, KERNELS), "patient_orientation") == "pass"
    rows = {row.check: row for row in detect(wrong, RULES, KERNELS).quality}
    assert (rows["patient_orientation"].status, rows["patient_orientation"].text) == ("fail", word)


def test_blood_is_measured_in_the_heart_not_in_the_liver():
    """In a scan with much liver, which is 15 HU brighter."""
    thorax = draw_thorax(7, gated=False, matrix=192, calcified=False, distractors=False)
    landmarks = find_landmarks(volume_of(thorax.scan), RULES, KERNELS, Anatomy())
    # the muscle, which is not told from blood, is 7 HU brighter
    assert 0 < landmarks.heart.blood_hu - thorax.anatomy.blood_hu < 4


def test_contrast_in_the_blood_is_refused():
    scan = phantom(CALCIFIED)
    volume = volume_of(scan)
    stored = volume.stored.copy()
    stored[((scan.heart > 0) | (scan.aorta > 0)) & (stored > 0)] += 300
    with pytest.raises(ScanExcluded, match="contrast"):
        detect(replace(volume, stored=stored), RULES, KERNELS)


@pytest.mark.parametrize("hu", [-1000, 40])
def test_without_a_heart_there_is_no_score(hu):
    volume = volume_of(phantom(EMPTY))
    with pytest.raises(ScanExcluded, match="no_heart"):
        detect(replace(volume, stored=np.full_like(volume.stored, hu)), RULES, KERNELS)


def test_a_users_heart_and_aorta_take_the_place_of_the_detectors():
    scan = phantom(CALCIFIED)
    volume = volume_of(scan)
    anatomy = Anatomy(heart=scan.heart > 0, aorta=scan.aorta > 0)
    region = detect(volume, RULES, KERNELS, anatomy=anatomy)
    truth = (scan.calcium > 0) & (volume.stored >= 130)
    assert (counted(region, volume) & truth).sum() >= 0.9 * truth.sum()
    nowhere = Anatomy(heart=np.zeros(volume.stored.shape, bool))
    with pytest.raises(ScanExcluded, match="no_heart"):
        detect(volume, RULES, KERNELS, anatomy=nowhere)

"""When the detector says that its answer needs a second look."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
from test_detector_phantom import CALCIFIED, KERNELS, RULES, phantom, status, volume_of

from calcarium.regions.detector.decide import Verdicts
from calcarium.regions.detector.detect import detect
from calcarium.regions.detector.doubts import doubts_of_verdicts, thick_slices
from calcarium.regions.detector.places import Places
from calcarium.regions.detector.surroundings import Surroundings
from calcarium.regions.model import words
from calcarium.volume.model import Rescale, Volume


def middle(volume: Volume, heart: np.ndarray, width_mm: float) -> Volume:
    """Only the columns around the heart."""
    half = round(width_mm / volume.geometry.column_spacing_mm / 2)
    centre = round(float(np.flatnonzero(heart.any(axis=(0, 1))).mean()))
    first = max(0, centre - half)
    stored = np.ascontiguousarray(volume.stored[:, :, first : centre + half])
    geometry = replace(volume.geometry, columns=stored.shape[2])
    return replace(volume, stored=stored, geometry=geometry)


@pytest.mark.parametrize(("share", "verdict"), [(1.2, "pass"), (0.8, "warn")])
def test_a_field_of_view_cuts_the_heart_only_where_it_is_narrower(share, verdict):
    scan = phantom(CALCIFIED)
    columns = np.flatnonzero((scan.heart > 0).any(axis=(0, 1)))
    volume = volume_of(scan)
    width_mm = len(columns) * volume.geometry.column_spacing_mm
    cut = middle(volume, scan.heart > 0, share * width_mm)
    assert status(detect(cut, RULES, KERNELS), "heart_cut") == verdict


def test_the_detector_tells_of_its_slices():
    assert status(detect(volume_of(phantom(CALCIFIED)), RULES, KERNELS), "thick_slices") == "pass"


@pytest.mark.parametrize(("increment_mm", "verdict"), [(6.0, "pass"), (8.0, "warn")])
def test_slices_too_thick_for_an_artery_are_told(increment_mm, verdict):
    row = thick_slices(increment_mm, RULES.doubt)
    assert (row.check, row.status, row.value) == ("thick_slices", verdict, increment_mm)


def lowest(volume: Volume, n: int) -> Volume:
    """Only the lowest slices."""
    geometry = replace(
        volume.geometry,
        origin_mm=volume.geometry.origin_mm[:n],
        slice_position_mm=volume.geometry.slice_position_mm[:n],
        slice_extent_mm=volume.geometry.slice_extent_mm[:n],
    )
    rescale = Rescale(volume.rescale.slope[:n], volume.rescale.intercept[:n])
    return replace(
        volume,
        stored=volume.stored[:n].copy(),
        rescale=rescale,
        geometry=geometry,
        sop_instance_uid=volume.sop_instance_uid[:n],
    )


@pytest.mark.parametrize(("share", "verdict"), [(1.0, "pass"), (0.6, "warn")])
def test_a_scan_that_ends_inside_the_heart_is_told(share, verdict):
    scan = phantom(CALCIFIED)
    levels = np.flatnonzero((scan.heart > 0).any(axis=(1, 2)))
    cut = lowest(volume_of(scan), round(levels[0] + share * len(levels)))
    assert status(detect(cut, RULES, KERNELS), "heart_cut") == verdict


def doubt(check, agatston, fat=0.0, **where):
    """One check, with all candidates accepted; what is not told of them is 0."""
    n = len(agatston)
    place = {field.name: np.zeros(n) for field in fields(Places)}
    place |= {name: np.array(values, float) for name, values in where.items()}
    place["agatston"] = np.array(agatston, float)
    verdicts = Verdicts(np.ones(n), words(["accepted"] * n), words([""] * n))
    around = Surroundings(np.full(n, fat), *np.zeros((3, n)))
    rows = doubts_of_verdicts(Places(**place), around, verdicts, RULES)
    return next((row.status, row.value) for row in rows if row.check == check)


def wall(agatston, outside_mm, left_mm, *, is_seen):
    n = len(agatston)
    known = {"depth": [0.5] * n, "above_root_mm": [0.0 if is_seen else np.nan] * n}
    return doubt("aortic_wall", agatston, outside_aorta_mm=outside_mm, left_mm=left_mm, **known)


def test_a_score_that_hangs_on_calcium_at_the_aorta_is_doubted():
    assert wall([60, 300], [2, 30], [0, 0], is_seen=True) == ("pass", 60)
    assert wall([60, 30], [2, 30], [0, 0], is_seen=True) == ("pass", 60)  # 90 or 30: one category
    assert wall([90, 30], [2, 30], [0, 0], is_seen=True) == ("warn", 90)
    assert wall([60], [30], [0], is_seen=True) == ("pass", 0)
    assert wall([], [], [], is_seen=True) == ("pass", 0)


def test_an_aorta_that_was_not_seen_may_be_where_aortas_are():
    assert wall([60], [99], [0], is_seen=False) == ("warn", 60)
    assert wall([60], [99], [60], is_seen=False) == ("pass", 0)


@pytest.mark.parametrize(("outside_mm", "above_mm", "verdict"), [(8, 40, "warn"), (8, -5, "pass")])
def test_high_above_the_root_the_wall_may_lie_beside_its_circle(outside_mm, above_mm, verdict):
    place = {"outside_aorta_mm": [outside_mm], "above_root_mm": [above_mm]}
    assert doubt("aortic_wall", [60], muscle_share=[0.5], **place)[0] == verdict


def test_a_score_that_hangs_on_calcium_off_the_grooves_is_doubted():
    assert doubt("pericardium", [60], muscle_share=[0.3]) == ("warn", 60)
    assert doubt("pericardium", [60, 300], muscle_share=[0.3, 0.5]) == ("pass", 60)
    assert doubt("pericardium", [60], muscle_share=[0.5]) == ("pass", 0)
    assert doubt("pericardium", [60], muscle_share=[0.5], fat=0.6) == ("pass", 0)
    assert doubt("pericardium", [60], muscle_share=[0.5], fat=0.7) == ("warn", 60)

"""What is no coronary calcium on contrast CT, candidate by candidate."""

from __future__ import annotations

from dataclasses import fields
from fractions import Fraction

import numpy as np
import pytest
from small_scans import volume as volume_of

from calcarium.config import load_protocol
from calcarium.regions.anatomy.grid import coarse_grid
from calcarium.regions.beside_plaque import SMOOTH_MM, Beside, look_beside
from calcarium.regions.blood_pool import BloodPool
from calcarium.regions.chambers import find_chambers
from calcarium.regions.contrast import _elsewhere, _rejected_by, numbered
from calcarium.regions.detector.candidates import bright_components
from calcarium.regions.detector.evidence import Findings
from calcarium.regions.detector.places import Places
from calcarium.regions.detector.surroundings import Surroundings
from calcarium.volume.thresholds import stored_threshold
from calcarium_kernels import load
from calcarium_kernels.contract import Box

PROTOCOL = load_protocol("cta").by_class["contrast"]
RULES, EVIDENCE = PROTOCOL.contrast, PROTOCOL.detector.evidence
BLOOD = BloodPool(400.0, 20.0, 1000)  # calcium stands out of it, and of any lumen, by 100 HU


def places(n: int, **given: list[float] | list[bool]) -> Places:
    every = {field.name: np.full(n, 50.0) for field in fields(Places)}
    every["beside_aorta"] = np.zeros(n, bool)
    return Places(**(every | {name: np.array(values) for name, values in given.items()}))


def test_among_bright_lumen_calcium_stands_out_of_the_brightest_of_it() -> None:
    """Uneven contrast in a right heart of 700 HU; a plaque in it; one in fat, 2 mm beside it."""
    where = places(3, peak_hu=[780.0, 820.0, 780.0])
    beside = Beside(
        mostly_hu=np.full(3, 500.0),
        brightest_hu=np.full(3, 700.0),
        share_chamber=np.full(3, 0.3),
        share_bright=np.array([0.7, 0.7, 0.4]),
    )
    nowhere = np.zeros(3, bool)
    why = _rejected_by(where, beside, BLOOD, RULES, np.full(3, ""), nowhere, {})
    assert why.tolist() == ["lumen", "", ""]


def test_a_place_that_the_detector_is_sure_of_is_no_artery() -> None:
    """Deep in muscle; at the lung base, and there in fat; at the aorta, and in fat beside it.

    Then before the spine: a lymph node above the root, and a circumflex artery no higher than it.
    """
    fat = np.array([0.0, 0.0, 0.4, 0.1, 0.4, 0.4, 0.4])
    where = places(
        7,
        lung_mm=[25.0, 0.0, 0.0, 0.0, 0.0, 20.0, 6.0],
        above_bottom_mm=[60.0, -5.0, -5.0, 60.0, 60.0, 110.0, 80.0],
        outside_aorta_mm=[50.0, 50.0, 50.0, 0.5, 0.5, 50.0, 50.0],
        beside_aorta=[False, False, False, True, True, False, False],
        depth=[0.5, 0.5, 0.5, 0.5, 0.5, 0.1, 0.18],
        left_mm=[0.0, 0.0, 0.0, 0.0, 0.0, -15.0, 15.0],
        above_root_mm=[50.0, 50.0, 50.0, 50.0, 50.0, 25.0, 2.0],
    )
    told = _elsewhere(Findings(where, Surroundings(fat, fat, fat, np.zeros(7))), EVIDENCE, RULES)
    assert {name: np.flatnonzero(hit).tolist() for name, hit in told.items()} == {
        "valve": [0],
        "lung_base": [1],
        "aortic_wall": [3],
        "prevertebral": [5],
    }


def test_a_thin_lumen_is_a_vessel_but_muscle_is_none() -> None:
    """Lumens of four radii in fat of -80 HU, blurred by 0.4 mm and smoothed as much; muscle.

    Of a long cylinder of radius r a Gaussian of SD s leaves 1 - exp(-r2 / 2 s2) at its axis.
    """
    radius_mm = np.array([0.4, 0.6, 0.8, 1.2])
    left = 1 - np.exp(-(radius_mm**2) / (2 * (0.4**2 + SMOOTH_MM**2)))
    seen_hu = np.append(-80 + left * (BLOOD.mean_hu + 80), 90.0)
    nothing = np.zeros(5)
    beside = Beside(np.full(5, 60.0), seen_hu, nothing, nothing)
    where = places(5, peak_hu=[900.0] * 5)
    why = _rejected_by(where, beside, BLOOD, RULES, np.full(5, ""), nothing > 0, {})
    assert why.tolist() == ["no_artery", "no_artery", "", "", "no_artery"]


@pytest.mark.parametrize(("neighbour_hu", "told"), [(0.0, ""), (1300.0, ""), (690.0, "lumen")])
def test_a_brighter_plaque_close_by_is_no_lumen(neighbour_hu: float, told: str) -> None:
    """A faint plaque at the end of a lumen: alone, and under half a shell of dense calcium.

    A shell that it nearly matches may be the lumen that it is part of.
    """
    side, step_mm = 41, 0.4
    z, y, x = step_mm * (np.indices((side,) * 3) - side // 2)
    away_mm = np.sqrt(z**2 + y**2 + x**2)
    hu = np.full(z.shape, -80, np.int16)
    hu[(z < 0) & (np.hypot(y, x) <= 1.2)] = BLOOD.mean_hu
    hu[away_mm <= 1.2] = 600
    if neighbour_hu:
        hu[(z >= 0) & (away_mm >= 1.8) & (away_mm <= 3.4)] = neighbour_hu
    volume = volume_of(hu, increment_mm=step_mm, row_spacing_mm=step_mm, column_spacing_mm=step_mm)
    threshold = stored_threshold(volume.rescale, Fraction(500), inclusive=True)
    box = Box.whole(hu.shape)
    found = bright_components(volume, box, np.ones(hu.shape, np.uint16), threshold)
    grid = coarse_grid(volume, load("numpy"))
    beside = look_beside(
        volume,
        found,
        numbered(found),
        np.ones(len(found), bool),
        find_chambers(grid, BLOOD, RULES),
        BLOOD,
        RULES,
    )
    where = places(len(found), peak_hu=found.peak().tolist())
    nowhere = np.zeros(len(found), bool)
    why = _rejected_by(where, beside, BLOOD, RULES, np.full(len(found), ""), nowhere, {})
    assert why[found.size == (away_mm <= 1.2).sum()].tolist() == [told]

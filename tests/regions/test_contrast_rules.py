"""What is no coronary calcium on contrast CT, candidate by candidate."""

from __future__ import annotations

from dataclasses import fields

import numpy as np

from calcarium.config import load_protocol
from calcarium.regions.beside_plaque import Beside
from calcarium.regions.blood_pool import BloodPool
from calcarium.regions.contrast import _elsewhere, _rejected_by
from calcarium.regions.detector.evidence import Findings
from calcarium.regions.detector.places import Places
from calcarium.regions.detector.surroundings import Surroundings

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
    """Deep in muscle; at the lung base, and there in fat; at the aorta, and in fat beside it."""
    fat = np.array([0.0, 0.0, 0.4, 0.1, 0.4])
    where = places(
        5,
        lung_mm=[25.0, 0.0, 0.0, 0.0, 0.0],
        above_bottom_mm=[60.0, -5.0, -5.0, 60.0, 60.0],
        outside_aorta_mm=[50.0, 50.0, 50.0, 0.5, 0.5],
        beside_aorta=[False, False, False, True, True],
    )
    told = _elsewhere(Findings(where, Surroundings(fat, fat, fat, np.zeros(5))), EVIDENCE)
    assert {name: np.flatnonzero(hit).tolist() for name, hit in told.items()} == {
        "valve": [0],
        "lung_base": [1],
        "aortic_wall": [3],
    }

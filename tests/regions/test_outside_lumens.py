"""A plaque that touches a lumen brighter than the threshold is cut from it."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from small_scans import volume as volume_of

from calcarium.config.contrast import ContrastRules
from calcarium.config.detector_evidence import CandidateRules
from calcarium.regions.anatomy.grid import coarse_grid
from calcarium.regions.blood_pool import BloodPool
from calcarium.regions.chambers import find_chambers
from calcarium.regions.detector.candidates import bright_components
from calcarium.regions.outside_lumens import outside_lumens
from calcarium.volume.thresholds import stored_threshold
from calcarium_kernels import load
from calcarium_kernels.contract import Box

SIDE, RADIUS_MM, LUMEN_HU, FAT_HU = 75, 24.0, 700, -80
BLOOD, RULES = BloodPool(400.0, 20.0, 1000), ContrastRules()
STANDS_OUT_HU = RULES.sd_above_blood * BLOOD.sd_hu
LIMITS = CandidateRules(
    threshold_hu=BLOOD.threshold_hu(RULES), greatest_volume_mm3=RULES.greatest_volume_mm3
)


def ball(centre: tuple[float, float, float], radius_mm: float) -> np.ndarray:
    index = np.indices((SIDE, SIDE, SIDE)).astype(float)
    return np.linalg.norm(index - np.reshape(centre, (3, 1, 1, 1)), axis=0) <= radius_mm


@pytest.mark.parametrize(("touching_hu", "n_left"), [(1000, 2), (720, 1)])
def test_what_stands_out_of_the_lumen_is_left_of_its_rim(touching_hu: int, n_left: int) -> None:
    """A right heart of 700 HU, a plaque at its wall, and one by itself; voxels of 1 mm."""
    hu = np.full((SIDE, SIDE, SIDE), FAT_HU, dtype=np.int16)
    hu[ball((37, 37, 30), RADIUS_MM)] = LUMEN_HU
    hu[ball((37, 37, 55), 2.5)] = touching_hu
    hu[ball((37, 6, 68), 2.5)] = 620
    volume = volume_of(hu, increment_mm=1.0, row_spacing_mm=1.0, column_spacing_mm=1.0)
    threshold = stored_threshold(volume.rescale, Fraction(int(LIMITS.threshold_hu)), inclusive=True)
    box = Box.whole(hu.shape)
    every = bright_components(volume, box, np.ones(hu.shape, np.uint16), threshold)
    assert len(every) == 2
    chambers = find_chambers(coarse_grid(volume, load("numpy")), BLOOD, RULES)
    left = outside_lumens(volume, every, chambers, LIMITS, STANDS_OUT_HU)
    left = left.keep(left.size > 2)  # single voxels of the rim may lie by themselves
    assert len(left) == n_left
    alone = left.mean(left.x) > 60
    assert left.size[alone] == ball((37, 6, 68), 2.5).sum()
    assert left.size[~alone].tolist() == [ball((37, 37, 55), 2.5).sum()] * (n_left - 1)

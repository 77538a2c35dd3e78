"""How people are scanned."""

from __future__ import annotations

import numpy as np

from calcarium.phantom.anatomy import draw_anatomy
from calcarium.phantom.body import skin_of
from calcarium.phantom.plan import draw_plan


def test_most_chest_scans_show_the_trunk_from_side_to_side() -> None:
    shown = []
    for seed in range(100):
        rng = np.random.default_rng(seed)
        anatomy = draw_anatomy(rng)
        across = draw_plan(anatomy, rng, gated=False, matrix=512).grid.axis_mm(2)
        middle, _, half, _ = (float(value) for value in skin_of(anatomy).section(0.0))
        shown.append(across[0] < middle - half and middle + half < across[-1])
    assert 0.8 < np.mean(shown) < 1

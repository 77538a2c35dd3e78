"""The artery of a lesion, from its place between spine, chest wall and midline."""

from __future__ import annotations

import numpy as np

from calcarium.config.detector_standing import ArteryRules
from calcarium.regions.detector.places import Places
from calcarium.regions.model import Vessel, Words


def artery_of(places: Places, rules: ArteryRules) -> Words:
    """RCA to the right or at the underside; else in front LM or LAD, behind LCX.

    Near the upper end of the root the aorta's axis says more: what lies left of it and behind
    is left main, even where a turned heart brings it to the right, and LCX beyond the length
    of a left main.

    The left main is not told from the LAD: without contrast its end is not seen.
    """
    underside = (
        (places.above_bottom_mm < rules.underside_mm)
        & (places.left_mm < rules.underside_left_mm)
        & (places.depth < rules.underside_depth)
    )
    at_ostium = (
        (places.left_of_aorta_mm > 0)
        & (places.behind_aorta_mm > 0)
        & (places.above_root_mm > -rules.ostium_below_mm)
    )
    circumflex = (
        at_ostium
        & (places.left_of_aorta_mm > rules.circumflex_left_mm)
        & (places.behind_aorta_mm > rules.circumflex_behind_mm)
    )
    right = ((places.left_mm < rules.right_of_mm) & ~at_ostium) | underside
    front = (places.depth > rules.left_anterior_depth) & ~circumflex
    names: list[Vessel] = ["RCA", "LM+LAD", "LCX"]
    return np.array(names, np.object_)[np.where(right, 0, np.where(front, 1, 2))]

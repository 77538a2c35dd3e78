"""The artery of a lesion, from its place between spine, chest wall and midline."""

from __future__ import annotations

import numpy as np

from calcarium.config.detector_standing import ArteryRules
from calcarium.regions.detector.places import Places
from calcarium.regions.model import Vessel, Words


def artery_of(places: Places, rules: ArteryRules) -> Words:
    """RCA to the right or at the underside; else in front LM or LAD, behind LCX.

    What lies left of and behind the axis of the root, near its upper end, is left main
    even where a turned heart brings it to the right.

    The left main is not told from the LAD: without contrast its end is not seen.
    """
    underside = (
        (places.above_bottom_mm < rules.underside_mm)
        & (places.left_mm < rules.underside_left_mm)
        & (places.depth < rules.underside_depth)
    )
    left_main = (
        (places.left_of_aorta_mm > 0)
        & (places.behind_aorta_mm > 0)
        & (places.above_root_mm > -rules.ostium_below_mm)
    )
    right = ((places.left_mm < rules.right_of_mm) & ~left_main) | underside
    front = places.depth > rules.left_anterior_depth
    names: list[Vessel] = ["RCA", "LM+LAD", "LCX"]
    return np.array(names, np.object_)[np.where(right, 0, np.where(front, 1, 2))]

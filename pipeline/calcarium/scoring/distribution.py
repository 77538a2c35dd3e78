"""How dense the calcium is, and how it is spread over the arteries."""

from __future__ import annotations

from collections.abc import Mapping

from calcarium.scoring.conventions import Convention

REFERENCE_INCREMENT_MM = 3.0
MAIN_VESSELS = ("LM", "LAD", "LCX", "RCA")


def density_score(agatston: float, volume_mm3: float, convention: Convention) -> float | None:
    """Mean weight of the calcified area, 1 to 4: the Agatston score divided by the area.

    As CACSLabeler defines it, from the totals. The area is the volume without the
    slice increment, and the score is taken without its factor of increment / 3 mm.

    Returns
    -------
    ``None`` without calcium, and where the convention's score and volume are not of
    the same voxels or not scaled by the same increment.
    """
    same_voxels = convention.volume_hu is None and convention.slice_factor == "increment"
    if volume_mm3 <= 0 or not same_voxels:
        return None
    return REFERENCE_INCREMENT_MM * agatston / volume_mm3


def max_to_mean(agatston_by_vessel: Mapping[str, float]) -> float | None:
    """Score of the most calcified of the four arteries divided by their mean, 1 to 4.

    As Chen et al. compare them: higher where the calcium is in one artery.

    Returns
    -------
    ``None`` without calcium, and where an artery is not known apart or calcium has
    no artery.
    """
    if any(score > 0 and name not in MAIN_VESSELS for name, score in agatston_by_vessel.items()):
        return None
    scores = [agatston_by_vessel.get(name) for name in MAIN_VESSELS]
    known = [score for score in scores if score is not None]
    if len(known) < len(scores) or sum(known) == 0:
        return None
    return max(known) / (sum(known) / len(known))

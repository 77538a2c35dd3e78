"""Is the patient the right way round? A mirrored scan gives a score that looks plausible."""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np

from calcarium.config.detector_doubt import DoubtRules
from calcarium.regions.anatomy.landmarks import Landmarks
from calcarium.regions.anatomy.thorax import Thorax

Orientation: TypeAlias = Literal["as stated", "mirrored", "upside down", "unknown"]
END_SHARE = 5  # the ends of the lung are a fifth each
SIDE_SHARE = 0.30  # of the chest's depth to either side: liver, or stomach and spleen


def orientation_of(landmarks: Landmarks, rules: DoubtRules) -> Orientation:
    """What liver and aorta say about the orientation that the header states.

    Below the heart there is more soft tissue between the lungs than above it. The liver
    lies on the right and reaches higher than stomach and spleen; the descending aorta runs
    left of the spine.
    """
    thorax = landmarks.thorax
    if _denser_below(thorax) < -rules.upside_down_share:
        return "upside down"
    liver = _liver_side(thorax)
    aorta = landmarks.aorta.left_over_right
    as_stated = liver > rules.liver_ratio or aorta > rules.aorta_side
    mirrored = liver < 1 / rules.liver_ratio or aorta < -rules.aorta_side
    if as_stated == mirrored:
        return "unknown"
    return "mirrored" if mirrored else "as stated"


def _denser_below(thorax: Thorax) -> float:
    """Share of soft tissue in the lungs' hull: lowest fifth less highest fifth."""
    lungs = thorax.lungs
    slices = np.flatnonzero(lungs.with_lung)
    soft = (lungs.hull & ~lungs.mask & thorax.body).sum(axis=(1, 2))[slices]
    share = soft / np.maximum(lungs.hull.sum(axis=(1, 2))[slices], 1)
    count = max(1, len(slices) // END_SHARE)
    return float(share[-count:].mean() - share[:count].mean())


def _liver_side(thorax: Thorax) -> float:
    """Soft tissue on the right over that on the left, in the lowest fifth of the lungs."""
    slices = np.flatnonzero(thorax.lungs.with_lung)
    low = slices[-max(1, len(slices) // END_SHARE) :]
    rows = thorax.rows
    zone = thorax.inside[low] & ~thorax.lungs.mask[low] & (thorax.grid.hu[low] > -20)
    zone &= rows > thorax.front_row[low, None, None]
    zone &= rows < thorax.spine.front_row[low, None, None]
    aside = SIDE_SHARE * thorax.depth_mm
    right, left = zone & (thorax.left_mm < -aside), zone & (thorax.left_mm > aside)
    return float((right.sum() + 1) / (left.sum() + 1))

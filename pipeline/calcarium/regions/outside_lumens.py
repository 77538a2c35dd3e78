"""Candidates of a contrast CT without the wide lumens that they hang together with."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from calcarium.config.detector_evidence import CandidateRules
from calcarium.regions.anatomy.grid import Mask
from calcarium.regions.chambers import Chambers
from calcarium.regions.detector.candidates import Candidates, bright_components
from calcarium.volume.model import Volume
from calcarium.volume.thresholds import stored_threshold


def outside_lumens(
    volume: Volume,
    candidates: Candidates,
    chambers: Chambers,
    limits: CandidateRules,
    stands_out_hu: float,
) -> Candidates:
    """What is left of the candidates outside the wide lumens, taken apart anew.

    A right heart that is brighter than the left, as the bolus leaves it, reaches the threshold,
    and with it what touches it. What is still too large then is its rim, where only what stands
    out of that lumen is calcium.

    Parameters
    ----------
    limits : threshold, least area and greatest volume of a candidate
    stands_out_hu : by so much calcium is brighter than a lumen
    """
    held = chambers.hold(candidates.z, candidates.y, candidates.x)
    if not held.any():
        return candidates
    of_lumen = np.bincount(candidates.owner, held, minlength=len(candidates)) > 0
    left, of_lumen = _apart(volume, candidates, limits, ~held, of_lumen)
    too_large = left.size * volume.geometry.voxel_mm3 > limits.greatest_volume_mm3
    rim = (of_lumen & too_large)[left.owner]
    if not rim.any():
        return left
    stands_out = left.hu >= chambers.nearest_hu(left.z, left.y, left.x) + stands_out_hu
    return _apart(volume, left, limits, stands_out | ~rim, of_lumen)[0]


def _apart(
    volume: Volume, candidates: Candidates, limits: CandidateRules, kept: Mask, marked: Mask
) -> tuple[Candidates, Mask]:
    """The components of some voxels of candidates, and which are of marked candidates."""
    box = candidates.box
    labels = np.zeros(box.shape, dtype=np.uint16)
    z, y, x = (i[kept] for i in (candidates.z, candidates.y, candidates.x))
    labels[z - box.z0, y - box.y0, x - box.x0] = 1 + marked[candidates.owner[kept]]
    threshold = stored_threshold(volume.rescale, Fraction(str(limits.threshold_hu)), inclusive=True)
    left = bright_components(volume, box, labels, threshold)
    left = left.keep(left.size * volume.geometry.pixel_area_mm2 >= limits.least_area_mm2)
    first = left.start[:-1]
    at = left.z[first] - box.z0, left.y[first] - box.y0, left.x[first] - box.x0
    return left, np.asarray(labels[at] == 2, dtype=np.bool_)

"""What lies around a candidate of a contrast CT: blood, a chamber, or no vessel at all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from calcarium.regions.anatomy.grid import Float64, Mask
from calcarium.regions.boxes import widened
from calcarium.regions.chambers import Chambers
from calcarium.regions.detector.candidates import Candidates
from calcarium.volume.model import Volume

# Engineering choices: no source measures what lies around a plaque.
SMOOTH_MM = 0.4
BLUR_MM, NEAR_MM, FAR_MM = 0.7, 1.5, 2.5  # beyond the candidate's own blur; beside; around
MOSTLY = 75  # percentile


@dataclass(frozen=True)
class Beside:
    """One value per candidate; NaN where it was not measured.

    Attributes
    ----------
    mostly_hu : three quarters of what lies beside it is darker
    brightest_hu : the brightest around it
    share_chamber : share of what lies around that is chamber or great vessel
    share_bright : share of it that is more blood or bone than muscle
    """

    mostly_hu: Float64
    brightest_hu: Float64
    share_chamber: Float64
    share_bright: Float64


def look_beside(
    volume: Volume, candidates: Candidates, wanted: Mask, chambers: Chambers, bright_hu: float
) -> Beside:
    """Measure a shell around each wanted candidate.

    Parameters
    ----------
    bright_hu : from here on a voxel is more blood than muscle
    """
    found = np.full((4, len(candidates)), np.nan)
    geometry = volume.geometry
    spacing = geometry.spacing_zyx_mm
    for i in np.flatnonzero(wanted):
        own = slice(candidates.start[i], candidates.start[i + 1])
        places = candidates.z[own], candidates.y[own], candidates.x[own]
        held = tuple(slice(int(p.min()), int(p.max()) + 1) for p in places)
        z, y, x = widened((held[0], held[1], held[2]), FAR_MM, spacing, geometry.shape)
        hu = volume.hu((z, y, x))
        candidate = np.zeros(hu.shape, bool)
        candidate[tuple(p - b.start for p, b in zip(places, (z, y, x), strict=True))] = True
        away = ndimage.distance_transform_edt(~candidate, sampling=spacing)
        smooth = ndimage.gaussian_filter(hu, [SMOOTH_MM / mm for mm in spacing])
        beside = (away >= BLUR_MM) & (away <= NEAR_MM)
        around = (away >= NEAR_MM) & (away <= FAR_MM)
        if beside.any() and around.any():
            k, row, column = np.nonzero(around)
            inside = chambers.hold(k + z.start, row + y.start, column + x.start)
            found[:, i] = (
                np.percentile(smooth[beside], MOSTLY),
                smooth[around].max(),
                inside.mean(),
                (smooth[around] > bright_hu).mean(),
            )
    return Beside(*found)

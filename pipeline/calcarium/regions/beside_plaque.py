"""What lies around a candidate of a contrast CT: blood, a chamber, or no vessel at all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from calcarium.config.contrast import ContrastRules
from calcarium.regions.anatomy.grid import Float64, Mask
from calcarium.regions.blood_pool import BloodPool
from calcarium.regions.boxes import part_of, widened
from calcarium.regions.chambers import Chambers
from calcarium.regions.detector.candidates import Candidates
from calcarium.volume.model import Volume
from calcarium_kernels.contract import Box, Labels

# Engineering choices: no source measures what lies around a plaque.
SMOOTH_MM = 0.4
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
    volume: Volume,
    candidates: Candidates,
    labels: Labels,
    wanted: Mask,
    chambers: Chambers,
    blood: BloodPool,
    rules: ContrastRules,
) -> Beside:
    """Measure a shell around each wanted candidate.

    A neighbour that outshines the candidate, and so is no part of the same lumen, is left out
    with its blur.

    Parameters
    ----------
    labels : the candidates as labels 1 to n in their box
    """
    found = np.full((4, len(candidates)), np.nan)
    spacing = volume.geometry.spacing_zyx_mm
    bright_hu = blood.in_muscle_hu(0.5, rules)
    stands_out_hu = rules.sd_above_blood * blood.sd_hu
    peak_hu = np.append(np.float32(-np.inf), candidates.peak())
    reach_mm = rules.around_mm[1] + rules.beside_mm[0]
    box = candidates.box
    for i, bounds in enumerate(ndimage.find_objects(labels, len(candidates))):
        if not wanted[i]:
            continue
        part = widened(bounds, reach_mm, spacing, box.shape)
        here = labels[part]
        outshines = peak_hu[here] >= peak_hu[i + 1] + stands_out_hu
        found[:, i] = _shell(
            volume, part_of(box, part), here == i + 1, outshines, chambers, bright_hu, rules
        )
    return Beside(*found)


def _shell(
    volume: Volume,
    box: Box,
    candidate: Mask,
    outshines: Mask,
    chambers: Chambers,
    bright_hu: float,
    rules: ContrastRules,
) -> tuple[float, float, float, float]:
    """The values of :class:`Beside` for one candidate of a box; NaN where nothing is left."""
    spacing = volume.geometry.spacing_zyx_mm
    smooth = ndimage.gaussian_filter(volume.hu(box.slices), [SMOOTH_MM / mm for mm in spacing])
    away = ndimage.distance_transform_edt(~candidate, sampling=spacing)
    free = _free_of(outshines, rules.beside_mm[0], spacing)
    beside, around = (
        free & (away >= least) & (away <= most)
        for least, most in (rules.beside_mm, rules.around_mm)
    )
    if not (beside.any() and around.any()):
        return np.nan, np.nan, np.nan, np.nan
    z, y, x = np.nonzero(around)
    return (
        float(np.percentile(smooth[beside], MOSTLY)),
        float(smooth[around].max()),
        float(chambers.hold(z + box.z0, y + box.y0, x + box.x0).mean()),
        float((smooth[around] > bright_hu).mean()),
    )


def _free_of(mask: Mask, blur_mm: float, spacing: tuple[float, float, float]) -> Mask:
    """What is neither in a mask nor within reach of it."""
    if not mask.any():
        return ~mask
    away = ndimage.distance_transform_edt(~mask, sampling=spacing)
    return np.asarray(away >= blur_mm, dtype=np.bool_)

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
from calcarium_kernels.contract import Labels

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
        hu = volume.hu(part_of(box, part).slices)
        smooth = ndimage.gaussian_filter(hu, [SMOOTH_MM / mm for mm in spacing])
        away = ndimage.distance_transform_edt(labels[part] != i + 1, sampling=spacing)
        outshines = peak_hu[labels[part]] >= peak_hu[i + 1] + stands_out_hu
        free = _free_of(outshines, rules.beside_mm[0], spacing)
        beside, around = (
            free & (away >= least) & (away <= most)
            for least, most in (rules.beside_mm, rules.around_mm)
        )
        if beside.any() and around.any():
            k, row, column = np.nonzero(around)
            inside = chambers.hold(
                k + part[0].start + box.z0,
                row + part[1].start + box.y0,
                column + part[2].start + box.x0,
            )
            found[:, i] = (
                np.percentile(smooth[beside], MOSTLY),
                smooth[around].max(),
                inside.mean(),
                (smooth[around] > bright_hu).mean(),
            )
    return Beside(*found)


def _free_of(mask: Mask, blur_mm: float, spacing: tuple[float, float, float]) -> Mask:
    """What is neither in a mask nor within reach of it."""
    if not mask.any():
        return ~mask
    away = ndimage.distance_transform_edt(~mask, sampling=spacing)
    return np.asarray(away >= blur_mm, dtype=np.bool_)

"""Calcium in a contrast CT: what is brighter than the scan's own blood, outside its lumen.

The detector's anatomy and candidates, with a threshold that the blood sets. A few strong
rules take the place of the detector's evidence, whose limits hold at 130 HU alone.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from calcarium.config import Protocol
from calcarium.config.contrast import ContrastRules
from calcarium.config.detector_evidence import CandidateRules
from calcarium.errors import ScanExcluded
from calcarium.quality import QualityRow
from calcarium.regions.anatomy.given import Anatomy
from calcarium.regions.anatomy.grid import Float32, Float64, Grid, Mask, coarse_grid
from calcarium.regions.anatomy.landmarks import find_landmarks
from calcarium.regions.anatomy.noise import noise_hu
from calcarium.regions.blood_pool import BloodPool, find_blood_pool
from calcarium.regions.detector.arteries import artery_of
from calcarium.regions.detector.candidates import Candidates, find_candidates
from calcarium.regions.detector.detect import VESSELS, refuse_no_heart
from calcarium.regions.detector.places import Places, find_places
from calcarium.regions.image_quality import body_quality
from calcarium.regions.model import Label, Region
from calcarium.volume.model import Volume
from calcarium_kernels.contract import Kernels, Labels

MUSCLE_HU = 60.0


def detect_above_blood(
    volume: Volume, protocol: Protocol, kernels: Kernels, anatomy: Anatomy
) -> Region:
    """Label every candidate that is brighter than the blood, accepted or rejected.

    Raises
    ------
    ScanExcluded
        ``no_heart``; ``no_contrast`` if the blood is not bright; ``no_blood_pool`` if it
        cannot be measured
    """
    rules, detector = protocol.contrast, protocol.detector
    landmarks = find_landmarks(volume, detector, kernels, anatomy)
    share = landmarks.thorax.contrast
    if share <= detector.heart.contrast_share:
        raise ScanExcluded("no_contrast", f"{share:.0%} of the soft tissue is above 110 HU")
    refuse_no_heart(landmarks, detector.heart)
    grid, heart = landmarks.thorax.grid, landmarks.heart.mask
    blood = find_blood_pool(volume, grid, landmarks.aorta, rules)
    threshold = blood.threshold_hu(rules)
    above = detector.candidate.model_copy(update={"threshold_hu": float(threshold)})
    candidates = find_candidates(volume, grid, heart, above)
    places = find_places(volume, candidates, landmarks, noise_hu(volume, grid, heart))
    lumen = chambers(grid, coarse_grid(volume, kernels).hu, blood, rules)
    reasons = _rejected_by(candidates, places, _share_in(candidates, grid, lumen), rules, above)
    vessels = artery_of(places, detector.artery)
    meaning = {
        i + 1: Label(vessel, "rejected" if why else "accepted", why)
        for i, (vessel, why) in enumerate(zip(vessels, reasons, strict=True))
    }
    return Region(
        candidates.box,
        _painted_to_edge(candidates, blood, rules),
        meaning,
        "clip",
        "contrast",
        vessels=VESSELS,
        quality=(_blood_quality(blood), *body_quality(volume, landmarks, detector.doubt)),
        threshold_hu=threshold,
    )


def chambers(grid: Grid, hu: Float32, blood: BloodPool, rules: ContrastRules) -> Mask:
    """Bright spheres too wide for a coronary artery, on the grid: chambers, great vessels.

    Parameters
    ----------
    hu : block means with contrast, which ``grid`` has flattened
    """
    bright = hu > (blood.mean_hu + MUSCLE_HU) / 2
    depth = ndimage.distance_transform_edt(bright, sampling=grid.sampling_mm)
    core = depth >= rules.chamber_radius_mm
    if not core.any():
        return np.asarray(core)
    away = ndimage.distance_transform_edt(~core, sampling=grid.sampling_mm)
    return np.asarray(bright & (away < rules.chamber_radius_mm))


def _share_in(candidates: Candidates, grid: Grid, mask: Mask) -> Float64:
    native = (candidates.z, candidates.y, candidates.x)
    z, y, x = (grid.nearest(axis, i.astype(np.intp)) for axis, i in enumerate(native))
    return candidates.mean(mask[z, y, x])


def _rejected_by(
    candidates: Candidates,
    places: Places,
    in_lumen: Float64,
    rules: ContrastRules,
    limits: CandidateRules,
) -> list[str]:
    """The first rule that speaks against each candidate, or nothing."""
    against = {
        "lumen": in_lumen > rules.greatest_share_in_lumen,
        "too_large": places.volume_mm3 > rules.greatest_volume_mm3,
        "single_voxel": candidates.size < 2,
        "aorta": places.outside_aorta_mm < 0,
        "descending_aorta": places.outside_descending_mm < limits.descending_margin_mm,
        "bone": places.bone_mm < limits.least_bone_distance_mm,
        "outside_heart": places.in_region < limits.least_share_accepted,
        "metal": places.peak_hu >= limits.metal_hu,
    }
    names = np.array([*against, ""])
    hit = np.stack([*against.values(), np.ones(len(candidates), bool)])
    return [str(name) for name in names[hit.argmax(axis=0)]]


def _painted_to_edge(candidates: Candidates, blood: BloodPool, rules: ContrastRules) -> Labels:
    """Candidates as labels 1 to n, each down to a share of its height above the blood."""
    peak = candidates.peak()[candidates.owner]
    kept = candidates.hu >= blood.mean_hu + rules.edge_share * (peak - blood.mean_hu)
    box = candidates.box
    labels = np.zeros(box.shape, dtype=np.uint16)
    z, y, x = candidates.z - box.z0, candidates.y - box.y0, candidates.x - box.x0
    labels[z[kept], y[kept], x[kept]] = (candidates.owner[kept] + 1).astype(np.uint16)
    return labels


def _blood_quality(blood: BloodPool) -> QualityRow:
    text = f"SD {blood.sd_hu:.1f} HU of {blood.n_voxels} voxels"
    return QualityRow("blood_pool", "pass", round(blood.mean_hu, 2), text)

"""Calcium in a contrast CT: what is brighter than the scan's own blood, outside its lumen.

The detector's anatomy and candidates, with a threshold that the blood sets. A few strong
rules take the place of the detector's evidence, whose limits hold at 130 HU alone.
"""

from __future__ import annotations

from math import ceil

import numpy as np

from calcarium.config import Protocol
from calcarium.config.contrast import ContrastRules
from calcarium.config.detector_anatomy import HeartRules
from calcarium.config.detector_evidence import CandidateRules, EvidenceRules
from calcarium.errors import ScanExcluded
from calcarium.quality import QualityRow
from calcarium.regions.anatomy.given import Anatomy
from calcarium.regions.anatomy.grid import Mask, coarse_grid
from calcarium.regions.anatomy.landmarks import Landmarks, find_landmarks
from calcarium.regions.anatomy.thorax import CONTRAST_HU
from calcarium.regions.beside_plaque import Beside, look_beside
from calcarium.regions.blood_pool import BloodPool, find_blood_pool
from calcarium.regions.chambers import find_chambers
from calcarium.regions.detector.arteries import artery_of
from calcarium.regions.detector.candidates import Candidates, find_candidates
from calcarium.regions.detector.detect import VESSELS, refuse_no_heart
from calcarium.regions.detector.evidence import (
    Findings,
    aortic_wall,
    embedded,
    lung_base,
    prevertebral,
    valve,
)
from calcarium.regions.detector.exclusions import excluded_by
from calcarium.regions.detector.places import Places, find_places
from calcarium.regions.detector.surroundings import look_around
from calcarium.regions.image_quality import body_quality
from calcarium.regions.model import LabelColumns, Meaning, Region, Words
from calcarium.regions.outside_lumens import outside_lumens
from calcarium.regions.plaque_edge import painted_to_edge
from calcarium.volume.model import Volume
from calcarium_kernels.contract import Kernels, Labels


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
    _refuse_no_contrast(landmarks, detector.heart)
    refuse_no_heart(landmarks, detector.heart)
    grid, heart = landmarks.thorax.grid, landmarks.heart.mask
    blood = find_blood_pool(volume, grid, landmarks.aorta, rules)
    threshold = blood.threshold_hu(rules)
    above = _limits(detector.candidate, rules, threshold)
    chambers = find_chambers(coarse_grid(volume, kernels), blood, rules)
    every = find_candidates(volume, grid, heart, above)
    stands_out_hu = rules.sd_above_blood * blood.sd_hu
    candidates = outside_lumens(volume, every, chambers, above, stands_out_hu)
    not_asked_hu = np.full(volume.geometry.shape[0], np.nan)  # no rule here reads the noise
    places = find_places(volume, candidates, landmarks, not_asked_hu)
    excluded = excluded_by(places, above)
    open_question = excluded == ""
    labels = numbered(candidates)
    beside = look_beside(volume, candidates, labels, open_question, chambers, blood, rules)
    around = look_around(volume, candidates, places, open_question, landmarks.heart.blood_hu)
    elsewhere = _elsewhere(Findings(places, around), detector.evidence, rules)
    rejected = _rejected_by(
        places, beside, blood, rules, excluded, _behind_aorta(places, landmarks), elsewhere
    )
    calcium = rejected == ""
    return Region(
        candidates.box,
        painted_to_edge(volume, candidates.box, labels, calcium, blood, rules),
        _meaning(places, beside, rejected, artery_of(places, detector.artery)),
        "clip",
        "contrast",
        vessels=VESSELS,
        quality=(_blood_quality(blood), *body_quality(volume, landmarks, detector.doubt)),
        threshold_hu=threshold,
        floor_hu=ceil(rules.floor_hu),
    )


def _refuse_no_contrast(landmarks: Landmarks, rules: HeartRules) -> None:
    share = landmarks.thorax.contrast
    if share <= rules.contrast_share:
        raise ScanExcluded(
            "no_contrast", f"{share:.0%} of the soft tissue is above {CONTRAST_HU:.0f} HU"
        )


def _limits(usual: CandidateRules, rules: ContrastRules, threshold_hu: int) -> CandidateRules:
    """The detector's limits of a candidate, with those that contrast changes."""
    return usual.model_copy(
        update={
            "threshold_hu": float(threshold_hu),
            "greatest_volume_mm3": rules.greatest_volume_mm3,
            "greatest_above_root_mm": rules.greatest_above_root_mm,
        }
    )


def _behind_aorta(places: Places, landmarks: Landmarks) -> Mask:
    """Behind the middle of the descending aorta: spine, whose bone blood outshines."""
    k, row, _ = landmarks.thorax.grid.from_native(places.z, places.y, places.x)
    circle = landmarks.aorta.descending.at(k, beyond=np.inf)
    return np.asarray(circle.known & (row > circle.row), dtype=np.bool_)


def _elsewhere(found: Findings, evidence: EvidenceRules, rules: ContrastRules) -> dict[str, Mask]:
    """Where the detector's own evidence of another place speaks clearly, by the place.

    These terms read where a candidate lies and the fat around it, and keep their meaning with
    contrast: they leave out what is brighter than 110 HU. Before the spine lies the circumflex
    artery too, but no higher than the root, where it begins.
    """
    highest_mm = rules.wall_above_root_mm
    logit = {
        "valve": valve(found, evidence) + embedded(found, evidence),
        "aortic_wall": aortic_wall(found, evidence),
        "lung_base": lung_base(found, evidence),
        "prevertebral": prevertebral(found, evidence) * (found.place.above_root_mm > highest_mm),
    }
    return {name: np.asarray(sum_ <= rules.elsewhere_logit) for name, sum_ in logit.items()}


def _rejected_by(
    places: Places,
    beside: Beside,
    blood: BloodPool,
    rules: ContrastRules,
    excluded: Words,
    behind_aorta: Mask,
    elsewhere: dict[str, Mask],
) -> Words:
    """The first rule that speaks against each candidate, or nothing."""
    ascending = places.beside_aorta & (places.above_root_mm > rules.wall_above_root_mm)
    stands_out_hu = rules.sd_above_blood * blood.sd_hu
    mostly_bright = beside.share_bright > rules.greatest_share_bright
    against = {
        "spine": behind_aorta,
        "aorta": places.outside_aorta_mm < np.where(ascending, rules.wall_margin_mm, 0),
        "lumen": (places.peak_hu < beside.mostly_hu + stands_out_hu)
        | (beside.share_bright - beside.share_chamber > rules.greatest_share_bright)
        | (mostly_bright & (places.peak_hu < beside.brightest_hu + stands_out_hu)),
        "chamber_wall": beside.share_chamber > rules.greatest_share_chamber,
        "no_artery": beside.brightest_hu < blood.in_muscle_hu(rules.least_vessel_share, rules),
        **elsewhere,
    }
    found = excluded
    for name, hit in against.items():
        found = np.where((found == "") & hit, name, found)
    return found


def numbered(candidates: Candidates) -> Labels:
    """Candidates as labels 1 to n in their box."""
    box = candidates.box
    labels = np.zeros(box.shape, dtype=np.uint16)
    z, y, x = candidates.z - box.z0, candidates.y - box.y0, candidates.x - box.x0
    labels[z, y, x] = candidates.label
    return labels


def _meaning(places: Places, beside: Beside, rejected: Words, vessels: Words) -> Meaning:
    features = {
        "above_threshold_mm3": places.volume_mm3,
        "outside_aorta_mm": places.outside_aorta_mm,
        "mostly_beside_hu": beside.mostly_hu,
        "brightest_around_hu": beside.brightest_hu,
        "share_chamber_around": beside.share_chamber,
        "share_bright_around": beside.share_bright,
    }
    labels = LabelColumns(
        vessels,
        np.where(rejected == "", "accepted", "rejected").astype(np.object_),
        rejected,
        np.full(len(places), np.nan),
        tuple(features),
        np.array([*features.values()], dtype=np.float64),
    )
    return Meaning(np.arange(1, 1 + len(labels)), labels)


def _blood_quality(blood: BloodPool) -> QualityRow:
    text = f"SD {blood.sd_hu:.1f} HU of {blood.n_voxels} voxels"
    return QualityRow("blood_pool", "pass", round(blood.mean_hu, 2), text)

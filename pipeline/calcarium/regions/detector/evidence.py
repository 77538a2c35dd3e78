"""What speaks for and against a candidate, as named terms of one logit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from calcarium.config.detector_evidence import EvidenceRules, Ramp
from calcarium.regions.anatomy.grid import Float64
from calcarium.regions.detector.beside_aorta import FAR_MM
from calcarium.regions.detector.places import LEAST_NOISE_HU, Places
from calcarium.regions.detector.surroundings import Surroundings
from calcarium.regions.model import Words, words


@dataclass(frozen=True)
class Findings:
    """What is known of the candidates."""

    place: Places
    around: Surroundings


Term = Callable[[Findings, EvidenceRules], Float64]
TYPICAL_FAT = 0.08
TYPICAL_MM3, DECADES, THIN_SLICE_MM = 8.0, (-1.0, 0.4), 3.0  # engineering choices
# Blood at 45 HU, fat at -100, of which 7 % more or less make 10 HU; engineering choices.
BLOOD_OVER_FAT_HU, MOST_FAT, MEAN_SD_HU = 145.0, 0.6, 10.0


def ramp(value: Float64, limits: Ramp) -> Float64:
    """0 at the first limit, 1 at the second, linear between, whichever is the larger."""
    return np.minimum(np.maximum((value - limits[0]) / (limits[1] - limits[0]), 0.0), 1.0)


def fat(f: Findings, r: EvidenceRules) -> Float64:
    """Coronary arteries run in fat."""
    return r.fat_weight * (np.clip(f.around.fat, *r.fat_range) - TYPICAL_FAT)


def noise(f: Findings, r: EvidenceRules) -> Float64:
    """Faint and small spots are noise.

    Noise stands on the mean of blood, which an artery holds, and the fat around it, whose share
    at the spot itself is not known exactly. A thick slice has no larger spots of noise than one
    of 3 mm.
    """
    over_blood_hu = f.place.peak_over_blood_sd * np.maximum(f.place.noise_hu, LEAST_NOISE_HU)
    blood_over_mean_hu = np.clip(f.around.fat, 0, MOST_FAT) * BLOOD_OVER_FAT_HU
    over_sd = (over_blood_hu + blood_over_mean_hu) / np.hypot(f.place.noise_hu, MEAN_SD_HU)
    mm3 = np.minimum(f.place.volume_mm3, f.place.area_mm2 * THIN_SLICE_MM)
    decades = np.clip(np.log10(np.maximum(mm3, 1e-3) / TYPICAL_MM3), *DECADES)
    weight = r.noise_per_sd * (over_sd - r.noise_sd) + r.noise_per_decade * decades
    return np.asarray(np.clip(weight, *r.noise_range))


def prevertebral(f: Findings, r: EvidenceRules) -> Float64:
    """Oesophagus, lymph nodes and aorta lie just before the spine."""
    near = ramp(f.place.depth, r.prevertebral_depth)
    left_mm = f.place.left_mm
    beside = np.where(
        left_mm > 0, ramp(left_mm, r.prevertebral_left_mm), ramp(-left_mm, r.prevertebral_right_mm)
    )
    return np.asarray(-r.prevertebral_weight * near * beside)


def right_hilum(f: Findings, r: EvidenceRules) -> Float64:
    """Pulmonary veins and nodes lie behind the right atrium."""
    right = ramp(f.place.left_mm, r.right_hilum_left_mm)
    return -r.right_hilum_weight * right * ramp(f.place.depth, r.right_hilum_depth)


def near_bone(f: Findings, r: EvidenceRules) -> Float64:
    """Ribs and cartilage reach in further than they look."""
    return -r.bone_weight * ramp(f.place.bone_mm, r.bone_mm)


def near_bronchi(f: Findings, r: EvidenceRules) -> Float64:
    """The left main lies 14 mm or more below the main bronchi."""
    return -r.bronchi_weight * ramp(f.place.below_bronchi_mm, r.bronchi_mm)


def lung_border(f: Findings, r: EvidenceRules) -> Float64:
    """The hilum, with no fat towards the heart; anywhere, a lung vessel or a border that moved.

    Far below the bronchi, if they were seen, lies no hilum but where little muscle is around.
    """
    near = ramp(f.place.lung_mm, r.lung_mm) * ramp(f.around.fat_to_heart, r.lung_fat)
    hilum = near * ramp(f.place.depth, r.lung_depth)
    level = ramp(f.place.below_bronchi_mm, r.lung_level_mm)
    hilum *= np.maximum(
        np.where(f.place.below_bronchi_mm == FAR_MM, 1.0, level),
        ramp(f.place.muscle_share, r.lung_muscle_share),
    )
    return -r.lung_weight * np.maximum(hilum, ramp(f.around.lung_share, r.lung_share))


def valve(f: Findings, r: EvidenceRules) -> Float64:
    """Deep in the heart, no fat near, and not at its underside: a valve or its ring."""
    deep = ramp(f.place.lung_mm, r.valve_lung_mm) * ramp(f.around.fat, r.valve_fat)
    return -r.valve_weight * deep * ramp(f.place.above_bottom_mm, r.valve_above_bottom_mm)


def embedded(f: Findings, r: EvidenceRules) -> Float64:
    """In the muscle, with no fat towards the heart's middle: the mitral ring.

    Arteries lie on the muscle, in fat; only at the underside do they run as deep.
    """
    left_behind = ramp(f.place.depth, r.ring_depth) * ramp(f.place.left_mm, r.ring_left_mm)
    lean = np.maximum(
        ramp(f.around.fat, r.embedded_fat), left_behind * ramp(f.around.fat, r.ring_fat)
    )
    muscle = lean * ramp(f.around.fat_to_heart, r.embedded_fat_to_heart)
    deep = ramp(f.place.lung_mm, r.embedded_lung_mm)
    above = ramp(f.place.above_bottom_mm, r.valve_above_bottom_mm)
    return -r.embedded_weight * muscle * deep * above


def circle_trust(p: Places, r: EvidenceRules) -> Float64:
    """How far the circle of the aorta is believed.

    Fully where the ascending aorta was followed, and just below for calcium as thin as a wall,
    which dims the circle at its level. Further down the root is as sure as it looks.
    """
    thin = 1 - ramp(p.across_wall_mm, r.aorta_depth_mm)
    below = np.nan_to_num(ramp(p.above_root_mm, r.aorta_root_mm)) * thin
    return np.maximum(ramp(p.aorta_support, r.aorta_support), np.maximum(p.beside_aorta, below))


def aortic_wall(f: Findings, r: EvidenceRules) -> Float64:
    """At the aortic wall, with no fat, or much less, between it and the aorta's axis.

    What is deeper than a wall leaves it, where an artery can: an ostium.
    """
    inside = np.maximum(-f.place.outside_aorta_mm, 0)
    artery = np.maximum(r.aorta_fat, r.aorta_fat_share * f.around.fat)
    fat_beyond = f.around.fat_to_aorta - artery - r.aorta_fat_per_mm * inside
    at_wall = ramp(f.place.outside_aorta_mm, r.aorta_mm) * circle_trust(f.place, r)
    deep = ramp(f.place.across_wall_mm, r.aorta_depth_mm) * ramp(inside, r.aorta_inside_mm)
    leaves = deep * (1 - no_ostium(f.place, r))
    return -r.aorta_weight * at_wall * ramp(fat_beyond, r.aorta_fat_margin) * (1 - leaves)


def no_ostium(p: Places, r: EvidenceRules) -> Float64:
    """Where no artery leaves the aorta: on its right and behind, or above the root."""
    degrees = np.degrees(np.arctan2(-p.left_of_aorta_mm, p.behind_aorta_mm)) % 360
    right = ramp(degrees, r.side_from_deg) * ramp(degrees, r.side_to_deg)
    return np.nan_to_num(np.maximum(right, ramp(p.above_root_mm, r.wall_above_root_mm)))


def far_from_ostia(f: Findings, r: EvidenceRules) -> Float64:
    """At the aorta, but where no artery leaves it."""
    near = ramp(f.place.outside_aorta_mm, r.side_mm) * circle_trust(f.place, r)
    weight: Float64 = -r.side_weight * near * no_ostium(f.place, r)
    return weight


def lung_base(f: Findings, r: EvidenceRules) -> Float64:
    """Bowel, stomach or liver edge at the lung base."""
    low = ramp(f.place.above_bottom_mm, r.base_above_bottom_mm) * ramp(f.around.fat, r.base_fat)
    return -r.base_weight * low * ramp(f.place.lung_mm, r.base_lung_mm)


def below_heart(f: Findings, r: EvidenceRules) -> Float64:
    """Within the margin below the heart's underside."""
    return -r.below_weight * ramp(f.place.above_bottom_mm, r.below_mm)


TERMS: tuple[Term, ...] = (
    fat,
    noise,
    prevertebral,
    right_hilum,
    near_bone,
    near_bronchi,
    lung_border,
    valve,
    embedded,
    aortic_wall,
    far_from_ostia,
    lung_base,
    below_heart,
)


def weigh(findings: Findings, rules: EvidenceRules) -> tuple[Float64, Words]:
    """Confidence that each candidate is coronary, and the term that speaks most against it."""
    terms = np.array([term(findings, rules) for term in TERMS])
    logit = np.clip(rules.offset + terms.sum(axis=0), -30, 30)
    worst = words(term.__name__ for term in TERMS)[terms.argmin(axis=0)]
    return 1 / (1 + np.exp(-logit)), worst

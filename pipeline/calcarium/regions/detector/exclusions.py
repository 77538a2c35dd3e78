"""Places and looks that no coronary calcium has: each excludes a candidate outright."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from calcarium.config.detector_evidence import CandidateRules
from calcarium.regions.anatomy.grid import Mask
from calcarium.regions.detector.places import Places
from calcarium.regions.model import Words

Exclusion = Callable[[Places, CandidateRules], Mask]
SPINE_HALF_WIDTH_MM, BESIDE_SPINE_MM = 32.0, 12.0


def outside_heart(p: Places, r: CandidateRules) -> Mask:
    """No coronary artery leaves the pericardium."""
    return p.in_region < r.least_share_accepted


def image_rim(p: Places, r: CandidateRules) -> Mask:
    """Cut by the image: a rib or the skin."""
    return p.at_rim > r.greatest_share_at_rim


def too_large(p: Places, r: CandidateRules) -> Mask:
    """Bone, or contrast."""
    return p.volume_mm3 > r.greatest_volume_mm3


def metal(p: Places, r: CandidateRules) -> Mask:
    """Stents, clips, leads and valves are brighter than calcium."""
    return p.peak_hu >= r.metal_hu


def chest_wall_bone(p: Places, r: CandidateRules) -> Mask:
    """At bone or cartilage of the chest wall."""
    return p.bone_mm < r.least_bone_distance_mm


def front_wall(p: Places, r: CandidateRules) -> Mask:
    """In the front wall of the chest."""
    return p.behind_wall_mm < r.least_wall_distance_mm


def descending_aorta(p: Places, r: CandidateRules) -> Mask:
    """In the wall of the descending aorta."""
    return p.outside_descending_mm < r.descending_margin_mm


def spine(p: Places, r: CandidateRules) -> Mask:
    """At or behind the front of the vertebrae."""
    in_front = np.where(
        np.abs(p.left_mm) < SPINE_HALF_WIDTH_MM, r.least_spine_distance_mm, -BESIDE_SPINE_MM
    )
    return p.before_spine_mm < in_front


def main_bronchi(p: Places, r: CandidateRules) -> Mask:
    """As high as the main bronchi: a lymph node or a great vessel."""
    return p.below_bronchi_mm < r.least_below_bronchi_mm


def vena_cava(p: Places, r: CandidateRules) -> Mask:
    """Right of and behind the ascending aorta, well above the root."""
    beside = p.beside_aorta & (p.above_root_mm > r.vena_cava_above_root_mm)
    return beside & (p.left_of_aorta_mm < 0) & (p.behind_aorta_mm > 0)


def above_root(p: Places, r: CandidateRules) -> Mask:
    """Higher than any coronary ostium, at a level where the ascending aorta itself was seen.

    A track that is short may lie too low, and says nothing of what is above it.
    """
    return p.beside_aorta & (p.above_root_mm > r.greatest_above_root_mm)


EXCLUSIONS: tuple[Exclusion, ...] = (
    outside_heart,
    image_rim,
    too_large,
    metal,
    chest_wall_bone,
    front_wall,
    descending_aorta,
    spine,
    main_bronchi,
    vena_cava,
    above_root,
)


def excluded_by(places: Places, rules: CandidateRules) -> Words:
    """Name of the first exclusion that applies to each candidate, or an empty string."""
    names = np.full(len(places), "", dtype=np.object_)
    for rule in reversed(EXCLUSIONS):
        names[rule(places, rules)] = rule.__name__
    return names

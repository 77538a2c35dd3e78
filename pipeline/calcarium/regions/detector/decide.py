"""From measurements to a standing with its reason, for every candidate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import KDTree

from calcarium.config.detector import DetectorRules
from calcarium.config.detector_standing import StandingRules
from calcarium.regions.anatomy.grid import Float64, Mask
from calcarium.regions.anatomy.landmarks import Landmarks
from calcarium.regions.detector.candidates import Candidates
from calcarium.regions.detector.evidence import Findings, aortic_wall, noise, ramp, weigh
from calcarium.regions.detector.exclusions import excluded_by
from calcarium.regions.detector.places import Places
from calcarium.regions.detector.surroundings import Surroundings, look_around
from calcarium.regions.model import Standing, Words
from calcarium.volume.model import Volume

STEPS: tuple[Standing, ...] = ("rejected", "possible", "doubtful", "accepted")
DOUBTFUL = STEPS.index("doubtful")
NOISE = noise.__name__  # the reason against what were possible if it could not be noise


@dataclass(frozen=True)
class Verdicts:
    """One per candidate.

    Attributes
    ----------
    confidence : that it is coronary calcium; 0 where it was excluded
    standing : what that makes of it
    rejected_by : the exclusion, or the evidence that spoke most against it
    """

    confidence: Float64
    standing: Words
    rejected_by: Words


def judge(
    volume: Volume,
    candidates: Candidates,
    places: Places,
    landmarks: Landmarks,
    rules: DetectorRules,
) -> tuple[Surroundings, Verdicts]:
    """Weigh every candidate; look around those that the best surroundings could save."""
    wanted = worth_a_look(places, rules)
    around = look_around(volume, candidates, places, wanted, landmarks.heart.blood_hu)
    return around, verdicts(places, around, rules)


def worth_a_look(places: Places, rules: DetectorRules) -> Mask:
    """Candidates that are not excluded and that the best surroundings could save."""
    allowed = excluded_by(places, rules.candidate) == ""
    at_best, _ = weigh(Findings(places, Surroundings.best_case(len(places))), rules.evidence)
    return np.asarray((at_best > rules.standing.possible / 2) & allowed)


def same_are_worth_a_look(one: DetectorRules, other: DetectorRules) -> bool:
    """Whether two sets of rules look around the same candidates of any scan."""
    return (one.candidate, one.evidence, one.standing.possible) == (
        other.candidate,
        other.evidence,
        other.standing.possible,
    )


def verdicts(places: Places, around: Surroundings, rules: DetectorRules) -> Verdicts:
    """Verdict on each candidate by what was measured on it, and nothing else."""
    found, standing = Findings(places, around), rules.standing
    excluded = excluded_by(places, rules.candidate)
    confidence, worst = weigh(found, rules.evidence)
    confidence = capped(np.where(excluded == "", confidence, 0.0), places, around, standing)
    ostium = np.where(excluded == "", in_an_ostium(places, rules), 0.0)
    faint = (noise(found, rules.evidence) < standing.noise_evidence) & (ostium == 0)
    confidence = capped(in_company(confidence, faint, places, standing), places, around, standing)
    unhidden = (ostium > 0) & (worst == NOISE)  # heavy: it is no noise
    only_noise = faint & (confidence >= standing.possible)
    only_noise &= confidence < standing.possible_in_noise
    worst = np.where(only_noise, NOISE, np.where(unhidden, aortic_wall.__name__, worst))
    reasons = np.where(excluded == "", worst, excluded)
    return decide(np.maximum(confidence, ostium), reasons, places.agatston, standing)


def decide(
    confidence: Float64, reasons: Words, agatston: Float64, rules: StandingRules
) -> Verdicts:
    """Turn confidences into standings; ``reasons`` are given to what does not count.

    What may be noise is possible only from a confidence that noise does not reach. Doubtful
    candidates that stand alone and weigh little do not make a zero positive: they stay at the
    upper end of the score.
    """
    limits = np.array([rules.possible, rules.doubtful, rules.accepted])
    step = np.searchsorted(limits, confidence, side="right")
    step[(reasons == NOISE) & (confidence < rules.possible_in_noise)] = 0
    doubtful = step == DOUBTFUL
    alone = not (step > DOUBTFUL).any() and agatston[doubtful].sum() < rules.lone_agatston
    if alone:
        step[doubtful] = DOUBTFUL - 1
        reasons = np.where(doubtful, "stands_alone", reasons)
    rejected_by = np.where(step >= DOUBTFUL, "", reasons)
    return Verdicts(confidence, np.array(STEPS, np.object_)[step], rejected_by)


def capped(
    confidence: Float64, places: Places, around: Surroundings, rules: StandingRules
) -> Float64:
    """No certainty where the decisive cue is missing.

    Without fat around it a lesion need not be in an artery. A deep one with little fat may
    be in the wall of an aorta, or of a root, that was not well seen. One with little muscle
    around it lies in no groove, and may be in the pericardium.
    """
    lean = rules.lean_cap + (1 - rules.lean_cap) * ramp(around.fat, rules.lean_fat)
    deep = (places.lung_mm > rules.unseen_aorta_lung_mm) & (around.fat < rules.unseen_aorta_fat)
    in_root = ~places.beside_aorta & (places.outside_aorta_mm < 0)
    unseen = deep & (np.isnan(places.above_root_mm) | in_root)
    adrift = 1 - (1 - rules.adrift_cap) * ramp(in_groove(places, rules), rules.adrift_muscle_share)
    most = np.minimum(lean, adrift)
    return np.minimum(confidence, np.where(unseen, np.minimum(most, rules.unseen_aorta_cap), most))


def in_groove(places: Places, rules: StandingRules) -> Float64:
    """Share of muscle and blood around, less so much as the pericardium has near the lung.

    There it lies close to the muscle. An artery that is as near to the lung runs over a lean
    heart, in a groove with muscle on both sides.
    """
    at_lung = ramp(places.lung_mm, rules.adrift_lung_mm)
    return np.asarray(places.muscle_share - rules.adrift_at_lung * at_lung)


def in_company(confidence: Float64, faint: Mask, places: Places, rules: StandingRules) -> Float64:
    """What may be noise, but is possible, is likelier near accepted calcium.

    Arteries calcify in stretches. Of calcium that is surely some the place decides alone.
    """
    accepted = confidence >= rules.accepted
    asked = np.flatnonzero(faint & (confidence >= rules.possible_in_noise) & ~accepted)
    if not accepted.any() or not asked.size:
        return confidence
    at_mm = np.stack([places.left_mm, places.before_spine_mm, places.above_bottom_mm], axis=1)
    away_mm, _ = KDTree(at_mm[accepted]).query(at_mm[asked])
    alone = confidence[asked]
    odds = alone / (1 - alone) * np.exp(rules.company_logit * ramp(away_mm, rules.company_mm))
    lent = np.minimum(odds / (1 + odds), rules.company_cap)
    likelier = confidence.copy()
    likelier[asked] = np.maximum(alone, lent)
    return likelier


def in_an_ostium(places: Places, rules: DetectorRules) -> Float64:
    """Least confidence: heavy calcium at the aorta, deeper than its wall, is at least possible.

    Nothing else tells the calcified ostium of a coronary artery from the wall around it where
    slices are thick.
    """
    outside, evidence = places.outside_aorta_mm, rules.evidence
    at_wall = (outside > -evidence.aorta_inside_mm[0]) & (outside < evidence.aorta_mm[0])
    deep = places.across_wall_mm > evidence.aorta_depth_mm[0]
    heavy = places.agatston >= rules.standing.lone_agatston
    return np.where(at_wall & deep & heavy, rules.standing.possible, 0.0)

"""The embedded detector: coronary calcium in a scan without contrast, and how sure it is.

No network and nothing to download. In order: a 3 mm grid, the chest, how far the
heart reaches, the aorta, the heart; then, at full resolution and inside the heart's
box only, every bright component with its place and surroundings, and a verdict on
each. `docs/detection.md` says how well this works and what it must not be trusted for.
"""

from __future__ import annotations

from calcarium.config.detector import DetectorRules
from calcarium.config.detector_anatomy import HeartRules
from calcarium.errors import ScanExcluded
from calcarium.regions.anatomy.given import Anatomy
from calcarium.regions.anatomy.landmarks import Landmarks, find_landmarks
from calcarium.regions.anatomy.noise import measure_noise
from calcarium.regions.contrast_share import refuse_contrast
from calcarium.regions.detector.arteries import artery_of
from calcarium.regions.detector.candidates import find_candidates, painted
from calcarium.regions.detector.decide import judge
from calcarium.regions.detector.doubts import find_doubts, thick_slices
from calcarium.regions.detector.features import features_of, labels_of
from calcarium.regions.detector.places import find_places
from calcarium.regions.image_quality import image_quality
from calcarium.regions.model import Region, Vessel
from calcarium.volume.model import Volume
from calcarium_kernels.contract import Kernels

VESSELS: tuple[Vessel, ...] = ("LM+LAD", "LCX", "RCA")  # told apart; without calcium they score 0


def detect(
    volume: Volume, rules: DetectorRules, kernels: Kernels, *, anatomy: Anatomy | None = None
) -> Region:
    """Label every candidate of a scan, accepted or rejected.

    Parameters
    ----------
    volume : the scan
    rules : thresholds
    kernels : a backend; the decisions do not depend on which
    anatomy : masks that replace the detector's own heart or aorta

    Raises
    ------
    ScanExcluded
        ``no_heart`` if no heart is in view; ``contrast`` if the blood holds contrast
    """
    landmarks = find_landmarks(volume, rules, kernels, anatomy or Anatomy())
    refuse_unscorable(landmarks, rules.heart)
    grid, heart = landmarks.thorax.grid, landmarks.heart.mask
    noise = measure_noise(volume, grid, heart)
    candidates = find_candidates(volume, grid, heart, rules.candidate)
    places = find_places(volume, candidates, landmarks, noise.hu)
    around, verdicts = judge(volume, candidates, places, landmarks, rules)
    vessels = artery_of(places, rules.artery)
    return Region(
        *painted(candidates),
        labels_of(features_of(places, around), verdicts, vessels),
        "clip",
        "detector",
        vessels=VESSELS,
        quality=(
            *find_doubts(landmarks, noise, places, around, verdicts, rules),
            thick_slices(volume.geometry.slice_increment_mm, rules.doubt),
            *image_quality(volume, landmarks, rules.doubt),
        ),
    )


def refuse_unscorable(landmarks: Landmarks, rules: HeartRules) -> None:
    """Refuse a scan with contrast in the blood, or without a heart."""
    refuse_contrast(landmarks.thorax.contrast, rules)
    refuse_no_heart(landmarks, rules)


def refuse_no_heart(landmarks: Landmarks, rules: HeartRules) -> None:
    """Refuse a scan without a heart."""
    heart = landmarks.heart
    found = heart.ml >= rules.least_ml and heart.height_mm >= rules.least_height_mm
    if not found or heart.lung_area_cm2 < rules.least_lung_cm2:
        raise ScanExcluded(
            "no_heart",
            f"{heart.ml:.0f} ml over {heart.height_mm:.0f} mm, "
            f"{heart.lung_area_cm2:.0f} cm2 of lung beside it",
        )

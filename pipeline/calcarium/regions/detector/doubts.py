"""The detector's own doubts, as quality rows."""

from __future__ import annotations

import numpy as np

from calcarium.config.detector import DetectorRules
from calcarium.config.detector_doubt import DoubtRules
from calcarium.quality import QualityRow, Status
from calcarium.regions.anatomy.grid import Float64, Mask
from calcarium.regions.anatomy.landmarks import Landmarks
from calcarium.regions.anatomy.noise import Noise
from calcarium.regions.anatomy.orientation import orientation_of
from calcarium.regions.detector.decide import Verdicts, in_groove
from calcarium.regions.detector.places import Places
from calcarium.regions.detector.surroundings import Surroundings
from calcarium.regions.model import COUNTED

CATEGORY_LIMITS = (0.5, 10.5, 100.5, 400.5)  # five classes (Rumberger 1999) of rounded scores


def find_doubts(
    landmarks: Landmarks,
    noise: Noise,
    places: Places,
    around: Surroundings,
    verdicts: Verdicts,
    rules: DetectorRules,
) -> tuple[QualityRow, ...]:
    """One row per check, those that pass included."""
    return (
        *anatomy_doubts(landmarks, noise, rules.doubt),
        *doubts_of_verdicts(places, around, verdicts, rules),
    )


def anatomy_doubts(landmarks: Landmarks, noise: Noise, rules: DoubtRules) -> tuple[QualityRow, ...]:
    """The checks that need no candidate."""
    heart, thorax, aorta = landmarks.heart, landmarks.thorax, landmarks.aorta
    level, where = noise.median_hu, _cut(landmarks, rules)
    turned = orientation_of(landmarks, rules)
    return (
        _row("heart_volume", rules.heart_ml[0] <= heart.ml <= rules.heart_ml[1], heart.ml),
        _row("heart_cut", not where, text=" and ".join(where)),
        QualityRow("aorta_seen", "pass" if aorta.is_sure else "unknown", aorta.ascending.total),
        _row("spine_seen", thorax.spine.bone > 0, thorax.spine.bone),
        QualityRow("image_noise", "unknown")
        if level is None
        else _row("image_noise", level <= rules.noise_hu, level),
        _row("blood_contrast", thorax.contrast <= rules.contrast_share, thorax.contrast),
        QualityRow("patient_orientation", _ORIENTATION[turned], text=turned),
    )


def thick_slices(slice_increment_mm: float, rules: DoubtRules) -> QualityRow:
    """Whether slices are thin enough to show the fat around an artery."""
    thin = slice_increment_mm <= rules.greatest_increment_mm
    return _row("thick_slices", thin, slice_increment_mm)


def doubts_of_verdicts(
    places: Places, around: Surroundings, verdicts: Verdicts, rules: DetectorRules
) -> tuple[QualityRow, ...]:
    """The checks that hang on the verdicts and on nothing else but measurements."""
    metal = int((verdicts.rejected_by == "metal").sum())
    off_grooves = in_groove(places, rules.standing) < rules.doubt.groove_muscle_share
    off_arteries = off_grooves | (around.fat > rules.doubt.greatest_fat)
    return (
        _row("metal", metal == 0, float(metal)),
        _hangs_on("aortic_wall", at_aorta(places, rules), places, verdicts, rules.doubt),
        _hangs_on("pericardium", off_arteries, places, verdicts, rules.doubt),
        _certainty(places.agatston, verdicts, rules.doubt),
    )


_ORIENTATION: dict[str, Status] = {
    "as stated": "pass",
    "unknown": "unknown",
    "mirrored": "fail",
    "upside down": "fail",
}


def _row(check: str, good: bool, value: float | None = None, text: str = "") -> QualityRow:
    return QualityRow(check, "pass" if good else "warn", value, text)


def _cut(landmarks: Landmarks, rules: DoubtRules) -> list[str]:
    """Sides at which the scan or the field of view ends inside the heart.

    The region is wider than the heart, so a side is cut only where the chambers themselves
    reach the border: arteries lie on them. Above the highest artery there are great vessels
    alone, which are narrower than the heart. The heart ends on the liver; below its dome the
    liver would pass for a chamber.
    """
    heart, extent, grid = landmarks.heart, landmarks.extent, landmarks.thorax.grid
    mask = heart.mask
    dome = len(mask) if extent.liver_dome is None else extent.liver_dome
    least = rules.cut_chambers_cm2 * 100 / (grid.pixel_mm * grid.slice_mm)
    chambers = heart.chambers[:dome]
    section = chambers.sum(axis=(1, 2))
    ends = {
        "top": section[:1].sum() > rules.cut_top_share * section.max(initial=0),
        "bottom": mask[-1].any() and not extent.bottom_seen and extent.liver_dome is None,
        "front": chambers[:, 0].sum() > least,
        "right": chambers[:, :, 0].sum() > least,
        "left": chambers[:, :, -1].sum() > least,
    }
    return [side for side, is_cut in ends.items() if is_cut]


def _hangs_on(
    check: str, suspect: Mask, places: Places, verdicts: Verdicts, rules: DoubtRules
) -> QualityRow:
    """Whether the category hangs on calcium that may be no artery's."""
    counted = _sum(places.agatston, verdicts, COUNTED)
    rest = _sum(places.agatston * ~suspect, verdicts, COUNTED)
    hangs = counted > rules.gross_change * rest and not _same(rest, counted)
    return _row(check, not hangs, counted - rest)


def _same(one: float, other: float) -> bool:
    """Whether two scores are of one category."""
    return bool(np.digitize(one, CATEGORY_LIMITS) == np.digitize(other, CATEGORY_LIMITS))


def at_aorta(places: Places, rules: DetectorRules) -> Mask:
    """At the wall of the ascending aorta or its root, or where one that was not seen must be.

    High above the root no artery runs, and where the track ends its circle may lie beside it.
    """
    above_root = places.above_root_mm > rules.evidence.wall_above_root_mm[1]
    margin_mm = np.where(above_root, rules.doubt.above_root_margin_mm, rules.evidence.aorta_mm[0])
    at_wall = places.outside_aorta_mm < margin_mm
    (right, left), (back, front) = rules.doubt.aorta_left_mm, rules.doubt.aorta_depth
    across = (places.left_mm > right) & (places.left_mm < left)
    expected = across & (places.depth > back) & (places.depth < front)
    return np.where(np.isnan(places.above_root_mm), expected, at_wall)


def _certainty(agatston: Float64, verdicts: Verdicts, rules: DoubtRules) -> QualityRow:
    """Whether the score depends on what is neither clearly accepted nor rejected."""
    low = _sum(agatston, verdicts, ("accepted",))
    high = _sum(agatston, verdicts, (*COUNTED, "possible"))
    sure = high < CATEGORY_LIMITS[0] or high <= rules.gross_change * low
    return _row(
        "score_certainty", sure and _same(low, high), high - low, f"{low:.0f} to {high:.0f}"
    )


def _sum(agatston: Float64, verdicts: Verdicts, standings: tuple[str, ...]) -> float:
    return float(agatston[np.isin(verdicts.standing, standings)].sum())

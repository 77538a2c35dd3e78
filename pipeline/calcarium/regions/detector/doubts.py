"""The detector's own doubts, as quality rows."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from calcarium.config.detector import DetectorRules
from calcarium.config.detector_doubt import DoubtRules
from calcarium.quality import QualityRow, Status
from calcarium.regions.anatomy.grid import Float64, Mask
from calcarium.regions.anatomy.landmarks import Landmarks
from calcarium.regions.anatomy.noise import is_measured
from calcarium.regions.anatomy.orientation import orientation_of
from calcarium.regions.detector.decide import Verdicts
from calcarium.regions.detector.places import Places
from calcarium.regions.model import COUNTED

LIVER_IN_VIEW_MM = 10.0  # below its dome: drawn hearts end 12 to 25 mm below that
CATEGORY_LIMITS = (1e-9, 100.0, 400.0)  # none, below 100, below 400, more


def find_doubts(
    landmarks: Landmarks, noise: Float64, places: Places, verdicts: Verdicts, rules: DetectorRules
) -> tuple[QualityRow, ...]:
    """One row per check, those that pass included."""
    return (
        *anatomy_doubts(landmarks, noise, rules.doubt),
        *doubts_of_verdicts(places, verdicts, rules),
    )


def anatomy_doubts(
    landmarks: Landmarks, noise: Float64, rules: DoubtRules
) -> tuple[QualityRow, ...]:
    """The checks that need no candidate."""
    heart, thorax, aorta = landmarks.heart, landmarks.thorax, landmarks.aorta
    level, where = float(np.median(noise)), _cut(landmarks, rules)
    turned = orientation_of(landmarks, rules)
    return (
        _row("heart_volume", rules.heart_ml[0] <= heart.ml <= rules.heart_ml[1], heart.ml),
        _row("heart_cut", not where, text=" and ".join(where)),
        QualityRow("aorta_seen", "pass" if aorta.is_sure else "unknown", aorta.ascending.total),
        _row("spine_seen", thorax.spine.bone > 0, thorax.spine.bone),
        _row("image_noise", level <= rules.noise_hu, level)
        if is_measured(noise)
        else QualityRow("image_noise", "unknown"),
        _row("blood_contrast", thorax.contrast <= rules.contrast_share, thorax.contrast),
        QualityRow("patient_orientation", _ORIENTATION[turned], text=turned),
    )


def doubts_of_verdicts(
    places: Places, verdicts: Verdicts, rules: DetectorRules
) -> tuple[QualityRow, ...]:
    """The checks that hang on the verdicts and on nothing else but measurements."""
    metal = sum(name == "metal" for name in verdicts.rejected_by)
    off_grooves = places.muscle_share < rules.doubt.groove_muscle_share
    return (
        _row("metal", metal == 0, float(metal)),
        _hangs_on("aortic_wall", at_aorta(places, rules), places, verdicts, rules.doubt),
        _hangs_on("pericardium", off_grooves, places, verdicts, rules.doubt),
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
    reach the border: arteries lie on them. Below its dome the liver would pass for a chamber.
    """
    heart, extent, grid = landmarks.heart, landmarks.extent, landmarks.thorax.grid
    mask = heart.mask
    top_known = extent.airway_end is not None or landmarks.aorta.is_sure
    dome = len(mask) if extent.liver_dome is None else extent.liver_dome
    liver_mm = (len(mask) - dome) * grid.slice_mm
    least = rules.cut_chambers_cm2 * 100 / (grid.pixel_mm * grid.slice_mm)
    chambers = heart.chambers[:dome]
    ends = {
        "top": mask[0].any() and not top_known,
        "bottom": mask[-1].any() and not extent.bottom_seen and liver_mm < LIVER_IN_VIEW_MM,
        "front": chambers[:, 0].sum() > least,
        "right": chambers[:, :, 0].sum() > least,
        "left": chambers[:, :, -1].sum() > least,
    }
    return [side for side, is_cut in ends.items() if is_cut]


def _hangs_on(
    check: str, suspect: Mask, places: Places, verdicts: Verdicts, rules: DoubtRules
) -> QualityRow:
    """Whether the score hangs on calcium that may be no artery's."""
    counted = _sum(places.agatston, verdicts, COUNTED)
    rest = _sum(places.agatston * ~suspect, verdicts, COUNTED)
    return _row(check, counted <= rules.gross_change * rest, counted - rest)


def at_aorta(places: Places, rules: DetectorRules) -> Mask:
    """At the wall of the ascending aorta or its root, or where one that was not seen must be."""
    at_wall = places.outside_aorta_mm < rules.evidence.aorta_mm[0]
    (right, left), (back, front) = rules.doubt.aorta_left_mm, rules.doubt.aorta_depth
    across = (places.left_mm > right) & (places.left_mm < left)
    expected = across & (places.depth > back) & (places.depth < front)
    return np.where(np.isnan(places.above_root_mm), expected, at_wall)


def _certainty(agatston: Float64, verdicts: Verdicts, rules: DoubtRules) -> QualityRow:
    """Whether the category depends on what is neither clearly accepted nor rejected."""
    low = _sum(agatston, verdicts, ("accepted",))
    high = _sum(agatston, verdicts, (*COUNTED, "possible"))
    same = np.digitize(low, CATEGORY_LIMITS) == np.digitize(high, CATEGORY_LIMITS)
    sure = same and high <= rules.gross_change * low
    return QualityRow(
        "score_certainty",
        "pass" if sure or high == 0 else "warn",
        high - low,
        f"{low:.0f} to {high:.0f}",
    )


def _sum(agatston: Float64, verdicts: Verdicts, standings: Collection[str]) -> float:
    chosen = [standing in standings for standing in verdicts.standing]
    return float(agatston[np.array(chosen, dtype=bool)].sum())

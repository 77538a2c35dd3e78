"""The keys of the detector that make a standing of a confidence, and an artery of a place."""

from __future__ import annotations

from calcarium.config.detector_evidence import ANATOMY, Ramp
from calcarium.config.keys import Section, key


class StandingRules(Section):
    """From a confidence to a standing."""

    accepted: float = key(
        0.8,
        "Confidence from which a candidate is accepted.",
        ge=0,
        le=1,
        source="engineering choice: the confidence is not calibrated on patients",
    )
    doubtful: float = key(
        0.5,
        "Confidence from which it counts, but not in the lower end.",
        ge=0,
        le=1,
        source="engineering choice: more likely than not",
    )
    possible: float = key(
        0.2,
        "Confidence from which it is added at the upper end.",
        ge=0,
        le=1,
        source="engineering choice: the confidence is not calibrated on patients",
    )
    noise_evidence: float = key(
        2.0,
        "Evidence against noise below which a spot may be noise.",
        source="engineering choice: 1 to 3.5 change no score in 240 drawn thoraxes; with noise of "
        "30 HU added 20 to 23 % of the right categories have a warning, and 26 % if nothing may be "
        "noise",
    )
    possible_in_noise: float = key(
        0.35,
        "Confidence from which what may be noise is added at the upper end.",
        source="240 drawn thoraxes, as they are and with noise of 20 and 30 HU added: of 226 such "
        "spots of 0.2 to 0.35, 14 were coronary",
        ge=0,
        le=1,
    )
    lone_agatston: float = key(
        100.0,
        "Without any accepted candidate, doubtful ones count only from this sum: zero stays "
        "zero, with the doubtful ones at the upper end.",
        unit="Agatston",
        source="engineering choice, weighed in docs/detection.md; the lowest category ends there",
        ge=0,
    )
    lean_cap: float = key(
        0.75,
        "Greatest confidence of a candidate without fat around it.",
        source="coronary calcium had fat of 0.04 or more, median 0.33",
        ge=0,
        le=1,
    )
    lean_fat: Ramp = key(
        (0.08, 0.14), "Fat from which this no longer holds.", source="engineering choice"
    )
    adrift_cap: float = key(
        0.75,
        "Greatest confidence of a candidate in no groove of the heart: calcium of the "
        "pericardium cannot be told from that of an artery there.",
        ge=0,
        le=1,
        source="engineering choice: doubtful, never accepted",
    )
    adrift_muscle_share: Ramp = key(
        (0.31, 0.27),
        "In no groove: share of chambers and great vessels around.",
        source="plaques put into three chest CT: 0.28 or more at 72 of 81 places on arteries "
        "and 3 of 32 on the pericardium",
    )
    adrift_at_lung: float = key(
        0.08,
        "So much less the same share counts at the lung, where the pericardium is near the muscle.",
        source="marked in two chest CT: leaves 21 of 25 places on arteries in a groove, and 6 "
        "instead of 12 of 21 on the pericardium",
        ge=0,
        le=1,
    )
    adrift_lung_mm: Ramp = key(
        (6.0, 4.0), "At the lung: distance to it.", unit="mm", source=ANATOMY
    )
    company_logit: float = key(
        1.0,
        "Weight of accepted calcium near by, for what may be noise but is possible: arteries "
        "calcify in stretches.",
        source="engineering choice, less than 240 drawn thoraxes say, as they are and with noise "
        "of 20 and 30 HU added: of such spots 51 of 53 within 30 mm of accepted calcium are "
        "coronary, of the others 28 of 75",
    )
    company_mm: Ramp = key(
        (40.0, 20.0), "Distance to it.", unit="mm", source="engineering choice: half at 30 mm"
    )
    company_cap: float = key(
        0.75,
        "Greatest confidence that it lends.",
        ge=0,
        le=1,
        source="engineering choice: doubtful, never accepted",
    )
    unseen_aorta_cap: float = key(
        0.75,
        "Greatest confidence of a deep candidate with little fat where the aorta is not sure: "
        "its wall cannot be told from an artery.",
        ge=0,
        le=1,
        source="engineering choice: doubtful, never accepted",
    )
    unseen_aorta_lung_mm: float = key(
        15.0,
        "Deep: distance to lung.",
        unit="mm",
        ge=0,
        source="wall lesions of the root lay deeper than that",
    )
    unseen_aorta_fat: float = key(
        0.3,
        "Little fat.",
        ge=0,
        le=1,
        source="coronary calcium had a median of 0.33",
    )


class ArteryRules(Section):
    """Which artery a place belongs to."""

    right_of_mm: float = key(
        12.0,
        "Right of this distance to the left of the spine is RCA.",
        unit="mm",
        source="read off the lesions of six gated reference scans; may not hold elsewhere",
    )
    underside_mm: float = key(
        30.0,
        "Height of the underside, where the RCA ends.",
        unit="mm",
        source="read off the lesions of six gated reference scans; may not hold elsewhere",
    )
    underside_left_mm: float = key(
        35.0,
        "How far to the left it does.",
        unit="mm",
        source="read off the lesions of six gated reference scans; may not hold elsewhere",
    )
    underside_depth: float = key(
        0.6,
        "And how far in front of the spine (share of depth).",
        source="read off the lesions of six gated reference scans; may not hold elsewhere",
    )
    ostium_below_mm: float = key(
        20.0,
        "How far below the end of the ascending aorta the left main may lie.",
        unit="mm",
        source="engineering choice",
    )
    circumflex_left_mm: float = key(
        38.0,
        "So high, and farther left of the aorta's axis than this, the left main has ended.",
        unit="mm",
        source="60 drawn thoraxes: 9 of 11 plaques of the left main lie within 31, two at 38 and "
        "42; may not hold in patients",
    )
    circumflex_behind_mm: float = key(
        12.0,
        "There an artery is LCX farther behind the axis than this; the LAD runs forward.",
        unit="mm",
        source="the same: 11 of 12 of the LCX lie farther behind, 2 of 13 of the LAD",
    )
    left_anterior_depth: float = key(
        0.415,
        "In front of this share of the chest's depth a left artery is LM or LAD, behind it LCX.",
        source="read off 40 labelled lesions of 6 gated CT; they come as near as 0.01",
    )

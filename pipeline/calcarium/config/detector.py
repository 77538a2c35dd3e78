"""The keys of the embedded detector of coronary calcium."""

from __future__ import annotations

from calcarium.config.detector_anatomy import AortaRules, ExtentRules, HeartRules
from calcarium.config.keys import Section, section


class DetectorRules(Section):
    """Thresholds of the embedded detector."""

    extent: ExtentRules = section(ExtentRules, "How far the heart reaches along the body.")
    aorta: AortaRules = section(AortaRules, "What counts as an aorta.")
    heart: HeartRules = section(HeartRules, "The heart's region, and when there is none.")

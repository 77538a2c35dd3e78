"""The keys of the embedded detector of coronary calcium."""

from __future__ import annotations

from calcarium.config.detector_anatomy import AortaRules, ExtentRules, HeartRules
from calcarium.config.detector_doubt import DoubtRules
from calcarium.config.detector_evidence import CandidateRules, EvidenceRules
from calcarium.config.detector_standing import ArteryRules, StandingRules
from calcarium.config.keys import Section, section


class DetectorRules(Section):
    """Thresholds of the embedded detector."""

    extent: ExtentRules = section(ExtentRules, "How far the heart reaches along the body.")
    aorta: AortaRules = section(AortaRules, "What counts as an aorta.")
    heart: HeartRules = section(HeartRules, "The heart's region, and when there is none.")
    candidate: CandidateRules = section(CandidateRules, "What is a candidate at all.")
    evidence: EvidenceRules = section(EvidenceRules, "What speaks for and against it.")
    standing: StandingRules = section(StandingRules, "From a confidence to a standing.")
    artery: ArteryRules = section(ArteryRules, "Which artery a place belongs to.")
    doubt: DoubtRules = section(DoubtRules, "When its answer needs a second look.")

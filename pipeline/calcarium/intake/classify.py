"""Gated, non-gated or contrast: what the header says, and which words of it.

The evidence names header elements, never their free text, so that it may be shared.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from calcarium.config import ScanClass
from calcarium.intake.quirks import matches, quirks
from calcarium.intake.records import Acquisition, Gating

Contrast: TypeAlias = Literal["yes", "no"]


@dataclass(frozen=True, slots=True)
class Classification:
    """Class of a scan, and why.

    Attributes
    ----------
    gated : what the header proves; a class of ``gated`` with ``unknown`` rests on a hint or
        on the protocol
    contrast : whether the header says that a contrast agent is in the blood
    """

    scan_class: ScanClass
    gated: Gating
    gated_evidence: str
    contrast: Contrast
    contrast_evidence: str


def classify(acquisition: Acquisition, assume_class: ScanClass | None = None) -> Classification:
    """Class of a scan.

    Parameters
    ----------
    assume_class : class that the protocol takes every scan for; contrast in the header is seen
        all the same, and where every scan is taken for ``contrast`` the pixels have the last word
    """
    contrast, contrast_evidence = named_agent(acquisition)
    gated, gated_evidence, _ = _gating(acquisition)
    scan_class = plain_class(acquisition)
    if assume_class is not None:
        scan_class = assume_class
    if contrast == "yes":
        scan_class = "contrast"
    return Classification(scan_class, gated, gated_evidence, contrast, contrast_evidence)


def plain_class(acquisition: Acquisition) -> ScanClass:
    """Class of a scan whose blood is dark, whatever its header says of an agent."""
    gated, _, hinted = _gating(acquisition)
    return "gated" if gated == "yes" or hinted else "nongated"


def named_agent(acquisition: Acquisition) -> tuple[Contrast, str]:
    """Whether a contrast agent is in the blood, and the element that says so."""
    agent = _word(acquisition.contrast_agent)
    route = _word(acquisition.contrast_route)
    known = quirks()
    if agent in known.no_contrast:
        return "no", "ContrastBolusAgent says none"
    if agent in known.not_in_blood or route in known.not_in_blood:
        return "no", "contrast agent not given into the blood"
    if agent:
        return "yes", "ContrastBolusAgent"
    if acquisition.contrast_agent_sequence:
        return "yes", "ContrastBolusAgentSequence"
    if (acquisition.contrast_volume_ml or 0) > 0:
        return "yes", "ContrastBolusVolume"
    return "no", "no contrast agent in the header"


def _gating(acquisition: Acquisition) -> tuple[Gating, str, bool]:
    """What the header proves, the elements, and whether free text hints at gating."""
    technique = _word(acquisition.cardiac_synchronization)
    if technique in quirks().not_gated_techniques:
        return "no", "CardiacSynchronizationTechnique", False
    evidence = _gating_elements(acquisition)
    if evidence:
        return "yes", ", ".join(evidence), False
    texts = (acquisition.series_description, acquisition.protocol_name)
    if matches(quirks().calcium_hints, *texts):
        return "unknown", "hint: description of a calcium scan", True
    if matches(quirks().gating_hints, *texts, *acquisition.scan_options):
        return "unknown", "hint: description or ScanOptions of a gated scan", True
    return "unknown", "", False


def _gating_elements(acquisition: Acquisition) -> list[str]:
    """Elements that only a scan with an ECG has; zeros are what others leave there."""
    said = {
        "CardiacSynchronizationTechnique": _word(acquisition.cardiac_synchronization)
        in quirks().gated_techniques,
        "NominalPercentageOfCardiacPhase": (acquisition.cardiac_phase_percent or 0) > 0,
        "TriggerTime": (acquisition.trigger_time_ms or 0) > 0,
        "HeartRate": (acquisition.heart_rate_bpm or 0) > 0,
        "NominalInterval": (acquisition.nominal_interval_ms or 0) > 0,
        "CardiacFramingType": bool(_word(acquisition.cardiac_framing_type)),
    }
    return [name for name, yes in said.items() if yes]


def _word(text: str | None) -> str:
    return (text or "").strip().upper()

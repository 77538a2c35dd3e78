"""Gated, non-gated or contrast, and the elements that say so."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, get_type_hints

import pytest

from calcarium.config import ScanClass
from calcarium.intake.classify import classify
from calcarium.intake.quirks import kernel_group
from calcarium.intake.records import Acquisition

SILENT = Acquisition(
    **{
        name: () if "tuple" in str(hint) else False if hint is bool else None
        for name, hint in get_type_hints(Acquisition).items()
    }
)
# DeepCAC's order from soft to hard; calcium kernels of four vendors.
DEEPCAC = (
    "B31f B30f B20f C FC10 FC11 FC02 STANDARD BODY | B50f B60f B70f B80f D FC51 FC53 BONE LUNG"
)
CALCIUM = "FC12 STANDARD XCA Qr36d B35f Qr32 Qr44 Sa36f"


@pytest.mark.parametrize(
    ("elements", "gated", "scan_class", "evidence"),
    [
        ({}, "unknown", "nongated", ""),
        ({"cardiac_synchronization": "PROSPECTIVE"}, "yes", "gated", "CardiacSynchronization"),
        ({"cardiac_synchronization": "NONE", "heart_rate_bpm": 60.0}, "no", "nongated", "Cardiac"),
        ({"cardiac_phase_percent": 70.0}, "yes", "gated", "NominalPercentageOfCardiacPhase"),
        ({"trigger_time_ms": 600.0}, "yes", "gated", "TriggerTime"),
        ({"heart_rate_bpm": 61.0}, "yes", "gated", "HeartRate"),
        ({"cardiac_framing_type": "FORW"}, "yes", "gated", "CardiacFramingType"),
        ({"nominal_interval_ms": 980.0}, "yes", "gated", "NominalInterval"),
        ({"trigger_time_ms": 0.0, "heart_rate_bpm": 0.0, "cardiac_phase_percent": 0.0},
         "unknown", "nongated", ""),
        ({"series_description": "CaScore 3.0 B35f 70%"}, "unknown", "gated", "hint"),
        ({"scan_options": ("HELICAL", "ECG")}, "unknown", "gated", "hint"),
        ({"scan_options": ("HELICAL MODE",)}, "unknown", "nongated", ""),
    ],
)  # fmt: skip
def test_gating(elements: dict[str, Any], gated: str, scan_class: str, evidence: str) -> None:
    found = classify(replace(SILENT, **elements))
    assert (found.gated, found.scan_class) == (gated, scan_class)
    assert found.gated_evidence.startswith(evidence)
    assert bool(found.gated_evidence) == bool(evidence)


@pytest.mark.parametrize(
    ("elements", "contrast"),
    [
        ({}, "no"),
        ({"contrast_agent": "OMNI"}, "yes"),
        ({"contrast_agent": "ISOVUE300/100"}, "yes"),
        ({"contrast_agent": "APPLIED"}, "yes"),
        ({"contrast_agent": "None"}, "no"),
        ({"contrast_agent": "NO", "contrast_agent_sequence": True}, "no"),
        ({"contrast_agent": "ORAL"}, "no"),
        ({"contrast_agent": "OMNIPAQUE", "contrast_route": "Oral"}, "no"),
        ({"contrast_agent": "OMNIPAQUE", "contrast_route": "IV"}, "yes"),
        ({"contrast_agent_sequence": True}, "yes"),
        ({"contrast_volume_ml": 80.0}, "yes"),
        ({"contrast_volume_ml": 0.0}, "no"),
        ({"series_description": "Body 3.000 CE"}, "no"),
    ],
)
def test_contrast(elements: dict[str, Any], contrast: str) -> None:
    found = classify(replace(SILENT, **elements))
    assert found.contrast == contrast
    assert (found.scan_class == "contrast") == (contrast == "yes")
    assert found.contrast_evidence


def test_the_evidence_holds_no_free_text() -> None:
    secret = replace(
        SILENT, series_description="CaScore of Jane", contrast_agent="Jane's", scan_options=("ECG",)
    )
    found = classify(secret)
    assert "Jane" not in found.gated_evidence + found.contrast_evidence


@pytest.mark.parametrize("assumed", ["gated", "nongated"])
def test_a_protocol_may_assume_the_class_but_never_the_contrast(assumed: ScanClass) -> None:
    assert classify(SILENT, assumed).scan_class == assumed
    assert classify(replace(SILENT, trigger_time_ms=600.0), assumed).scan_class == assumed
    assert classify(replace(SILENT, contrast_agent="OMNI"), assumed).scan_class == "contrast"


def test_kernels() -> None:
    soft, sharp = (names.split() for names in DEEPCAC.split("|"))
    assert {kernel_group(name) for name in (*soft, *CALCIUM.split())} == {"soft"}
    assert {kernel_group(name) for name in sharp} == {"sharp"}
    assert {kernel_group(name) for name in (None, "", "KERNEL", "STD+")} == {"unknown"}

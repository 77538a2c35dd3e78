"""Scans of real studies that are chosen, and why the others are not."""

from __future__ import annotations

from pathlib import Path

import pytest

from calcarium.config import load_protocol
from calcarium.intake.index import build_index
from calcarium.intake.select import ScanChoice, select
from calcarium.intake.studies import iter_studies


def choices(folder: Path, tmp_path: Path, protocol: str = "auto") -> dict[str, ScanChoice]:
    """The scans of the one study of a folder, by the folder that they lie in."""
    build_index([str(folder)], tmp_path / "index")
    (study,) = iter_studies(tmp_path / "index")
    scans = select(study, load_protocol(protocol)).scans
    return {Path(choice.scan.files[0].url).parent.name: choice for choice in scans}


def test_of_a_pet_ct_the_ct_is_taken(test_data: Path, tmp_path: Path) -> None:
    found = choices(test_data / "acrin_nsclc_petct_042", tmp_path)
    reasons = {name[:2] + name[-3:]: choice.reason for name, choice in found.items()}
    assert reasons == {"CT561": None, "CT581": "localizer", "PT015": "not_ct"}
    taken = next(choice for choice in found.values() if choice.reason is None)
    assert taken.scan.acquisition.slice_thickness_mm == 3.75
    assert taken.extent.increment_mm == pytest.approx(3.27, abs=0.005)
    assert taken.extent.n_slices == 72
    assert taken.scan.acquisition.kvp == 140


def test_of_two_kernels_the_soft_one_is_taken(test_data: Path, tmp_path: Path) -> None:
    found = choices(test_data / "lung_pet_ct_dx", tmp_path)
    assert found["3_B40f"].reason is None
    assert found["2_B70f"].reason == "another_scan_preferred"
    assert "softer" in found["2_B70f"].detail
    assert found["3_B40f"].extent.increment_mm == pytest.approx(8.0)


def test_a_contrast_scan_is_not_scored_as_a_plain_one(test_data: Path, tmp_path: Path) -> None:
    (choice,) = choices(test_data / "rider_pilot_0117_contrast_partial", tmp_path, "gated").values()
    assert (choice.reason, choice.contrast) == ("contrast", "yes")
    assert choice.contrast_evidence == "ContrastBolusAgent"


def test_a_derived_calcium_series_of_canon_is_taken(test_data: Path, tmp_path: Path) -> None:
    (choice,) = choices(test_data / "qrm_phantom_canon", tmp_path).values()
    assert choice.scan.acquisition.image_type == ("DERIVED", "PRIMARY", "MPR")
    assert (choice.reason, choice.kernel, choice.scan_class) == (None, "soft", "gated")


def test_a_chest_ct_without_hints_is_not_gated(test_data: Path, tmp_path: Path) -> None:
    (choice,) = choices(test_data / "nlst_101287_ldct", tmp_path).values()
    assert (choice.reason, choice.scan_class, choice.gated) == (None, "nongated", "unknown")

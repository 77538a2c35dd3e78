"""What the checks of acquisition say of headers that were written for them."""

from __future__ import annotations

import pytest
from generated_ct import ct_series, save
from scored_checks import add_scan, checks_of

from calcarium.quality import CHECKS, GROUPS

GATED = {"HeartRate": "61", "TriggerTime": "700", "NominalPercentageOfCardiacPhase": 70.0}


def checks(tmp_path, extra="", **elements):
    add_scan(tmp_path / "a", "x", **elements)
    return checks_of(tmp_path / "a", tmp_path, extra)["x"]


def test_a_gated_header_is_told(tmp_path):
    found = checks(tmp_path, **GATED, ReconstructionDiameter="250")
    value, status, text = found["gating"]
    assert (value, status) == (None, "pass")
    assert set(text.removeprefix("yes: ").split(", ")) == {
        "HeartRate", "TriggerTime", "NominalPercentageOfCardiacPhase",
    }  # fmt: skip
    assert found["heart_rate"] == (61, "pass", None)
    assert found["cardiac_phase"] == (70, "pass", None)
    assert found["field_of_view"] == (250, "pass", None)
    assert found["kvp_threshold"] == (120, "pass", None)


def test_zeros_and_absence_are_not_known(tmp_path):
    found = checks(tmp_path, HeartRate="0", NominalPercentageOfCardiacPhase=0.0, CTDIvol=0.0)
    for check in ("heart_rate", "cardiac_phase", "ctdi_vol"):
        assert found[check][:2] == (None, "unknown")
    assert found["gating"] == (None, "warn", "unknown")
    # 6 columns of 0.6 mm
    assert found["field_of_view"] == (pytest.approx(3.6), "pass", "width of the image")


@pytest.mark.parametrize(
    ("assumed", "elements", "status"),
    [("gated", GATED, "pass"), ("gated", {}, "warn"),
     ("nongated", {}, "pass"), ("nongated", GATED, "warn")],
)  # fmt: skip
def test_gating_fits_the_class_or_not(tmp_path, assumed, elements, status):
    found = checks(tmp_path, f"assume_class = '{assumed}'", **elements)
    assert found["gating"][1] == status


@pytest.mark.parametrize(
    ("kernel", "status", "group"),
    [("Qr36d", "pass", "soft"), ("B70f", "warn", "sharp"), ("MYSTERY", "warn", "unknown"),
     (None, "unknown", "unknown")],
)  # fmt: skip
def test_kernels(tmp_path, kernel, status, group):
    assert checks(tmp_path, ConvolutionKernel=kernel)["kernel"] == (None, status, group)


def test_a_tin_filter_leaves_no_threshold(tmp_path):
    value, status, text = checks(tmp_path, KVP="100", FilterType="Sn")["kvp_threshold"]
    assert (value, status) == (100, "fail")
    assert text == "tin filter, scored with the 120 kVp threshold: literature"


@pytest.mark.parametrize(("increment", "status"), [(3.0, "pass"), (2.5, "pass"), (5.0, "warn")])
def test_increment(tmp_path, increment, status):

    save(tmp_path / "a", ct_series(40, increment, SeriesDescription="x"))
    found = checks_of(tmp_path / "a", tmp_path)["x"]
    assert found["slice_increment"] == (increment, status, None)
    assert found["slice_overlap"][:2] == (3 - increment, "pass" if increment <= 3 else "warn")


def test_every_scored_scan_has_the_rows_that_the_page_of_checks_promises(tmp_path):
    found = checks(tmp_path)
    promised = [group for group in GROUPS if group.rows.startswith("Every scored scan")]
    assert len(promised) == 3
    always = {name for group in promised for name in group.checks}
    assert found.keys() >= always | {"region_is_coronary", "suspected_device"}
    assert found.keys() <= CHECKS.keys()

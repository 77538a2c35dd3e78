"""The dose of a scan from reports that are made here, of events whose dose is known."""

from __future__ import annotations

from pathlib import Path

import pydicom
import pytest
from dose_sr import DCM, Event, write_report
from generated_ct import ROOT, STUDY
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code
from scored_checks import add_scan, checks_of

from calcarium.dose_report import study_dose
from calcarium.intake.index import build_index
from calcarium.intake.studies import iter_studies

SCOUT = Event(f"{ROOT}.9.1", 5.5, 0.1, DCM.ConstantAngleAcquisition)
CALCIUM = Event(f"{ROOT}.9.2", 61.25, 3.9, DCM.SequencedAcquisition)
CHEST = Event(f"{ROOT}.9.3", 310.5, 9.0)


def test_a_report_is_read_event_by_event(tmp_path):
    write_report(tmp_path / "a" / "sr.dcm", STUDY, [SCOUT, CALCIUM, CHEST])
    build_index([str(tmp_path / "a")], tmp_path / "index")
    (study,) = iter_studies(tmp_path / "index")
    dose = study_dose(study)
    found = [(e.event_uid, e.dlp_mgy_cm, e.ctdi_vol_mgy, e.is_localizer) for e in dose.events]
    assert found == [(e.uid, e.dlp, e.ctdi_vol, e is SCOUT) for e in (SCOUT, CALCIUM, CHEST)]
    assert dose.total_mgy_cm == pytest.approx(5.5 + 61.25 + 310.5)
    assert dose.n_unreadable == 0


def test_each_scan_has_the_dose_of_its_own_irradiation(tmp_path):
    archive = tmp_path / "a"
    add_scan(archive, "one", IrradiationEventUID=CALCIUM.uid)
    add_scan(archive, "two", IrradiationEventUID=CHEST.uid)
    write_report(archive / "sr.dcm", STUDY, [SCOUT, CALCIUM, CHEST])
    found = checks_of(archive, tmp_path)
    for name, event in (("one", CALCIUM), ("two", CHEST)):
        checks = found[name]
        assert checks["dose_length_product"] == (event.dlp, "pass", "irradiation event")
        assert checks["effective_dose"][0] == pytest.approx(0.014 * event.dlp)
        assert checks["effective_dose"][2].startswith("k = 0.014 mSv/(mGy cm)")
        assert checks["ctdi_vol"] == (event.ctdi_vol, "pass", "dose report, irradiation event")


def test_a_scan_of_several_events_has_their_sum(tmp_path):
    archive = tmp_path / "a"
    add_scan(archive, "x", IrradiationEventUID=[CALCIUM.uid, CHEST.uid])
    write_report(archive / "sr.dcm", STUDY, [SCOUT, CALCIUM, CHEST])
    assert checks_of(archive, tmp_path)["x"]["dose_length_product"][:2] == (61.25 + 310.5, "pass")


def test_a_series_uid_may_stand_for_the_event(tmp_path):
    archive = tmp_path / "a"
    add_scan(archive, "x")
    series = str(pydicom.dcmread(archive / "x" / "0000.dcm").SeriesInstanceUID)
    write_report(archive / "sr.dcm", STUDY, [Event(series, 77.0), CHEST])
    assert checks_of(archive, tmp_path)["x"]["dose_length_product"][:2] == (77.0, "pass")


def test_the_only_scan_besides_the_localizer_needs_no_uid(tmp_path):
    archive = tmp_path / "a"
    add_scan(archive, "x", CTDIvol=4.4)
    write_report(archive / "sr.dcm", STUDY, [SCOUT, CALCIUM])
    checks = checks_of(archive, tmp_path)["x"]
    assert checks["dose_length_product"] == (61.25, "pass", "only scan of the dose report")
    assert checks["ctdi_vol"] == (4.4, "pass", "header")


@pytest.mark.parametrize(
    ("events", "named"),
    [([SCOUT, CALCIUM, CHEST], None), ([SCOUT, CALCIUM], f"{ROOT}.9.77")],
    ids=["two scans, no UID", "the UID of another report"],
)
def test_what_cannot_be_matched_has_the_total_of_the_study_and_says_so(tmp_path, events, named):
    archive = tmp_path / "a"
    add_scan(archive, "x", IrradiationEventUID=named)
    write_report(archive / "sr.dcm", STUDY, events)
    checks = checks_of(archive, tmp_path)["x"]
    value, status, text = checks["dose_length_product"]
    assert (value, status) == (pytest.approx(sum(e.dlp for e in events)), "warn")
    assert text == f"total of the study: {len(events) - 1} scans"
    assert checks["effective_dose"][1] == "warn"


def test_a_scan_of_which_only_the_ends_are_known_is_not_given_half_its_dose(tmp_path):
    archive = tmp_path / "a"
    add_scan(archive, "x", IrradiationEventUID=CALCIUM.uid)
    last = pydicom.dcmread(archive / "x" / "0023.dcm")
    last.IrradiationEventUID = CHEST.uid
    last.save_as(archive / "x" / "0023.dcm")
    write_report(archive / "sr.dcm", STUDY, [SCOUT, CALCIUM, CHEST])
    assert checks_of(archive, tmp_path)["x"]["dose_length_product"][1] == "warn"


def test_a_report_that_was_sent_twice_counts_once(tmp_path):
    archive = tmp_path / "a"
    add_scan(archive, "x")
    write_report(archive / "sr1.dcm", STUDY, [SCOUT, CALCIUM])
    write_report(archive / "sr2.dcm", STUDY, [SCOUT, CALCIUM, CHEST])
    value, status, _ = checks_of(archive, tmp_path)["x"]["dose_length_product"]
    assert (value, status) == (pytest.approx(5.5 + 61.25 + 310.5), "warn")


def test_a_report_without_events_states_a_total(tmp_path):
    archive = tmp_path / "a"
    add_scan(archive, "x")
    write_report(archive / "sr.dcm", STUDY, [], total=88.0)
    assert checks_of(archive, tmp_path)["x"]["dose_length_product"] == (
        88.0,
        "warn",
        "total of the study: unknown scans",
    )


def test_k_is_the_users(tmp_path):
    archive = tmp_path / "a"
    add_scan(archive, "x")
    write_report(archive / "sr.dcm", STUDY, [CALCIUM])
    extra = "[dose]\nmsv_per_mgy_cm = 0.026\n"
    value, _, text = checks_of(archive, tmp_path, extra)["x"]["effective_dose"]
    assert value == pytest.approx(0.026 * 61.25)
    assert text.startswith("k = 0.026 mSv/(mGy cm)")


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size - 300])


def without_values(path: Path) -> None:
    report = pydicom.dcmread(path)
    for item in report.ContentSequence:
        for part in item.ContentSequence:
            part.pop("ConceptCodeSequence", None)
    report.save_as(path)


@pytest.mark.parametrize("damage", [truncated, without_values])
def test_a_broken_report_leaves_the_dose_unknown_and_the_scan_scored(tmp_path, damage):
    archive = tmp_path / "a"
    add_scan(archive, "x")
    write_report(archive / "sr.dcm", STUDY, [CALCIUM])
    damage(archive / "sr.dcm")
    checks = checks_of(archive, tmp_path)["x"]
    assert checks["dose_length_product"] == (None, "unknown", "dose report cannot be read")
    assert checks["effective_dose"][:2] == (None, "unknown")


def test_a_report_that_vanished_leaves_the_dose_unknown(tmp_path):
    archive = tmp_path / "a"
    add_scan(archive, "x")
    write_report(archive / "sr.dcm", STUDY, [CALCIUM])
    build_index([str(archive)], tmp_path / "index")
    (study,) = iter_studies(tmp_path / "index")
    (archive / "sr.dcm").unlink()
    dose = study_dose(study)
    assert (dose.events, dose.total_mgy_cm, dose.n_unreadable) == ((), None, 1)


def test_without_a_report_there_is_no_dose(tmp_path):
    archive = tmp_path / "a"
    add_scan(archive, "x")
    checks = checks_of(archive, tmp_path)["x"]
    assert checks["dose_length_product"] == (None, "unknown", "no dose report")
    assert checks["ctdi_vol"][:2] == (None, "unknown")


@pytest.mark.parametrize(
    "other",
    [
        {"title": codes.DCM.ImagingMeasurementReport},
        {"unit": Code("Gy.cm", "UCUM", "Gy.cm")},
        {"sop_class": "1.2.840.10008.5.1.4.1.1.88.50"},  # Mammography CAD SR
    ],
    ids=["another report", "another unit", "another class"],
)
def test_what_is_no_dose_report_gives_no_dose(tmp_path, other):
    archive = tmp_path / "a"
    add_scan(archive, "x")
    write_report(archive / "sr.dcm", STUDY, [CALCIUM], **other)
    assert checks_of(archive, tmp_path)["x"]["dose_length_product"][:2] == (None, "unknown")


def test_an_older_scanner_writes_an_enhanced_sr(tmp_path):
    archive = tmp_path / "a"
    add_scan(archive, "x")
    enhanced = "1.2.840.10008.5.1.4.1.1.88.22"
    write_report(archive / "sr.dcm", STUDY, [CALCIUM], sop_class=enhanced)
    assert checks_of(archive, tmp_path)["x"]["dose_length_product"][:2] == (61.25, "pass")

"""Which scans of a study are chosen, and the reason of each that is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from generated_ct import ROOT, ct_series, ct_slice, save

from calcarium.config import load_protocol
from calcarium.intake.index import build_index
from calcarium.intake.select import ScanChoice, select
from calcarium.intake.studies import iter_studies

AUTO = load_protocol("auto")


def choices_of(tmp_path: Path, *, all_scans: bool = False) -> list[ScanChoice]:
    build_index([str(tmp_path / "archive")], tmp_path / "index")
    (study,) = iter_studies(tmp_path / "index")
    return list(select(study, AUTO, all_scans=all_scans).scans)


def test_a_plain_axial_ct_is_chosen(tmp_path: Path) -> None:
    save(tmp_path / "archive", ct_series(25))
    (choice,) = choices_of(tmp_path)
    assert choice.reason is None
    assert choice.extent.n_slices == 25
    assert choice.extent.increment_mm == pytest.approx(3.0)
    assert choice.extent.coverage_mm == pytest.approx(72.0)


@pytest.mark.parametrize(
    ("elements", "reason"),
    [
        ({"Modality": "PT"}, "not_ct"),
        ({"Modality": "SEG"}, "derived_object"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7"}, "secondary_capture"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}, "localizer"),
        ({"ImageType": ["DERIVED", "SECONDARY", "MIP"]}, "derived_reformat"),
        ({"ImageType": ["DERIVED", "PRIMARY", "AXIAL", "ME40KEV"]}, "derived_reformat"),
        ({"ImageOrientationPatient": [1, 0, 0, 0, 0, -1]}, "not_axial"),
        ({"ContrastBolusAgent": "NONE"}, None),
        ({"ImageType": ["DERIVED", "PRIMARY", "MPR"]}, None),
        ({"ImageOrientationPatient": None}, "no_position"),
    ],
)
def test_reason(tmp_path: Path, elements: dict[str, Any], reason: str | None) -> None:
    save(tmp_path / "archive", ct_series(25, **elements))
    (choice,) = choices_of(tmp_path)
    assert choice.reason == reason


@pytest.mark.parametrize(
    ("count", "step_mm", "reason"),
    [
        (7, 10.0, "slices_too_thick"),
        (7, 3.0, "too_few_slices"),
        (15, 3.0, "coverage_too_short"),
        (15, 9.0, "slices_too_thick"),
    ],
)
def test_size(tmp_path: Path, count: int, step_mm: float, reason: str) -> None:
    save(tmp_path / "archive", ct_series(count, step_mm))
    (choice,) = choices_of(tmp_path)
    assert choice.reason == ("too_few_slices" if count < 8 else reason)


def test_order_of_preference(tmp_path: Path) -> None:
    """Original, soft, near 2.5 mm, long: each rival is worse in one of them."""
    rivals: dict[str, tuple[int, float, dict[str, Any]]] = {
        "2": (60, 2.5, {}),
        "1": (60, 2.5, {"ImageType": ["DERIVED", "PRIMARY", "AXIAL"]}),
        "3": (60, 2.5, {"ConvolutionKernel": "B70f"}),
        "4": (70, 1.0, {}),
        "5": (50, 2.5, {}),
        "6": (60, 2.5, {}),
    }
    for name, (count, step_mm, elements) in rivals.items():
        series = ct_series(count, step_mm, SeriesInstanceUID=f"{ROOT}.1.{name}", **elements)
        save(tmp_path / "archive" / name, series)
    choices = {choice.scan.scan_id[-1]: choice for choice in choices_of(tmp_path)}
    assert choices.pop("2").reason is None
    assert {choice.reason for choice in choices.values()} == {"another_scan_preferred"}
    words = {"1": "original", "3": "softer", "4": "increment", "5": "covers", "6": "equal"}
    for name, word in words.items():
        assert word in choices[name].detail
        assert ROOT not in choices[name].detail
    everything = choices_of(tmp_path, all_scans=True)
    assert [choice.reason for choice in everything] == [None] * 6


def test_one_scan_of_each_class(tmp_path: Path) -> None:
    save(tmp_path / "archive" / "a", ct_series(25, TriggerTime="600"))
    save(tmp_path / "archive" / "b", ct_series(25, SeriesInstanceUID=f"{ROOT}.1.2"))
    choices = choices_of(tmp_path)
    assert {(choice.scan_class, choice.reason) for choice in choices} == {
        ("gated", None),
        ("nongated", None),
    }


def agent(step_mm: float, **elements: Any) -> list[Any]:
    return ct_series(25, step_mm, ContrastBolusAgent="OMNI", TriggerTime="600", **elements)


def test_an_agent_in_the_header_is_put_to_the_pixels_where_nothing_else_is_left(
    tmp_path: Path,
) -> None:
    """Of two such scans the one is read that would rank first without the agent."""
    save(tmp_path / "archive" / "a", agent(2.5))
    save(tmp_path / "archive" / "b", agent(3.0, SeriesInstanceUID=f"{ROOT}.1.2"))
    thin, usual = choices_of(tmp_path)
    assert (usual.reason, usual.scan_class, usual.contrast) == (None, "gated", "yes")
    assert (thin.reason, thin.scan_class) == ("contrast", "contrast")
    assert [choice.reason for choice in choices_of(tmp_path, all_scans=True)] == [None, None]


def test_an_agent_in_the_header_is_believed_where_another_scan_is_left(tmp_path: Path) -> None:
    save(tmp_path / "archive" / "a", agent(3.0))
    save(tmp_path / "archive" / "b", ct_series(25, SeriesInstanceUID=f"{ROOT}.1.2"))
    named, plain = choices_of(tmp_path)
    assert (named.reason, plain.reason) == ("contrast", None)


def test_an_agent_stays_the_reason_of_a_scan_that_is_too_short_as_well(tmp_path: Path) -> None:
    save(tmp_path / "archive", ct_series(9, ContrastBolusAgent="OMNI"))
    (choice,) = choices_of(tmp_path)
    assert choice.reason == "contrast"


def test_a_localizer_inside_an_axial_series_is_split_off(tmp_path: Path) -> None:
    scout = ct_slice(5, 99, ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    save(tmp_path / "archive", [*ct_series(25), scout])
    axial, localizer = choices_of(tmp_path)
    assert (axial.reason, localizer.reason) == (None, "localizer")
    assert localizer.scan.scan_id == f"{axial.scan.scan_id}/2"

from __future__ import annotations

import math
import tomllib
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from made_results import MakeResults
from pyarrow import csv, parquet

from calcarium.cli.cohort import command
from calcarium.cohort.progress import (
    change,
    changes,
    significant_agatston,
    significant_volume,
    summarise,
)
from calcarium.cohort.scans import ScoredScan, scored_scans
from calcarium.errors import UsageError

DATA = Path(__file__).parent / "data"
PUBLISHED = tomllib.loads((DATA / "progression.toml").read_text())
FIRST = ScoredScan(
    patient_key="p1", study_id="s1", scan_id="1", scan_class="gated", convention="literature",
    taken=date(2010, 1, 1), agatston=100.0, volume_mm3=80.0, manufacturer="ACME",
    manufacturer_model="One", convolution_kernel="soft", slice_increment_mm=2.5, kvp=120.0,
    threshold_hu=130.0, region_source="mask", protocol_hash="h",
)  # fmt: skip


def later(years: float, agatston: float, **facts: object) -> ScoredScan:
    taken = date(2010, 1, 1) + timedelta(days=365.25 * years)
    changed = {"scan_id": "2", "taken": taken, "agatston": agatston} | facts
    return replace(FIRST, **changed)  # type: ignore[arg-type]


def test_change_by_hand() -> None:
    found = change(FIRST, later(4, 196.0))
    assert (found.years, found.change, found.change_per_year) == (4.0, 96.0, 24.0)
    assert (found.percent_change, found.percent_change_per_year) == (96.0, 24.0)
    assert (found.sqrt_change, found.sqrt_change_per_year) == (4.0, 1.0)
    assert found.not_comparable == ""
    assert not found.incident
    assert found.progression_15_percent_per_year


def test_nothing_is_infinite_when_there_was_no_calcium() -> None:
    found = change(replace(FIRST, agatston=0.0), later(4, 9.0))
    assert found.incident
    assert found.percent_change is None
    assert found.percent_change_per_year is None
    assert found.progression_15_percent_per_year is None
    assert found.change_per_year == 2.25
    still_none = change(replace(FIRST, agatston=0.0), later(2, 0.0))
    assert not still_none.incident
    assert not still_none.significant_sevrukov_2005


def test_two_scans_of_one_day_have_no_rate() -> None:
    found = change(FIRST, later(0, 120.0))
    assert found.years == 0
    assert found.change == 20
    assert found.change_per_year is None
    assert found.percent_change == 20
    assert found.sqrt_change_per_year is None
    assert found.progression_15_percent_per_year is None


SEVRUKOV = PUBLISHED["sevrukov_2005"]


@pytest.mark.parametrize("before", [0.5, 1.0, 100.0, 399.5, 2500.0])
@pytest.mark.parametrize(
    ("is_significant", "per_root", "from_zero"),
    [
        (significant_agatston, "agatston_per_root", "agatston_from_zero"),
        (significant_volume, "volume_per_root", "volume_from_zero_mm3"),
    ],
    ids=["agatston", "volume"],
)
def test_sevrukov_up_and_down_and_from_zero(
    is_significant: Callable[[float, float], bool], per_root: str, from_zero: str, before: float
) -> None:
    least = SEVRUKOV[per_root] * math.sqrt(before)
    assert not is_significant(before, before + least - 0.01)
    assert is_significant(before, before + least + 0.01)
    if before > least:
        assert not is_significant(before, before - least + 0.01)
        assert is_significant(before, before - least - 0.01)
    assert not is_significant(0, SEVRUKOV[from_zero])
    assert is_significant(0, SEVRUKOV[from_zero] + 0.01)


@pytest.mark.parametrize("root", [0.0, 4.0, 20.0])
def test_koica_differs_at_the_published_change(root: float) -> None:
    step = PUBLISHED["koica"]["square_root_change"]
    for change_of_root, at_least, above in (
        (step - 0.01, False, False),
        (step, True, False),
        (step + 0.01, True, True),
    ):
        later_scan = later(3, (root + change_of_root) ** 2)
        found = change(replace(FIRST, agatston=root**2), later_scan)
        assert (found.progression_koica_2019, found.progression_koica_2021) == (at_least, above)


@pytest.mark.parametrize("years", [1.0, 4.0])
def test_percent_per_year_is_simple(years: float) -> None:
    percent = PUBLISHED["percent_per_year"]["percent"]
    for rate, progressed in ((percent - 0.1, False), (percent + 0.1, True)):
        found = change(FIRST, later(years, 100 + rate * years))
        assert found.progression_15_percent_per_year == progressed


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"manufacturer_model": "Two"}, "scanner"),
        ({"manufacturer": None}, "scanner_unknown"),
        ({"convolution_kernel": "sharp"}, "kernel"),
        ({"slice_increment_mm": 2.75}, ""),
        ({"slice_increment_mm": 2.25}, ""),
        ({"slice_increment_mm": 3.0}, "increment"),
        ({"slice_increment_mm": None}, "increment_unknown"),
        ({"kvp": 100.0, "threshold_hu": 147.0}, "tube_voltage;threshold"),
        ({"region_source": "detector"}, "region_source"),
        ({"convention": "fqm-canon"}, "convention"),
        ({"protocol_hash": "other", "convolution_kernel": None}, "kernel_unknown;protocol"),
    ],
)
def test_what_differs_is_named(facts: dict[str, object], why: str) -> None:
    assert change(FIRST, later(1, 100.0, **facts)).not_comparable == why


def test_pairs_are_of_one_patient_class_and_order() -> None:
    scans = [
        later(2, 3.0, scan_id="c"), FIRST, later(1, 2.0, scan_id="b"),
        later(1, 9.0, scan_id="x", patient_key="p2"),
        later(1, 9.0, scan_id="y", scan_class="nongated"),
        later(3, 9.0, scan_id="n", patient_key=None), replace(FIRST, scan_id="u", taken=None),
    ]  # fmt: skip
    pairs = [(c.scan_id_before, c.scan_id_after) for c in changes(scans)]
    assert pairs == [("1", "b"), ("b", "c")]
    pairs = [(c.scan_id_before, c.scan_id_after) for c in changes(scans, since_first=True)]
    assert pairs == [("1", "b"), ("1", "c")]


def test_only_comparable_pairs_are_counted() -> None:
    zero = replace(FIRST, agatston=0.0)
    found = [
        change(FIRST, later(1, 200.0)),
        change(zero, later(1, 5.0, patient_key="p2")),
        change(zero, later(1, 500.0, kvp=100.0)),
    ]
    summary = summarise(found)
    assert (summary.n_pairs, summary.n_comparable) == (3, 2)
    assert summary.not_comparable == {"tube_voltage": 1}
    assert (summary.n_zero_before, summary.n_incident) == (1, 1)
    assert summary.n_judged["progression_15_percent_per_year"] == 1
    assert summary.n_met["significant_sevrukov_2005"] == 1
    assert summary.median_change_per_year is not None
    assert math.isclose(summary.median_change_per_year, 52.5, rel_tol=1e-2)


ACQUISITION = {
    "manufacturer": "ACME", "manufacturer_model": "One", "convolution_kernel": "soft",
    "slice_increment_mm": 2.5, "kvp": 120.0, "threshold_hu": 130.0, "region_source": "mask",
    "volume_mm3": 10.0,
}  # fmt: skip


def test_from_a_result_folder_to_a_table_of_intervals(
    make_results: MakeResults, tmp_path: Path
) -> None:
    results = make_results(
        [
            {"scan_id": "1.1", "patient_key": "k", "study_date": "20100101", "agatston": 10.0}
            | ACQUISITION,
            {"scan_id": "1.2", "patient_key": "k", "study_date": "20140102", "agatston": 90.0}
            | ACQUISITION,
            {"scan_id": "2.1", "patient_key": "m", "study_date": "", "agatston": 5.0} | ACQUISITION,
        ]
    )
    for name, read in (("p.csv", csv.read_csv), ("p.parquet", parquet.read_table)):
        done = CliRunner().invoke(command, ["progress", results, "--out", str(tmp_path / name)])
        assert done.exit_code == 0, done.output
        assert "1 pairs of 1 patients" in done.output
        assert "1 without patient or date" in done.output
        (row,) = read(str(tmp_path / name)).to_pylist()
        assert row["change_per_year"] == pytest.approx(80 / (1462 / 365.25))
        assert not row["not_comparable"]
        assert not [value for value in row.values() if str(value).startswith("2010")]
    assert {scan.taken for scan in scored_scans(results)} == {
        date(2010, 1, 1),
        date(2014, 1, 2),
        None,
    }
    with pytest.raises(UsageError, match=r"no score by other \(there are: literature\)"):
        scored_scans(results, "other")
    with pytest.raises(UsageError, match="is not a result folder"):
        scored_scans(str(tmp_path))

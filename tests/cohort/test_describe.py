from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from made_results import Facts, MakeResults

from calcarium.cli.cohort import command
from calcarium.cohort.describe import describe
from calcarium.scoring.categories import categorise


def scan(number: int, agatston: float, **facts: str | float | None) -> Facts:
    categories = {f"category_{name}": label for name, label in categorise(agatston).items()}
    score: Facts = {"scan_id": f"1.{number}", "agatston": agatston, "detected": agatston > 0}
    return {**score, **categories, **facts}


SCANS = [
    scan(1, 0.0, sex="F", age_years=49.9),
    scan(2, 0.4, sex="F", age_years=50.0),
    scan(3, 150.0, sex="M", age_years=50.0),
    scan(4, 420.0, sex="M", age_years=59.0),
    scan(5, 30.0, sex=None, age_years=None),
    scan(6, 7.0, sex="M", age_years=50.0, scan_class="nongated"),
    scan(7, 9.0, sex="M", age_years=50.0, outcome="excluded", reason="contrast"),
]


def test_strata_are_what_numpy_says_of_the_same_studies(make_results: MakeResults) -> None:
    found = describe(make_results(SCANS))
    strata = {(s.score_type, s.sex, s.age_decade): s for s in found.strata}
    everyone = strata["gated", "all", "all"]
    assert (everyone.n, everyone.n_zero, everyone.zero_percent) == (5, 1, 20.0)
    scores = [0.0, 0.4, 150.0, 420.0, 30.0]
    assert everyone.mean == pytest.approx(np.mean(scores))
    quantiles = [everyone.p25, everyone.p50, everyone.p75, everyone.p90, everyone.p95]
    assert quantiles == pytest.approx(np.quantile(scores, [0.25, 0.5, 0.75, 0.9, 0.95]))
    sizes = {key: s.n for key, s in strata.items() if key[0] == "gated"}
    assert sizes == {
        ("gated", "all", "all"): 5,
        ("gated", "F", "all"): 2, ("gated", "M", "all"): 2, ("gated", "unknown", "all"): 1,
        ("gated", "all", "40"): 1, ("gated", "all", "50"): 3, ("gated", "all", "unknown"): 1,
        ("gated", "F", "40"): 1, ("gated", "F", "50"): 1, ("gated", "M", "50"): 2,
        ("gated", "unknown", "unknown"): 1,
    }  # fmt: skip
    assert strata["nongated", "all", "all"].n == 1
    assert found.outcomes == {("excluded", "contrast"): 1, ("scored", ""): 6}


def test_every_class_is_counted_in_its_order(make_results: MakeResults) -> None:
    found = describe(make_results(SCANS[:5]))
    counts = [(c.label, c.n) for c in found.categories if c.scheme == "five_rumberger"]
    assert counts == [("none", 2), ("minimal", 0), ("mild", 1), ("moderate", 1), ("extensive", 1)]
    assert sum(c.percent for c in found.categories if c.scheme == "cac_drs") == pytest.approx(100)


def test_small_strata_lose_their_statistics(make_results: MakeResults, tmp_path: Path) -> None:
    results, out = make_results(SCANS), tmp_path / "strata.csv"
    done = CliRunner().invoke(
        command, ["describe", results, "--min-cell", "3", "--out", str(out)], catch_exceptions=False
    )
    assert done.exit_code == 0
    assert "1 studies excluded: contrast" in done.output
    rows = list(csv.DictReader(out.read_text().splitlines()))
    assert all((row["p50"] == "") == (int(row["n"]) < 3) for row in rows)

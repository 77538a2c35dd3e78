"""Guideline rules against the ranges of scores, ages and percentiles that they name."""

from __future__ import annotations

import csv
import math
from itertools import product
from pathlib import Path

import pytest

from calcarium.scoring.guidelines import guideline_rules, rules_met

DATA = Path(__file__).parent / "data"
RULES = list(csv.DictReader((DATA / "guideline-rules.csv").read_text().splitlines()))
SCORES = (0, 0.4, 1, 10, 11, 99, 99.5, 100, 299, 300, 399, 400, 401)


def met(row: dict[str, str], score: float, age: float, percentile: float) -> bool:
    """A rule as its text reads: a range of scores or, with any calcium, a percentile."""
    rounded = math.floor(score + 0.5)
    in_range = int(row["score_from"]) <= rounded <= float(row["score_to"] or math.inf)
    high = (
        bool(row["or_percentile_from"])
        and rounded > 0
        and percentile >= float(row["or_percentile_from"])
    )
    return (in_range or high) and age >= float(row["age_from"] or 0)


def test_the_rules_are_those_of_the_table() -> None:
    assert list(guideline_rules()) == [row["rule"] for row in RULES]


@pytest.mark.parametrize("row", RULES, ids=lambda r: r["rule"])
def test_a_rule_is_met_where_its_text_says(row: dict[str, str]) -> None:
    for score, age, percentile in product(SCORES, (54.9, 55.0, 70.0), (0.0, 74.9, 75.0, 99.0)):
        found = rules_met(score, age_years=age, percentile=percentile)[row["rule"]]
        assert found == met(row, score, age, percentile), (score, age, percentile)

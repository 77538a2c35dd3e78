from __future__ import annotations

import csv
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calcarium.scoring.categories import categorise, integer_score, schemes

DATA = Path(__file__).parent / "data"
BINS = list(csv.DictReader((DATA / "categories.csv").read_text().splitlines()))


def published_label(scheme: str, integer: int) -> str:
    (label,) = (
        row["label"]
        for row in BINS
        if row["scheme"] == scheme
        and int(row["lower"]) <= integer <= float(row["upper"] or math.inf)
    )
    return label


def test_every_published_scheme_is_there_and_no_other() -> None:
    assert set(schemes()) == {row["scheme"] for row in BINS}


@pytest.mark.parametrize("row", BINS, ids=lambda row: f"{row['scheme']}-{row['label']}")
def test_both_ends_of_every_published_bin(row: dict[str, str]) -> None:
    for end in (row["lower"], row["upper"] or "100000"):
        assert categorise(float(end))[row["scheme"]] == row["label"]


@pytest.mark.parametrize(
    ("score", "integer"),
    [(0, 0), (0.4, 0), (0.5, 1), (0.49999999999999994, 0), (1, 1), (10, 10), (10.5, 11), (11, 11),
     (99.5, 100), (99.49, 99), (100, 100), (300, 300), (399, 399), (400, 400), (400.5, 401)],
)  # fmt: skip
def test_rounds_half_up_before_it_looks_up(score: float, integer: int) -> None:
    assert integer_score(score) == integer
    assert categorise(score) == {name: published_label(name, integer) for name in schemes()}


@given(st.integers(0, 5000))
def test_every_integer_has_exactly_one_class_in_every_scheme(score: int) -> None:
    assert categorise(score) == {name: published_label(name, score) for name in schemes()}


@pytest.mark.parametrize("score", [-0.1, math.nan, math.inf])
def test_what_is_no_score_is_refused(score: float) -> None:
    with pytest.raises(ValueError, match="not an Agatston score"):
        categorise(score)

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calcarium.covariates import Race, Sex
from calcarium.scoring.percentiles import HOFF_BANDS, hoff_band, mesa_percentile

DATA = Path(__file__).parent / "data"
RACES: tuple[Race, ...] = ("white", "black", "chinese", "hispanic")
SEX: dict[str, Sex] = {"female": "F", "male": "M"}


def rows(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader((DATA / name).read_text().splitlines()))


@pytest.mark.parametrize("race", RACES)
def test_mesa_reproduces_every_published_cell(race: Race) -> None:
    cells = [row for row in rows("mesa-2006-by-age.csv") if row["race"] == race]
    assert len(cells) == 80
    for row in cells:
        for score in (1, 2, 5, 12, 30, 80, 200, 500, 1500, 4000):
            got = mesa_percentile(
                score, age_years=float(row["age"]), sex=SEX[row["sex"]], race=race
            )
            assert got is not None
            assert got.percentile == pytest.approx(float(row[f"pct_at_{score}"]))
            assert got.nonzero_percent == float(row["p_nonzero_pct"])


def cut_offs() -> list[tuple[dict[str, str], float, float]]:
    """Rows of the published cut-offs at the middle of an age band, each with its percentile.

    Cut-offs of 0 say nothing of a positive score.
    """
    return [
        (row, float(name[1:]), float(row[name]))
        for row in rows("mesa-2006-percentile-cut-offs.csv")
        for name in ("p25", "p50", "p75", "p90", "p95")
        if float(row[name]) > 0
    ]


def test_mesa_reproduces_the_cut_offs_that_were_tabulated_apart() -> None:
    # The ages of a band are pooled in the cut-offs and single in the percentiles, both rounded.
    found = []
    for row, expected, score in cut_offs():
        race: Race = row["race"]  # type: ignore[assignment]
        age = float(row["age_midpoint_used"])
        got = mesa_percentile(score, age_years=age, sex=SEX[row["sex"]], race=race)
        assert got is not None
        found.append(got.percentile - expected)
    assert len(found) == 117
    assert round(max(map(abs, found)), 1) == 2.2
    assert sum(map(abs, found)) / len(found) == pytest.approx(0.74, abs=0.01)


@pytest.mark.parametrize(
    ("age", "score", "percentile", "within"),
    [(46, 45, 89, 0.5), (60, 28, 50, 2), (60, 155, 75, 2), (60, 452, 90, 2)],
)
def test_published_examples_of_white_men(
    age: int, score: float, percentile: float, within: float
) -> None:
    got = mesa_percentile(score, age_years=age, sex="M", race="white")
    assert got is not None
    assert got.percentile == pytest.approx(percentile, abs=within)


@pytest.mark.parametrize("age", [44, 44.99, 85, 90, 3])
def test_mesa_says_nothing_outside_its_ages(age: float) -> None:
    assert mesa_percentile(100, age_years=age, sex="F", race="white") is None


@pytest.mark.parametrize(("age", "same_as"), [(45, 45.9), (84, 84.99)])
def test_completed_years_count(age: float, same_as: float) -> None:
    at = [mesa_percentile(100, age_years=a, sex="F", race="black") for a in (age, same_as)]
    assert at[0] is not None
    assert at[0] == at[1]


def test_zero_is_never_a_median() -> None:
    # More than half of white women of 60 have no calcium: p50 is 0.
    got = mesa_percentile(0, age_years=60, sex="F", race="white")
    assert got is not None
    assert got.percentile == 0
    assert 0 < got.nonzero_percent < 50
    assert hoff_band(0, age_years=60, sex="F") == "zero"


def test_a_score_below_one_has_the_percentile_of_one() -> None:
    low, one = (mesa_percentile(s, age_years=60, sex="M", race="chinese") for s in (0.4, 1))
    assert low == one


@given(
    age=st.integers(45, 84), sex=st.sampled_from(("F", "M")), race=st.sampled_from(RACES),
    scores=st.lists(st.floats(0, 20000), min_size=2, max_size=2),
)  # fmt: skip
def test_percentiles_rise_with_the_score_and_stop_at_99(
    age: int, sex: Sex, race: Race, scores: list[float]
) -> None:
    low, high = (mesa_percentile(s, age_years=age, sex=sex, race=race) for s in sorted(scores))
    assert low is not None
    assert high is not None
    assert 0 <= low.percentile <= high.percentile <= 99
    assert low.nonzero_percent == high.nonzero_percent


@pytest.mark.parametrize("row", rows("hoff-2001.csv"), ids=lambda r: f"{r['sex']}{r['age_band']}")
def test_hoff_reproduces_every_cut_off(row: dict[str, str]) -> None:
    band = row["age_band"]
    ages = (
        (39, 39)
        if band == "<40"
        else (75, 99)
        if band == ">74"
        else tuple(map(int, band.split("-")))
    )
    cut_offs = [float(row[name]) for name in ("p25", "p50", "p75", "p90")]
    for age in ages:
        for i, cut_off in enumerate(cut_offs):
            if cut_off == 0:
                continue
            at = hoff_band(cut_off, age_years=age, sex=SEX[row["sex"]])
            below = hoff_band(cut_off - 0.5, age_years=age, sex=SEX[row["sex"]])
            assert (
                HOFF_BANDS.index(at) == max(j for j, c in enumerate(cut_offs) if c == cut_off) + 1
            )
            assert HOFF_BANDS.index(below) <= i

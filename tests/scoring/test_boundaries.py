"""Every score, age, sex and race at which something changes, through the whole interpretation."""

from __future__ import annotations

import csv
import math
from itertools import product
from pathlib import Path

import pytest

from calcarium.config.interpret import InterpretRules
from calcarium.covariates import Covariates, Race, Sex
from calcarium.scoring.interpret import Interpretation, ScoreFacts, interpret

DATA = Path(__file__).parent / "data"
SCORES = (0, 0.4, 1, 10, 11, 99.5, 100, 300, 399, 400, 401)
AGES = (44, 45, 84, 85)
SEXES: tuple[Sex | None, ...] = ("F", "M", None)
RACES: tuple[Race | None, ...] = ("white", "black", "chinese", "hispanic", None)
SEX_IN_TABLE = {"F": "female", "M": "male"}


def rows(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader((DATA / name).read_text().splitlines()))


CATEGORIES, HOFF = rows("categories.csv"), rows("hoff-2001.csv")
MESA = {(r["sex"], r["race"], int(r["age"])): r for r in rows("mesa-2006-by-age.csv")}


def meaning(score: float, age: float | None, sex: Sex | None, race: Race | None) -> Interpretation:
    facts = ScoreFacts(
        float(score), "gated", is_coronary=True, volume_mm3=float(score),
        agatston_by_vessel={"LM": 0.0, "LAD": float(score), "LCX": 0.0, "RCA": 0.0},
        convention="literature",
    )  # fmt: skip
    person = Covariates(age_years=age, sex=sex, race_ethnicity=race)
    return interpret(facts, person, InterpretRules())


@pytest.mark.parametrize("score", SCORES)
def test_categories_depend_on_the_score_alone(score: float) -> None:
    rounded = math.floor(score + 0.5)
    expected = {
        f"category_{row['scheme']}": row["label"]
        for row in CATEGORIES
        if int(row["lower"]) <= rounded <= float(row["upper"] or math.inf)
    }
    for age, sex, race in product((*AGES, None), SEXES, RACES):
        columns = meaning(score, age, sex, race).columns
        assert {k: v for k, v in columns.items() if k.startswith("category_")} == expected
        assert columns["agatston_300_or_more"] == (rounded >= 300)
        assert columns["arterial_age_at_floor"] == (score == 0)


def mesa_between(cell: dict[str, str], score: float) -> tuple[float, float]:
    """Percentiles of the tabulated scores on both sides of a score."""
    ladder = [(float(k.removeprefix("pct_at_")), float(v)) for k, v in cell.items() if "_at_" in k]
    below = [p for s, p in ladder if s <= max(score, 1)]
    above = [p for s, p in ladder if s >= max(score, 1)]
    return below[-1], above[0]


@pytest.mark.parametrize(("age", "sex", "race"), list(product(AGES, SEXES, RACES)))
def test_mesa_has_a_percentile_from_45_to_84_for_a_known_sex_and_race(
    age: int, sex: Sex | None, race: Race | None
) -> None:
    for score in SCORES:
        found = meaning(score, age, sex, race)
        checks = {row.check: row.text for row in found.quality}
        if sex is None or race is None:
            missing = [n for n, v in (("sex", sex), ("race_ethnicity", race)) if v is None]
            assert checks["percentile_mesa"] == f"missing: {', '.join(missing)}"
        elif not 45 <= age <= 84:
            assert checks["percentile_mesa"] == "age_outside_reference"
        else:
            cell = MESA[SEX_IN_TABLE[sex], race, age]
            percentile = found.columns["percentile_mesa"]
            assert isinstance(percentile, float)
            low, high = (0, 0) if score == 0 else mesa_between(cell, score)
            assert low <= percentile <= high
            assert found.columns["percentile_mesa_nonzero"] == float(cell["p_nonzero_pct"])
            continue
        assert "percentile_mesa" not in found.columns


@pytest.mark.parametrize(
    ("age", "band"), [(39, "<40"), (44, "40-44"), (45, "45-49"), (74, "70-74"), (75, ">74"),
                      (84, ">74"), (85, ">74")],
)  # fmt: skip
@pytest.mark.parametrize("sex", ["F", "M"])
def test_hoff_has_a_band_at_every_age(age: int, band: str, sex: Sex) -> None:
    (row,) = [r for r in HOFF if (r["sex"], r["age_band"]) == (SEX_IN_TABLE[sex], band)]
    cut_offs = [float(row[name]) for name in ("p25", "p50", "p75", "p90")]
    for score in SCORES:
        reached = sum(score >= cut_off for cut_off in cut_offs)
        label = ("<25", "25-50", "50-75", "75-90", ">=90")[reached] if score else "zero"
        assert meaning(score, age, sex, None).columns["percentile_hoff"] == label


@pytest.mark.parametrize("score", SCORES)
def test_nothing_known_leaves_the_score_alone(score: float) -> None:
    found = meaning(score, None, None, None)
    unknown = {row.check for row in found.quality if row.status == "unknown"}
    assert unknown >= {"percentile_mesa", "percentile_hoff", "risk_mesa"}
    assert not {"percentile_mesa", "percentile_hoff", "risk_mesa_chd_10y_percent"} & set(
        found.columns
    )
    group = {0: "0", 0.4: "0"}.get(score, ">=100 or >=75th percentile" if score >= 99.5 else None)
    assert found.columns["acc_aha_group"] == group

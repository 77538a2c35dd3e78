"""Each check of eligibility, at both ends of the range that its source names."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from calcarium.config.interpret import InterpretRules
from calcarium.covariates import Covariates
from calcarium.scoring.eligibility import eligibility

DATA = Path(__file__).parent / "data"
RANGES = list(csv.DictReader((DATA / "eligibility.csv").read_text().splitlines()))


def status(row: dict[str, str], value: float) -> str:
    person = Covariates(sex=row["sex"], **{row["field"]: value})  # type: ignore[arg-type]
    rows = {found.check: found for found in eligibility(person, InterpretRules())}
    return rows[row["check"]].status


@pytest.mark.parametrize("row", RANGES, ids=lambda r: f"{r['check']}-{r['sex']}")
def test_a_range_holds_its_ends_and_nothing_beyond(row: dict[str, str]) -> None:
    step = 1.0 if row["field"] == "age_years" else 0.01
    if row["from"]:
        least = float(row["from"])
        assert (status(row, least - step), status(row, least)) == ("warn", "pass")
    if row["to"]:
        most = float(row["to"])
        at_end = "pass" if row["to_counts"] == "yes" else "warn"
        assert (status(row, most - step), status(row, most)) == ("pass", at_end)
        assert status(row, most + step) == "warn"


def test_completed_years_count() -> None:
    sixty = {"check": "age_most_informative", "sex": "M", "field": "age_years"}
    assert (status(sixty, 60.99), status(sixty, 61.0)) == ("pass", "warn")


@pytest.mark.parametrize("sex", ["M", "F", None])
def test_an_unknown_age_or_sex_makes_no_check(sex: str | None) -> None:
    nobody = eligibility(Covariates(sex=sex), InterpretRules())  # type: ignore[arg-type]
    assert nobody == ()
    only_age = eligibility(Covariates(age_years=60), InterpretRules())
    assert [row.check for row in only_age] == ["age_guideline"]

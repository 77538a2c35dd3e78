from __future__ import annotations

import csv
import math
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from calcarium.covariates import Covariates
from calcarium.scoring.risk import INPUTS, mesa_risk, missing_inputs

DATA = Path(__file__).parent / "data"
COEFFICIENTS = list(csv.DictReader((DATA / "risk-mesa-2015.csv").read_text().splitlines()))
EXAMPLES = tomllib.loads((Path(__file__).parent / "data" / "mesa-2015-examples.toml").read_text())
HEALTHY = Covariates(
    diabetes=False,
    current_smoker=False,
    lipid_lowering_medication=False,
    family_history_heart_attack=False,
)


def person(example: dict[str, object]) -> Covariates:
    known = {name: example[name] for name in INPUTS if name in example}
    return replace(HEALTHY, **known)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "example", EXAMPLES["example"], ids=lambda e: f"{e['person']}, {e['agatston']}"
)
def test_published_examples(example: dict[str, object]) -> None:
    agatston = example["agatston"]
    assert isinstance(agatston, int)
    risk = mesa_risk(agatston, person(example))
    assert risk is not None
    assert risk.with_cac_percent == pytest.approx(example["with_cac_percent"], abs=0.005)
    if "without_cac_percent" in example:
        assert risk.without_cac_percent == pytest.approx(example["without_cac_percent"], abs=0.005)


@pytest.mark.parametrize("name", INPUTS)
def test_nothing_is_filled_in(name: str) -> None:
    known = person(EXAMPLES["example"][0])
    assert missing_inputs(known) == ()
    unknown = replace(known, **{name: None})
    assert missing_inputs(unknown) == (name,)
    assert mesa_risk(100, unknown) is None


@pytest.mark.parametrize(("age", "given"), [(44, False), (45, True), (85, True), (86, False)])
def test_ages_of_the_model(age: float, given: bool) -> None:
    known = replace(person(EXAMPLES["example"][0]), age_years=age)
    assert (mesa_risk(0, known) is not None) == given


def test_each_risk_factor_raises_the_risk() -> None:
    known = person(EXAMPLES["example"][1])
    base = mesa_risk(10, known)
    assert base is not None
    factors = ("diabetes", "current_smoker", "family_history_heart_attack")
    for name in (*factors, "hypertension_medication", "lipid_lowering_medication"):
        raised = mesa_risk(10, replace(known, **{name: True}))
        assert raised is not None
        assert raised.with_cac_percent > base.with_cac_percent
        assert raised.without_cac_percent > base.without_cac_percent


WOMAN = replace(
    HEALTHY, age_years=60, sex="F", race_ethnicity="white", total_cholesterol_mg_dl=200,
    hdl_mg_dl=50, sbp_mm_hg=120, hypertension_medication=False,
)  # fmt: skip
VALUES = {"no": False, "yes": True}


def predictors(person: Covariates, agatston: float = 0) -> tuple[float, float]:
    """Linear predictor and ln(-ln S0) of both models: ln(-ln(1 - risk)) of 1 - S0 ** exp(sum)."""
    risk = mesa_risk(agatston, person)
    assert risk is not None
    shares = (risk.without_cac_percent / 100, risk.with_cac_percent / 100)
    return tuple(math.log(-math.log1p(-share)) for share in shares)  # type: ignore[return-value]


@pytest.mark.parametrize("row", COEFFICIENTS, ids=lambda r: r["term"])
def test_every_published_coefficient(row: dict[str, str]) -> None:
    """One input changed by one unit moves the linear predictor by its coefficient."""
    before, after = (
        predictors(replace(WOMAN, **{row["field"]: parsed(row["field"], row[end])}))
        for end in ("from", "to")
    )
    assert after[0] - before[0] == pytest.approx(float(row["without_cac"]), abs=1e-9)
    assert after[1] - before[1] == pytest.approx(float(row["with_cac"]), abs=1e-9)


def parsed(field: str, text: str) -> object:
    if field in ("sex", "race_ethnicity"):
        return text
    return VALUES[text] if text in VALUES else float(text)


def test_calcium_enters_as_the_logarithm_of_the_score_plus_one() -> None:
    none, some = predictors(WOMAN), predictors(WOMAN, math.e - 1)
    assert some[0] == none[0]
    assert some[1] - none[1] == pytest.approx(0.2743, abs=1e-9)

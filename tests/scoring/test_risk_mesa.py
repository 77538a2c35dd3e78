from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from calcarium.covariates import Covariates
from calcarium.scoring.risk import INPUTS, mesa_risk, missing_inputs

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

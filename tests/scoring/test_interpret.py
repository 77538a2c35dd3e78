from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest

from calcarium.config.interpret import Eligibility, InterpretRules
from calcarium.covariates import Covariates
from calcarium.errors import ScanExcluded
from calcarium.quality import CHECKS
from calcarium.scoring.eligibility import ELIGIBILITY, eligibility
from calcarium.scoring.guidelines import acc_aha_group, guideline_rules, rules_met
from calcarium.scoring.interpret import ScoreFacts, interpret
from calcarium.tables.interpretation_columns import GUIDELINE_RULES, INTERPRETATION

RULES = InterpretRules()
MAN = Covariates(
    age_years=60, sex="M", race_ethnicity="white", total_cholesterol_mg_dl=200, hdl_mg_dl=50,
    sbp_mm_hg=130, diabetes=False, current_smoker=False, lipid_lowering_medication=False,
    hypertension_medication=False, family_history_heart_attack=False,
)  # fmt: skip
MAN_OF_39 = Covariates(age_years=39.9, sex="M")
MAN_OF_81 = Covariates(age_years=81, sex="M")
HIGH_RISK = Covariates(ascvd_risk_10y_percent=20.0)
GATED = ScoreFacts(
    150.0, "gated", is_coronary=True,
    agatston_by_vessel={"LM": 0.0, "LAD": 150.0, "LCX": 0.0, "RCA": 0.0},
    volume_mm3=150.0, convention="literature",
)  # fmt: skip


def checks(covariates: Covariates, facts: ScoreFacts = GATED) -> dict[str, tuple[str, str]]:
    quality = interpret(facts, covariates, RULES).quality
    return {row.check: (row.status, row.text) for row in quality}


def test_everything_known_fills_every_column_of_the_table() -> None:
    found = interpret(GATED, MAN, RULES)
    assert set(found.columns) == {column.name for column in INTERPRETATION}
    assert all(cell is not None for cell in found.columns.values())
    assert found.quality == ()


def test_density_and_spread_of_the_primary_score() -> None:
    columns = interpret(GATED, MAN, RULES).columns
    assert columns["density_score"] == 3.0
    assert columns["vessel_max_to_mean"] == 4.0


def test_a_man_of_fifty_with_281_has_an_arterial_age_of_eighty() -> None:
    facts = replace(GATED, agatston=281.0)
    columns = interpret(facts, replace(MAN, age_years=50), RULES).columns
    assert columns["arterial_age_years"] == pytest.approx(80.0, abs=0.05)


def test_what_is_unknown_is_null_and_named() -> None:
    found = interpret(GATED, replace(MAN, race_ethnicity=None), RULES)
    assert "percentile_mesa" not in found.columns
    assert found.columns["percentile_hoff"] == "50-75"
    assert found.columns["acc_aha_group"] == ">=100 or >=75th percentile"
    assert checks(replace(MAN, race_ethnicity=None)) == {
        "percentile_mesa": ("unknown", "missing: race_ethnicity"),
        "risk_mesa": ("unknown", "missing: race_ethnicity"),
        "guideline_rules": ("unknown", "acc_aha_2013_cac_300_or_p75"),
    }
    no_sex = interpret(GATED, replace(MAN, sex=None), RULES).columns
    assert not {"percentile_hoff", "percentile_mesa", "risk_mesa_chd_10y_percent"} & set(no_sex)


@pytest.mark.parametrize(("age", "given"), [(44, False), (45, True), (84, True), (85, False)])
def test_an_age_outside_the_reference_is_named(age: float, given: bool) -> None:
    found = checks(replace(MAN, age_years=age))
    assert ("percentile_mesa" not in found) == given
    if not given:
        assert found["percentile_mesa"] == ("unknown", "age_outside_reference")


@pytest.mark.parametrize("scan_class", ["nongated", "contrast"])
def test_only_gated_scans_are_compared_unless_the_protocol_says_so(scan_class: str) -> None:
    facts = replace(GATED, scan_class=scan_class)
    columns = interpret(facts, MAN, RULES).columns
    assert columns["category_cac_drs"] == "A2"
    assert not {"percentile_mesa", "percentile_hoff", "arterial_age_years"} & set(columns)
    assert checks(MAN, facts)["reference_class"][0] == "unknown"

    asked = InterpretRules(reference_classes=(scan_class,))  # type: ignore[arg-type]
    found = interpret(facts, MAN, asked)
    assert found.columns["percentile_mesa"] is not None
    assert [(row.check, row.status) for row in found.quality] == [("reference_class", "warn")]


@pytest.mark.parametrize(
    "facts", [replace(GATED, agatston=None), replace(GATED, is_coronary=False)]
)
def test_what_is_no_coronary_score_means_nothing(facts: ScoreFacts) -> None:
    assert interpret(facts, MAN, RULES).columns == {}
    assert checks(MAN, facts)["interpretation"][0] == "unknown"


@pytest.mark.parametrize(
    ("by_vessel", "limited"),
    [
        ({"LM": 1.0, "LAD": 2.0, "LCX": 0.0, "RCA": 4.0}, False),
        ({"LM+LAD": 3.0, "RCA": 0.0}, True),
        ({"LM+LAD": 0.0, "RCA": 5.0}, False),
        ({"RCA": 5.0, "unassigned": 1.0}, True),
    ],
)
def test_the_count_of_vessels_is_limited_where_arteries_are_merged(
    by_vessel: dict[str, float], limited: bool
) -> None:
    facts = replace(GATED, agatston_by_vessel=by_vessel)
    assert interpret(facts, MAN, RULES).columns["n_vessels_limited"] is limited


@pytest.mark.parametrize(
    ("score", "percentile", "group"),
    [(0, None, "0"), (0.4, 90, "0"), (1, 10, "1-99"), (99.4, 74.9, "1-99"), (10, None, None),
     (10, 75, ">=100 or >=75th percentile"), (99.5, None, ">=100 or >=75th percentile")],
)  # fmt: skip
def test_acc_aha_group(score: float, percentile: float | None, group: str | None) -> None:
    assert acc_aha_group(score, percentile) == group


@pytest.mark.parametrize(
    ("score", "age", "percentile", "met"),
    [
        (0, None, None, (True, False, False, False)),
        (10, 54, 10, (False, False, False, False)),
        (10, 55, 10, (False, True, False, False)),
        (10, None, 10, (False, None, False, False)),
        (10, 55, 75, (False, True, True, True)),
        (10, 55, None, (False, True, None, None)),
        (100, 55, 10, (False, False, True, False)),
        (299.5, 55, 10, (False, False, True, True)),
        (300, None, None, (False, False, True, True)),
    ],
)
def test_rules_in_the_order_of_their_table(
    score: float, age: float | None, percentile: float | None, met: tuple[bool | None, ...]
) -> None:
    assert tuple(rules_met(score, age_years=age, percentile=percentile).values()) == met


def test_every_rule_has_a_text_a_source_and_a_column() -> None:
    assert tuple(guideline_rules()) == GUIDELINE_RULES
    assert all(rule.text and rule.source for rule in guideline_rules().values())


@pytest.mark.parametrize(
    ("covariates", "warned"),
    [
        (MAN_OF_39, {"age_low_yield", "age_most_informative", "age_guideline"}),
        (Covariates(age_years=40, sex="M"), set()),
        (Covariates(age_years=49, sex="F"), {"age_low_yield"}),
        (Covariates(age_years=50, sex="F"), set()),
        (Covariates(age_years=71, sex="F"), {"age_most_informative"}),
        (MAN_OF_81, {"age_most_informative", "age_high_ceiling", "age_guideline"}),
        (Covariates(ascvd_risk_10y_percent=5.0), {"risk_intermediate"}),
        (HIGH_RISK, {"risk_intermediate", "risk_borderline_or_intermediate"}),
        (Covariates(stent=True), {"known_ascvd", "device_in_history"}),
        (Covariates(pacemaker=True), {"device_in_history"}),
        (Covariates(known_ascvd=False, symptomatic=True), {"symptomatic"}),
        (Covariates(), set()),
    ],
)
def test_eligibility_marks_and_does_not_exclude(covariates: Covariates, warned: set[str]) -> None:
    rows = eligibility(covariates, RULES)
    assert {row.check for row in rows if row.status == "warn"} == warned


def test_the_protocol_may_exclude_for_what_is_known() -> None:
    rules = InterpretRules(exclude_if=("known_ascvd",))
    with pytest.raises(ScanExcluded, match="known_ascvd"):
        eligibility(Covariates(bypass=True), rules)
    assert eligibility(Covariates(symptomatic=True), rules)


def test_every_check_is_registered() -> None:
    assert set(ELIGIBILITY) == set(get_args(Eligibility))
    assert set(ELIGIBILITY) <= set(CHECKS)
    for facts in (GATED, replace(GATED, agatston=None), replace(GATED, scan_class="nongated")):
        assert set(checks(Covariates(), facts)) <= set(CHECKS)

"""Whom a calcium scan is for, by source; the sources disagree, so each is a check of its own.

What each asks, and who says so, is in :data:`calcarium.quality.CHECKS`. A check is
made where its covariate is known, and is absent otherwise. It marks the scan; it
excludes only if the protocol asks for it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeAlias

from calcarium.config.interpret import InterpretRules
from calcarium.covariates import Covariates, Sex
from calcarium.errors import ScanExcluded
from calcarium.quality import QualityRow

Verdict: TypeAlias = tuple[bool, float | None]
"""Whether the check passes, and the number that it looked at."""
Check: TypeAlias = Callable[[Covariates], Verdict | None]


def eligibility(covariates: Covariates, rules: InterpretRules) -> tuple[QualityRow, ...]:
    """Make every check whose covariates are known.

    Raises
    ------
    ScanExcluded
        ``not_eligible``, if a check fails for which the protocol excludes.
    """
    verdicts = {name: check(covariates) for name, check in ELIGIBILITY.items()}
    for name in rules.exclude_if:
        verdict = verdicts[name]
        if verdict is not None and not verdict[0]:
            raise ScanExcluded("not_eligible", name)
    return tuple(
        QualityRow(name, "pass" if verdict[0] else "warn", verdict[1])
        for name, verdict in verdicts.items()
        if verdict is not None
    )


def _age_by_sex(limits: dict[Sex, tuple[float, float]]) -> Check:
    """Inclusive limits of the completed years, by sex."""

    def check(covariates: Covariates) -> Verdict | None:
        if covariates.age_years is None or covariates.sex is None:
            return None
        age = math.floor(covariates.age_years)
        least, most = limits[covariates.sex]
        return least <= age <= most, float(age)

    return check


def _age_between(least: int, most: int) -> Check:
    def check(covariates: Covariates) -> Verdict | None:
        if covariates.age_years is None:
            return None
        age = math.floor(covariates.age_years)
        return least <= age <= most, float(age)

    return check


def _risk_within(least_percent: float, below_percent: float) -> Check:
    def check(covariates: Covariates) -> Verdict | None:
        risk = covariates.ascvd_risk_10y_percent
        return None if risk is None else (least_percent <= risk < below_percent, risk)

    return check


def _free_of(*names: str) -> Check:
    """Pass if all that is known of these is no; unknown only if nothing is known."""

    def check(covariates: Covariates) -> Verdict | None:
        known = [getattr(covariates, name) for name in names]
        if all(value is None for value in known):
            return None
        return not any(known), None

    return check


ELIGIBILITY: dict[str, Check] = {
    "age_low_yield": _age_by_sex({"M": (40, math.inf), "F": (50, math.inf)}),
    "age_most_informative": _age_by_sex({"M": (40, 60), "F": (35, 70)}),
    "age_high_ceiling": _age_by_sex({"M": (0, 80), "F": (0, math.inf)}),
    "age_guideline": _age_between(40, 75),
    "risk_intermediate": _risk_within(7.5, 20),
    "risk_borderline_or_intermediate": _risk_within(5, 20),
    "known_ascvd": _free_of("known_ascvd", "myocardial_infarction", "stent", "bypass"),
    "device_in_history": _free_of("stent", "bypass", "pacemaker"),
    "symptomatic": _free_of("symptomatic"),
    "pregnant": _free_of("pregnant"),
}

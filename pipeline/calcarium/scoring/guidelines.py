"""What guidelines say of a score: which named rule a scan meets. A description, not advice."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Final, Literal, TypeAlias, cast

from calcarium.scoring.categories import integer_score
from calcarium.scoring.reference import read_toml

HIGHEST: Final = ">=100 or >=75th percentile"
AccAhaGroup: TypeAlias = Literal["0", "1-99", ">=100 or >=75th percentile"]


@dataclass(frozen=True)
class GuidelineRule:
    """One rule of a guideline.

    Attributes
    ----------
    text : what the guideline says of people who meet it, within the population it is for
    score_from, score_to : inclusive limits of the integer score
    age_from : least age in completed years
    percentile_from : this percentile is enough by itself, unless the score is 0
    """

    source: str
    text: str
    score_from: int
    score_to: int | None = None
    age_from: int | None = None
    percentile_from: int | None = None

    def is_met(self, score: int, age: float | None, percentile: float | None) -> bool | None:
        """Whether a scan meets the rule; ``None`` where a missing input decides."""
        by_score = (
            self.score_from <= score <= (math.inf if self.score_to is None else self.score_to)
        )
        if by_score and self.age_from is not None:
            return None if age is None else math.floor(age) >= self.age_from
        if by_score or self.percentile_from is None or score == 0:
            return by_score
        if percentile is None:
            return None
        return percentile >= self.percentile_from


@cache
def guideline_rules() -> dict[str, GuidelineRule]:
    """Every shipped rule by name."""
    table = cast(dict[str, dict[str, object]], read_toml("guideline-rules.toml"))
    return {name: GuidelineRule(**entry) for name, entry in table.items()}  # type: ignore[arg-type]


def rules_met(
    agatston: float, *, age_years: float | None, percentile: float | None
) -> dict[str, bool | None]:
    """Whether each rule is met; ``None`` where it hangs on something unknown.

    Parameters
    ----------
    agatston : Agatston score, not rounded
    percentile : percentile of the score for age, sex and race
    """
    score = integer_score(agatston)
    return {
        name: rule.is_met(score, age_years, percentile) for name, rule in guideline_rules().items()
    }


def acc_aha_group(agatston: float, percentile: float | None) -> AccAhaGroup | None:
    """Group of the 2018 ACC/AHA guideline.

    ``None`` where the score is 1 to 99 and the percentile that could raise it is unknown.
    """
    score = integer_score(agatston)
    if score == 0:
        return "0"
    if score >= 100:
        return HIGHEST
    if percentile is None:
        return None
    return HIGHEST if percentile >= 75 else "1-99"

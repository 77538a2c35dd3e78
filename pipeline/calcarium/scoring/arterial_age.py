"""The age at which the observed calcium would be usual (McClelland 2009, Am J Cardiol 103:59)."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class ArterialAge:
    """Arterial age, equal for both sexes and all races.

    Attributes
    ----------
    years : arterial age
    at_floor : the score is 0, so the age is "39 or less"; younger ages do not exist
    """

    years: float
    at_floor: bool


def arterial_age(agatston: float) -> ArterialAge:
    """Arterial age of a score: ``39.1 + 7.25 * ln(Agatston + 1)`` years.

    Parameters
    ----------
    agatston : Agatston score of a gated scan without contrast, not rounded
    """
    return ArterialAge(39.1 + 7.25 * math.log1p(agatston), at_floor=agatston == 0)

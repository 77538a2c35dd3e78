"""Named categories of an Agatston score.

Published schemes are stated on integers and disagree at their limits: 100 is
*mild* in one and *moderate* in another. So all of them are given, by name.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import cast

from calcarium.scoring.reference import read_toml


@dataclass(frozen=True)
class Scheme:
    """Bins of one scheme: bin ``i`` holds integer scores from ``lower[i]`` to the next."""

    name: str
    source: str
    labels: tuple[str, ...]
    lower: tuple[int, ...]

    def label(self, score: float) -> str:
        """Label of a raw score."""
        return self.labels[bisect_right(self.lower, integer_score(score)) - 1]


@cache
def schemes() -> dict[str, Scheme]:
    """Every scheme by name, in the order of the table."""
    return {name: _scheme(name, entry) for name, entry in read_toml("categories.toml").items()}


def integer_score(score: float) -> int:
    """Round half up, as a report prints it: 0.4 is 0, 99.5 is 100.

    A score of 0.4 is thus in the class of zero although calcium was detected;
    ``detected`` is a column of its own.

    Raises
    ------
    ValueError
        if the score is negative or not finite.
    """
    if not math.isfinite(score) or score < 0:
        raise ValueError(f"{score} is not an Agatston score")
    fraction, whole = math.modf(score)
    return int(whole) + (fraction >= 0.5)


def categorise(score: float) -> dict[str, str]:
    """Label of a score in every scheme.

    Parameters
    ----------
    score : Agatston score, not rounded

    Returns
    -------
    label by scheme: ``five_rumberger``, ``four_100_400``, ``cac_drs``, ``six_1000``,
    ``acc_aha_2018``, ``deepcac``, ``javaid_young``

    Raises
    ------
    ValueError
        if the score is negative or not finite.
    """
    return {name: scheme.label(score) for name, scheme in schemes().items()}


def _scheme(name: str, entry: object) -> Scheme:
    table = cast(dict[str, object], entry)
    bins = cast(list[dict[str, object]], table["bins"])
    lower = tuple(cast(int, bin_["from"]) for bin_ in bins)
    if lower[0] != 0 or any(above <= below for below, above in pairwise(lower)):
        raise ValueError(f"the bins of {name} must start at 0 and rise")
    return Scheme(name, str(table["source"]), tuple(str(bin_["label"]) for bin_ in bins), lower)

"""How well two sets of scores agree: scores, categories, and any calcium at all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calcarium.cohort.score_pairs import TOTAL, ScorePairs
from calcarium.cohort.statistics import (
    Estimate,
    Float64,
    KappaWeights,
    bland_altman,
    confusion,
    icc,
    kappa,
    pearson,
    proportion,
    spearman,
)
from calcarium.scoring.categories import Scheme, schemes

KAPPAS: dict[KappaWeights, str] = {
    "none": "kappa",
    "linear": "kappa_linear",
    "quadratic": "kappa_quadratic",
}


@dataclass(frozen=True)
class Finding:
    """One statistic; the fields are the columns of the table.

    Attributes
    ----------
    vessel : ``total`` or an artery
    measure : what it is; differences are the run minus the reference
    scheme : of the categories, else empty
    n : pairs that it is made of
    low, high : 95 % interval; ``None`` where there is none
    """

    vessel: str
    measure: str
    scheme: str
    n: int
    value: float
    low: float | None = None
    high: float | None = None


def agreement(pairs: ScorePairs) -> list[Finding]:
    """Every statistic of every vessel; categories of the total only."""
    found: list[Finding] = []
    for vessel, own in pairs.own.items():
        reference = pairs.reference[vessel]
        found += _of_scores(vessel, own, reference)
        found += _of_any_calcium(vessel, own > 0, reference > 0)
    for scheme in schemes().values():
        found += _of_categories(scheme, category_table(pairs, scheme))
    return found


def category_table(pairs: ScorePairs, scheme: Scheme) -> NDArray[np.int64]:
    """Pairs by class of the reference (rows) and of the run (columns)."""
    reference, own = (
        [scheme.labels.index(scheme.label(score)) for score in side[TOTAL]]
        for side in (pairs.reference, pairs.own)
    )
    return confusion(reference, own, len(scheme.labels))


def _finding(vessel: str, measure: str, n: int, estimate: Estimate, scheme: str = "") -> Finding:
    return Finding(vessel, measure, scheme, n, estimate.value, estimate.low, estimate.high)


def _of_scores(vessel: str, own: Float64, reference: Float64) -> Iterator[Finding]:
    n = len(own)
    yield Finding(vessel, "pearson", "", n, pearson(own, reference))
    yield Finding(vessel, "spearman", "", n, spearman(own, reference))
    if n < 2:
        return
    ratings = np.stack([own, reference], axis=1)
    yield _finding(vessel, "icc_a1", n, icc(ratings, "A,1"))
    yield _finding(vessel, "icc_c1", n, icc(ratings, "C,1"))
    # The spread grows with the score, so limits on a logarithmic scale are given too.
    scales = {"": (own, reference), "_log1p": (np.log1p(own), np.log1p(reference))}
    for scale, (a, b) in scales.items():
        limits = bland_altman(a, b)
        yield _finding(vessel, f"bias{scale}", n, limits.bias)
        yield _finding(vessel, f"limit_lower{scale}", n, limits.lower)
        yield _finding(vessel, f"limit_upper{scale}", n, limits.upper)


def _of_any_calcium(
    vessel: str, own: NDArray[np.bool_], reference: NDArray[np.bool_]
) -> Iterator[Finding]:
    n, positive, negative = len(own), int(reference.sum()), int((~reference).sum())
    hits, rejections = int((own & reference).sum()), int((~own & ~reference).sum())
    yield _finding(vessel, "any_calcium_sensitivity", positive, proportion(hits, positive))
    yield _finding(vessel, "any_calcium_specificity", negative, proportion(rejections, negative))
    yield _finding(vessel, "both_zero", n, proportion(rejections, n))


def _of_categories(scheme: Scheme, table: NDArray[np.int64]) -> Iterator[Finding]:
    n = int(table.sum())
    shares = {
        "same_class": np.trace(table),
        "higher_class": np.triu(table, 1).sum(),
        "lower_class": np.tril(table, -1).sum(),
    }
    for measure, count in shares.items():
        yield _finding(TOTAL, measure, n, proportion(int(count), n), scheme.name)
    for weights, measure in KAPPAS.items():
        yield _finding(TOTAL, measure, n, kappa(table, weights), scheme.name)

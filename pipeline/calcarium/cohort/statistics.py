"""Agreement of two sets of scores: the statistics of this literature, with intervals.

All intervals are two-sided 95 %. Nothing is dropped: a missing value must be
taken out by the caller, who then also reports how many there were.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

Float64: TypeAlias = NDArray[np.float64]
IccForm: TypeAlias = Literal["1,1", "A,1", "C,1"]
KappaWeights: TypeAlias = Literal["none", "linear", "quadratic"]

ALPHA = 0.05
Z = float(stats.norm.ppf(1 - ALPHA / 2))


@dataclass(frozen=True)
class Estimate:
    """A statistic with its 95 % interval; NaN where the data do not determine it."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class BlandAltman:
    """Differences ``a - b``.

    Attributes
    ----------
    bias : mean difference
    sd : standard deviation of the differences (n - 1)
    lower, upper : limits of agreement, bias -/+ 1.96 sd; intervals as Bland and Altman 1986
    """

    bias: Estimate
    sd: float
    lower: Estimate
    upper: Estimate


def icc(ratings: ArrayLike, form: IccForm = "A,1") -> Estimate:
    """Intraclass correlation of single ratings.

    Parameters
    ----------
    ratings : shape (n_targets, n_raters), both at least 2
    form : ``"1,1"`` one-way; ``"A,1"`` two-way, absolute agreement (a constant shift
        between raters counts against it); ``"C,1"`` two-way, consistency

    Notes
    -----
    Shrout and Fleiss 1979 (their 1, 2 and 3); intervals as McGraw and Wong 1996, Table 7.

    Raises
    ------
    ValueError
        if there are fewer than two targets or raters.
    """
    x = np.asarray(ratings, dtype=np.float64)
    if x.ndim != 2 or min(x.shape) < 2:
        raise ValueError(f"ratings of shape {x.shape}: two targets and two raters are needed")
    n, k = x.shape
    between, within, raters, residual = _mean_squares(x)
    if form == "1,1":
        return _icc_from_f(between, within, k, n - 1, n * (k - 1))
    if form == "C,1":
        return _icc_from_f(between, residual, k, n - 1, (n - 1) * (k - 1))
    return _icc_absolute(between, raters, residual, n, k)


def _mean_squares(x: Float64) -> tuple[float, float, float, float]:
    """Mean squares between targets, within targets, between raters, and residual."""
    n, k = x.shape
    of_target, of_rater, overall = x.mean(axis=1), x.mean(axis=0), x.mean()
    between = k * np.sum((of_target - overall) ** 2) / (n - 1)
    within = np.sum((x - of_target[:, None]) ** 2) / (n * (k - 1))
    raters = n * np.sum((of_rater - overall) ** 2) / (k - 1)
    residuals = x - of_target[:, None] - of_rater[None, :] + overall
    residual = np.sum(residuals**2) / ((n - 1) * (k - 1))
    return float(between), float(within), float(raters), float(residual)


def _ratio(numerator: float, denominator: float) -> float:
    return numerator / denominator if denominator != 0 else math.nan


def _icc_from_f(between: float, error: float, k: int, df1: int, df2: int) -> Estimate:
    """ICC whose F ratio has an exact distribution."""
    value = _ratio(between - error, between + (k - 1) * error)
    if error == 0:
        return Estimate(value, value, value)
    f = between / error
    low = f / stats.f.ppf(1 - ALPHA / 2, df1, df2)
    high = f * stats.f.ppf(1 - ALPHA / 2, df2, df1)
    return Estimate(value, float((low - 1) / (low + k - 1)), float((high - 1) / (high + k - 1)))


def _icc_absolute(between: float, raters: float, residual: float, n: int, k: int) -> Estimate:
    """ICC(A,1); the interval uses Satterthwaite's degrees of freedom."""
    value = _ratio(between - residual, between + (k - 1) * residual + k * (raters - residual) / n)
    if not value < 1:
        return Estimate(value, value, value)
    a = k * value / (n * (1 - value))
    b = 1 + k * value * (n - 1) / (n * (1 - value))
    combined = a * raters + b * residual
    v = combined**2 / ((a * raters) ** 2 / (k - 1) + (b * residual) ** 2 / ((n - 1) * (k - 1)))
    f_low, f_high = stats.f.ppf(1 - ALPHA / 2, n - 1, v), stats.f.ppf(1 - ALPHA / 2, v, n - 1)
    error = k * raters + (k * n - k - n) * residual
    low = n * (between - f_low * residual) / (f_low * error + n * between)
    high = n * (f_high * between - residual) / (error + n * f_high * between)
    return Estimate(value, float(low), float(high))


def bland_altman(a: ArrayLike, b: ArrayLike) -> BlandAltman:
    """Bias and limits of agreement of ``a - b`` (Bland and Altman 1986).

    Raises
    ------
    ValueError
        if there are fewer than two pairs.
    """
    difference = np.asarray(a, dtype=np.float64) - np.asarray(b, dtype=np.float64)
    n = difference.size
    if n < 2:
        raise ValueError("two pairs are needed")
    bias, sd = float(difference.mean()), float(difference.std(ddof=1))
    t = float(stats.t.ppf(1 - ALPHA / 2, n - 1))
    of_bias, of_limit = t * sd / math.sqrt(n), t * sd * math.sqrt(3 / n)

    def around(value: float, half_width: float) -> Estimate:
        return Estimate(value, value - half_width, value + half_width)

    return BlandAltman(
        around(bias, of_bias), sd, around(bias - Z * sd, of_limit), around(bias + Z * sd, of_limit)
    )


def confusion(reference: ArrayLike, other: ArrayLike, n_classes: int) -> NDArray[np.int64]:
    """Counts by class, reference in rows; classes are numbers from 0."""
    table = np.zeros((n_classes, n_classes), dtype=np.int64)
    np.add.at(table, (np.asarray(reference, dtype=np.intp), np.asarray(other, dtype=np.intp)), 1)
    return table


def kappa(table: ArrayLike, weights: KappaWeights = "none") -> Estimate:
    """Cohen's kappa of a square table of counts.

    Parameters
    ----------
    table : shape (n_classes, n_classes), classes in their order
    weights : disagreement counts equally, by the distance of classes, or by its square

    Notes
    -----
    The interval is the asymptotic one of Fleiss, Cohen and Everitt 1969.

    Raises
    ------
    ValueError
        if the table is not square or empty.
    """
    counts = np.asarray(table, dtype=np.float64)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or counts.sum() <= 0:
        raise ValueError("kappa needs a square table with counts")
    n, p = counts.sum(), counts / counts.sum()
    rows, columns = p.sum(axis=1), p.sum(axis=0)
    credit = _credit(len(p), weights)
    observed, expected = float((credit * p).sum()), float(rows @ credit @ columns)
    if expected == 1:
        return Estimate(math.nan, math.nan, math.nan)
    value = (observed - expected) / (1 - expected)
    mean_credit = (credit @ columns)[:, None] + (rows @ credit)[None, :]
    spread = (p * (credit - mean_credit * (1 - value)) ** 2).sum()
    variance = (spread - (value - expected * (1 - value)) ** 2) / (n * (1 - expected) ** 2)
    half_width = Z * math.sqrt(max(float(variance), 0.0))
    return Estimate(value, value - half_width, value + half_width)


def _credit(n_classes: int, weights: KappaWeights) -> Float64:
    """How much agreement each pair of classes is worth, 1 on the diagonal."""
    if weights == "none":
        return np.eye(n_classes)
    power = {"linear": 1, "quadratic": 2}[weights]
    index = np.arange(n_classes)
    distance = np.abs(index[:, None] - index[None, :]) / max(n_classes - 1, 1)
    return np.asarray(1 - distance**power)


def proportion(successes: int, trials: int) -> Estimate:
    """A share with its exact interval (Clopper and Pearson 1934); NaN of nothing."""
    if trials == 0:
        return Estimate(math.nan, math.nan, math.nan)
    interval = stats.binomtest(successes, trials).proportion_ci(1 - ALPHA, method="exact")
    return Estimate(successes / trials, float(interval.low), float(interval.high))


def pearson(a: ArrayLike, b: ArrayLike) -> float:
    """Pearson correlation; NaN where one side does not vary."""
    x, y = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if x.size < 2 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return math.nan
    return float(stats.pearsonr(x, y).statistic)


def spearman(a: ArrayLike, b: ArrayLike) -> float:
    """Rank correlation; NaN where one side does not vary."""
    return pearson(stats.rankdata(a), stats.rankdata(b))

"""Every statistic against figures that others have published."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calcarium.cohort.statistics import (
    IccForm,
    KappaWeights,
    bland_altman,
    confusion,
    icc,
    kappa,
    pearson,
    proportion,
    spearman,
)

# Shrout and Fleiss 1979, Table 2: six targets, four judges.
SHROUT_FLEISS = [
    [9, 2, 5, 8],
    [6, 1, 3, 2],
    [8, 4, 6, 8],
    [7, 1, 2, 6],
    [10, 5, 6, 9],
    [6, 2, 4, 7],
]

# Bland and Altman 1986, Table 1: peak flow by a large and a mini meter, first readings.
LARGE = [494, 395, 516, 434, 476, 557, 413, 442, 650, 433, 417, 656, 267, 478, 178, 423, 427]
MINI = [512, 430, 520, 428, 500, 600, 364, 380, 658, 445, 432, 626, 260, 477, 259, 350, 451]

# SAS/STAT User's Guide, PROC FREQ, "Agreement Study": two dermatologists.
SKIN = [[10, 4, 1, 0], [5, 10, 12, 2], [2, 4, 12, 5], [0, 2, 6, 13]]

# DeepCAC on 396 scans of NLST: manual class in rows, automated in columns
# (the authors print the agreement and the unweighted kappa in their notebook).
NLST = [[59, 32, 4, 0], [24, 94, 8, 1], [0, 11, 37, 7], [1, 3, 20, 95]]


@pytest.mark.parametrize(
    ("form", "value", "low", "high"),
    [("1,1", 0.17, -0.13, 0.72), ("A,1", 0.29, 0.02, 0.76), ("C,1", 0.71, 0.34, 0.95)],
)
def test_icc_of_shrout_and_fleiss(form: IccForm, value: float, low: float, high: float) -> None:
    found = icc(SHROUT_FLEISS, form)
    assert round(found.value, 2) == value
    assert (round(found.low, 2), round(found.high, 2)) == (low, high)


def test_icc_at_its_ends() -> None:
    x = np.arange(6.0)
    assert icc(np.stack([x, x], axis=1)).value == 1
    shifted = np.stack([x, x + 10], axis=1)
    assert icc(shifted, "C,1").value == 1
    assert icc(shifted, "A,1").value < 0.2
    assert math.isnan(icc(np.zeros((4, 2))).value)
    with pytest.raises(ValueError, match="two targets"):
        icc([[1.0, 2.0]])


def test_limits_of_agreement_of_bland_and_altman() -> None:
    found = bland_altman(LARGE, MINI)
    assert round(found.bias.value, 1) == -2.1
    assert round(found.sd, 1) == 38.8
    # They take 2 standard deviations where 1.96 is usual now, and t = 2.12 for the intervals.
    assert found.bias.low == pytest.approx(-22.0, abs=0.15)
    assert found.bias.high == pytest.approx(17.8, abs=0.15)
    assert found.lower.value == pytest.approx(-79.7 + 0.04 * 38.8, abs=0.15)
    assert found.upper.value == pytest.approx(75.5 - 0.04 * 38.8, abs=0.15)
    assert found.upper.high - found.upper.value == pytest.approx(110.1 - 75.5, abs=0.6)


@pytest.mark.parametrize(
    ("weights", "value", "low", "high"),
    [("none", 0.3449, 0.2030, 0.4868), ("linear", 0.5082, 0.3798, 0.6366)],
)
def test_kappa_of_the_sas_example(
    weights: KappaWeights, value: float, low: float, high: float
) -> None:
    found = kappa(SKIN, weights)
    assert (round(found.value, 4), round(found.low, 4), round(found.high, 4)) == (value, low, high)


@pytest.mark.parametrize(
    ("weights", "value"), [("none", 0.6177872074014817), ("linear", 0.7549), ("quadratic", 0.8570)]
)
def test_kappa_of_deepcac(weights: KappaWeights, value: float) -> None:
    digits = 12 if weights == "none" else 4
    assert kappa(NLST, weights).value == pytest.approx(value, abs=0.5 * 10**-digits)


def test_deepcac_from_its_scores(test_data: Path) -> None:
    text = (test_data / "deepcac" / "Results_NLST.csv").read_text()
    rows = list(csv.DictReader(text.splitlines()))
    auto, manual = (
        np.array([float(row[name]) for row in rows]) for name in ("CAC_AI", "CAC_manual")
    )
    classes = [np.digitize(s, [0, 100, 300], right=True) for s in (manual, auto)]
    assert confusion(classes[0], classes[1], 4).tolist() == NLST
    pairs = np.stack([auto, manual], axis=1)
    assert icc(pairs, "1,1").value == pytest.approx(0.76912, abs=5e-6)
    assert icc(pairs, "A,1").value == pytest.approx(0.77126, abs=5e-6)
    assert icc(pairs, "C,1").value == pytest.approx(0.78579, abs=5e-6)
    assert pearson(auto, manual) == pytest.approx(0.8630578319600924, abs=1e-12)
    assert spearman(auto, manual) == pytest.approx(0.8925406699532014, abs=1e-12)
    found = bland_altman(auto, manual)
    assert found.bias.value == pytest.approx(-136.2125, abs=5e-5)
    assert found.sd == pytest.approx(452.7707, abs=5e-5)
    assert found.lower.value == pytest.approx(-1023.643, abs=0.02)
    assert found.upper.value == pytest.approx(751.218, abs=0.02)


@given(st.lists(st.lists(st.integers(0, 20), min_size=3, max_size=3), min_size=3, max_size=3))
def test_kappa_is_symmetric_and_inside_its_interval(table: list[list[int]]) -> None:
    if not any(map(any, table)):
        return
    for weights in ("none", "linear", "quadratic"):
        one, other = kappa(table, weights), kappa(np.transpose(table), weights)
        if math.isnan(one.value):
            continue
        assert one.value == pytest.approx(other.value, abs=1e-12)
        assert one.low <= one.value <= one.high
        assert one.value <= 1 + 1e-12


def test_weights_do_not_matter_for_two_classes() -> None:
    for weights in ("none", "linear", "quadratic"):
        assert kappa([[20, 5], [10, 15]], weights).value == pytest.approx(0.4)


def test_kappa_of_one_class_is_undetermined() -> None:
    assert math.isnan(kappa([[7, 0], [0, 0]]).value)


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    # Newcombe 1998, Table I, method 5 (Clopper-Pearson).
    [
        (81, 263, 0.2527, 0.3676),
        (15, 148, 0.0578, 0.1617),
        (0, 20, 0.0, 0.1684),
        (1, 29, 0.0009, 0.1776),
    ],
)
def test_exact_interval_of_a_share(successes: int, trials: int, low: float, high: float) -> None:
    found = proportion(successes, trials)
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)


def test_a_share_of_nothing_is_undetermined() -> None:
    assert math.isnan(proportion(0, 0).value)
    assert math.isnan(pearson([1, 1, 1], [1, 2, 3]))

"""Thresholds in stored units, against Hounsfield units in rational arithmetic."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calcarium.volume import Rescale
from calcarium.volume.thresholds import stored_threshold

SLOPES = ("0.3", "-1", "2.4414", "1", "-0.1", "0.000030518")
INTERCEPTS = ("0", "-1024", "-1024.5", "-8192", "1e-7")
THRESHOLDS = ("130", "112.5", "0.1", "-500", "146.4840")


def passing(rescale: Rescale, hu: Fraction, *, inclusive: bool, stored: np.ndarray) -> np.ndarray:
    """Which stored values pass by the comparison that the kernels make."""
    sign = rescale.sign.astype(np.int64)[:, None]
    bound = stored_threshold(rescale, hu, inclusive=inclusive).astype(np.int64)[:, None]
    return sign * stored >= sign * bound


@given(
    slope=st.sampled_from(SLOPES).map(Fraction),
    intercept=st.sampled_from(INTERCEPTS).map(Fraction),
    threshold=st.sampled_from(THRESHOLDS).map(Fraction),
    inclusive=st.booleans(),
    at=st.integers(-32768, 65535),
)
def test_a_value_passes_iff_its_exact_hu_does(
    slope: Fraction, intercept: Fraction, threshold: Fraction, inclusive: bool, at: int
) -> None:
    edge = int((threshold - intercept) / slope)
    values = np.array([at, *range(edge - 3, edge + 4)])
    expected = [
        slope * v + intercept >= threshold if inclusive else slope * v + intercept > threshold
        for v in map(int, values)
    ]
    rescale = Rescale((slope,), (intercept,))
    got = passing(rescale, threshold, inclusive=inclusive, stored=values)[0]
    assert got.tolist() == expected


@pytest.mark.parametrize("slope", ["0.3", "2.4414"])
def test_binary_floats_would_be_wrong_at_this_threshold(slope: str) -> None:
    # The threshold is exactly the HU of a stored value; the float product misses some of them.
    exact = Fraction(slope)
    values = np.arange(1, 4000)
    rescale = Rescale((exact,) * len(values), (Fraction(0),) * len(values))
    for value in values[::97]:
        got = passing(rescale, exact * int(value), inclusive=True, stored=np.array([int(value)]))
        assert got.all()
        got = passing(rescale, exact * int(value), inclusive=False, stored=np.array([int(value)]))
        assert not got.any()


def test_bounds_beyond_32_bits_pass_all_or_nothing() -> None:
    rescale = Rescale((Fraction(1, 10**12),) * 2, (Fraction(0),) * 2)
    everything = np.array([-32768, 0, 65535])
    assert not passing(rescale, Fraction(130), inclusive=True, stored=everything).any()
    assert passing(rescale, Fraction(-130), inclusive=True, stored=everything).all()

"""A threshold in Hounsfield units as one stored integer per slice, exactly."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from calcarium.volume.model import Rescale
from calcarium_kernels.contract import Int32

INT32 = np.iinfo(np.int32)


def stored_threshold(rescale: Rescale, hu: Fraction, *, inclusive: bool) -> Int32:
    """The least bright stored value that passes ``HU >= hu`` (or ``HU > hu``).

    Exact: the header's decimal strings are fractions, so no rounding can move a
    voxel across the threshold.

    Parameters
    ----------
    rescale : slope and intercept of each slice; a slope is never 0
    hu : threshold
    inclusive : ``>=`` if true, ``>`` otherwise

    Returns
    -------
    int32 array, shape (n_slices,). Where the slope is positive a voxel passes if
    ``stored >= value``, where it is negative if ``stored <= value``.
    """
    found = rescale.thresholds.get((hu, inclusive))
    if found is None:
        each, stretch = rescale.stretches
        bounds = [_bound(hu, slope, intercept, inclusive=inclusive) for slope, intercept in each]
        fitting = [max(INT32.min, min(bound, INT32.max)) for bound in bounds]
        found = np.array(fitting, dtype=np.int32)[stretch]
        rescale.thresholds[hu, inclusive] = found
    return found


def _bound(hu: Fraction, slope: Fraction, intercept: Fraction, *, inclusive: bool) -> int:
    # (hu - intercept) / slope as one quotient of integers: fractions would reduce each step.
    above = hu.numerator * intercept.denominator - intercept.numerator * hu.denominator
    dividend = above * slope.denominator
    divisor = hu.denominator * intercept.denominator * slope.numerator
    floor, ceil = dividend // divisor, -(-dividend // divisor)
    if divisor > 0:
        return ceil if inclusive else floor + 1
    return floor if inclusive else ceil - 1

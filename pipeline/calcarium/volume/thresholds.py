"""A threshold in Hounsfield units as one stored integer per slice, exactly."""

from __future__ import annotations

from fractions import Fraction
from itertools import groupby
from math import ceil, floor

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
    values: list[int] = []
    # Most scans have one rescale for all slices, and exact fractions are slow.
    for (slope, intercept), same in groupby(zip(rescale.slope, rescale.intercept, strict=True)):
        bound = _bound((hu - intercept) / slope, rising=slope > 0, inclusive=inclusive)
        values += [bound] * sum(1 for _ in same)
    return np.clip(values, INT32.min, INT32.max).astype(np.int32)


def _bound(exact: Fraction, *, rising: bool, inclusive: bool) -> int:
    if rising:
        return ceil(exact) if inclusive else floor(exact) + 1
    return floor(exact) if inclusive else ceil(exact) - 1

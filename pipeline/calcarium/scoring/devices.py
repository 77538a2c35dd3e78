"""Lesions that are too bright for calcium: stents, leads, clips, valves.

No limit is published. The densest calcium that was measured (a phantom's insert of 800 mg/cm3)
peaks at 1275 HU, while metal saturates a 12-bit file. Metal that a thick slice dims to the
brightness of calcium is not seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import fsum

import numpy as np
from numpy.typing import NDArray

from calcarium.quality import QualityRow
from calcarium.scoring.conventions import Convention, Threshold
from calcarium.scoring.parts import Parts, edges_reached
from calcarium.volume.model import Float64, Volume
from calcarium_kernels.contract import Islands

HIGHEST_HU = 3071  # that 12 bits hold at the usual intercept of -1024: what is brighter ends there
AT_120_KVP_HU = 130


@dataclass(frozen=True)
class Suspected:
    """Counted lesions that may be a device, and the Agatston score without them.

    ``agatston`` is ``None`` where the convention gives none.
    """

    n_lesions: int
    agatston: float | None


def device_limit_hu(least: Fraction, convention: Convention, threshold: Threshold) -> Fraction:
    """Peak from which a lesion is suspected, at the tube voltage of the scan.

    Calcium grows brighter with a lower voltage as its threshold does, so the limit does too, up
    to where files saturate. A threshold that the blood sets says nothing of the voltage.

    Parameters
    ----------
    least : limit at 120 kVp
    """
    if convention.threshold_from != "voltage" or threshold.hu is None:
        return least
    at_voltage = least * max(Fraction(1), threshold.hu / AT_120_KVP_HU)
    return max(least, min(at_voltage, Fraction(HIGHEST_HU)))


def suspected_devices(
    islands: Islands,
    parts: Parts,
    agatston: Float64 | None,
    counts: NDArray[np.bool_],
    limit_hu: Fraction,
    volume: Volume,
) -> Suspected:
    """Find the lesions with a peak from a limit on, and leave them out whole.

    Parameters
    ----------
    parts, agatston : what the convention scores, and the score of each part
    counts : whether each part counts, shape (n_parts,)
    """
    bright = edges_reached(islands, (limit_hu,), volume) > 0
    if not bright.any():
        return Suspected(0, None if agatston is None else fsum(agatston[counts]))
    is_device = np.zeros(int(islands.lesion.max(initial=-1)) + 1, dtype=bool)
    is_device[islands.lesion[bright]] = True
    device = is_device[parts.lesion]
    n_lesions = np.unique(parts.lesion[counts & device]).size
    rest = None if agatston is None else fsum(agatston[counts & ~device])
    return Suspected(n_lesions, rest)


def device_quality(n_lesions: int, limit_hu: Fraction) -> QualityRow:
    """Whether a counted lesion of the primary convention may be a device."""
    text = f"peak of {float(limit_hu):g} HU or more"
    return QualityRow("suspected_device", "warn" if n_lesions else "pass", float(n_lesions), text)

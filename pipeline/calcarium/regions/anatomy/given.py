"""Anatomy that the user knows better than the detector."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Anatomy:
    """Masks of a scan, each of which replaces the detector's own estimate of that part.

    Attributes
    ----------
    heart : bool array of the volume's shape: heart, or all of its chambers and muscle
    aorta : bool array of the volume's shape; ascending and descending are told apart here
    """

    heart: NDArray[np.bool_] | None = None
    aorta: NDArray[np.bool_] | None = None

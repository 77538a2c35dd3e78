"""A small labelled volume of uneven sizes and spacings."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray
from stress import LabelledVolume

from calcarium.volume.model import Geometry, Rescale, Volume


def labelled(hu: NDArray[np.int16]) -> LabelledVolume:
    """Axial, 2 mm apart, pixels of 0.5 x 0.75 mm, stored as HU + 1000 with slope 1."""
    n, rows, columns = hu.shape
    position = 40.0 + 2.0 * np.arange(n)
    geometry = Geometry(
        origin_mm=np.stack([np.full(n, -30.0), np.full(n, 12.0), position], axis=1),
        row_direction=(1.0, 0.0, 0.0),
        column_direction=(0.0, 1.0, 0.0),
        row_spacing_mm=0.5,
        column_spacing_mm=0.75,
        rows=rows,
        columns=columns,
        slice_position_mm=position,
        slice_increment_mm=2.0,
        slice_extent_mm=np.full(n, 2.0),
        shear_deg=0.0,
    )
    rescale = Rescale((Fraction(1),) * n, (Fraction(-1000),) * n)
    volume = Volume((hu + 1000).astype(np.int16), rescale, geometry, tuple(map(str, range(n))))
    nothing = np.zeros(hu.shape, dtype=np.uint16)
    return LabelledVolume(volume, nothing, nothing.copy(), (rows / 2, columns / 2))

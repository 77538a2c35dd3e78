"""The blood of a contrast CT: how bright it is, and the threshold that it sets."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np

from calcarium.config.contrast import ContrastRules
from calcarium.errors import ScanExcluded
from calcarium.regions.anatomy.aorta import Aorta, Vessel
from calcarium.regions.anatomy.grid import Float64, Grid
from calcarium.regions.anatomy.noise import MAD_TO_SIGMA
from calcarium.volume.model import Volume

OUTLIER_SIGMAS = 4.0  # beyond it Gaussian noise has 6 voxels of 100,000


@dataclass(frozen=True)
class BloodPool:
    """Native voxels of blood inside the aorta: mean, standard deviation (n - 1), count."""

    mean_hu: float
    sd_hu: float
    n_voxels: int

    def threshold_hu(self, rules: ContrastRules) -> int:
        """max(floor, mean + k SD), up to the next whole HU."""
        return ceil(max(rules.floor_hu, self.mean_hu + rules.sd_above_blood * self.sd_hu))

    def in_muscle_hu(self, share: float, rules: ContrastRules) -> float:
        """What is blood by this share, of 0 to 1, and muscle for the rest."""
        return rules.muscle_hu + share * (self.mean_hu - rules.muscle_hu)


def find_blood_pool(volume: Volume, grid: Grid, aorta: Aorta, rules: ContrastRules) -> BloodPool:
    """Measure the ascending aorta, or the descending one where that was not found.

    Raises
    ------
    ScanExcluded
        ``no_blood_pool`` if neither is in view, or its voxels are too few or too uneven.
    """
    pool = measure_blood(volume, grid, aorta, rules)
    if pool is None:
        raise ScanExcluded("no_blood_pool", "too few voxels inside the aorta")
    if pool.sd_hu > rules.greatest_relative_sd * pool.mean_hu:
        raise ScanExcluded("no_blood_pool", f"{pool.mean_hu:.0f} HU with SD {pool.sd_hu:.0f}")
    return pool


def measure_blood(
    volume: Volume, grid: Grid, aorta: Aorta, rules: ContrastRules
) -> BloodPool | None:
    """Blood of the aorta, with contrast or without; ``None`` if too little of it is in view."""
    vessel = aorta.ascending if aorta.is_sure else aorta.descending
    values = _inside(volume, grid, vessel, rules.eroded_share)
    if values.size < rules.least_blood_voxels:
        return None
    values = _without_outliers(values)
    return BloodPool(float(values.mean()), float(values.std(ddof=1)), int(values.size))


def _without_outliers(values: Float64) -> Float64:
    """Without what is not blood: wall, calcium, and slices where the circle lies beside it."""
    middle = np.median(values)
    off = np.abs(values - middle)
    return np.asarray(values[off <= OUTLIER_SIGMAS * MAD_TO_SIGMA * np.median(off)])


def _inside(volume: Volume, grid: Grid, vessel: Vessel, share: float) -> Float64:
    """Native HU within a share of the vessel's radius, slice by slice."""
    n, rows, columns = volume.geometry.shape
    z = np.arange(n, dtype=np.float64)
    zeros = np.zeros(1)
    level = grid.from_native(z, zeros, zeros)[0]
    row = grid.from_native(zeros, np.arange(rows, dtype=np.float64), zeros)[1]
    column = grid.from_native(zeros, zeros, np.arange(columns, dtype=np.float64))[2]
    circle = vessel.at(level, beyond=0)
    found = [np.zeros(0)]
    for k in np.flatnonzero(circle.known):
        radius = share * circle.radius_mm[k] / grid.pixel_mm
        y = np.flatnonzero(np.abs(row - circle.row[k]) <= radius)
        x = np.flatnonzero(np.abs(column - circle.column[k]) <= radius)
        if y.size and x.size:
            near = np.hypot(row[y][:, None] - circle.row[k], column[x] - circle.column[k])
            part = slice(k, k + 1), slice(y[0], y[-1] + 1), slice(x[0], x[-1] + 1)
            found.append(volume.hu(part)[0][near <= radius].astype(np.float64))
    return np.concatenate(found)

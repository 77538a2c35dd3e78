"""The wide lumens of a contrast CT: chambers and great vessels, as opposed to arteries."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from calcarium.config.contrast import ContrastRules
from calcarium.regions.anatomy.grid import Float32, Grid, Mask
from calcarium.regions.blood_pool import BloodPool
from calcarium_kernels.contract import Int64


@dataclass(frozen=True)
class Chambers:
    """All spheres of one radius that are bright throughout; no coronary artery holds one.

    Attributes
    ----------
    away_mm : distance of each block of the grid from the nearest middle of a sphere
    lumen_hu : of that middle
    radius_mm : of the spheres
    """

    grid: Grid
    away_mm: Float32
    lumen_hu: Float32
    radius_mm: float

    def hold(self, z: Int64, y: Int64, x: Int64) -> Mask:
        """Which native voxels lie inside."""
        return np.asarray(self._read(self.away_mm, z, y, x) < self.radius_mm, dtype=np.bool_)

    def nearest_hu(self, z: Int64, y: Int64, x: Int64) -> Float32:
        """Brightness of the wide lumen that is nearest to each native voxel."""
        return self._read(self.lumen_hu, z, y, x)

    def _read(self, values: Float32, z: Int64, y: Int64, x: Int64) -> Float32:
        at = self.grid.from_native(*(i.astype(np.float64) for i in (z, y, x)))
        return np.asarray(ndimage.map_coordinates(values, at, order=1, mode="nearest"))


def find_chambers(grid: Grid, blood: BloodPool, rules: ContrastRules) -> Chambers:
    """Find the wide lumens.

    Parameters
    ----------
    grid : with its bright voxels
    """
    half_block_mm = min(grid.sampling_mm) / 2  # distances are from middle to middle
    bright = grid.hu > blood.in_muscle_hu(0.5, rules)
    depth = ndimage.distance_transform_edt(bright, sampling=grid.sampling_mm)
    core = depth - half_block_mm >= rules.chamber_radius_mm
    if not core.any():
        nowhere = np.full(core.shape, np.inf, np.float32)
        return Chambers(grid, nowhere, grid.hu, rules.chamber_radius_mm)
    away, nearest = ndimage.distance_transform_edt(
        ~core, sampling=grid.sampling_mm, return_indices=True
    )
    return Chambers(grid, away.astype(np.float32), grid.hu[tuple(nearest)], rules.chamber_radius_mm)

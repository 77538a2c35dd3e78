"""Where the voxels of a scan lie in the grid of a mask."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calcarium.regions.labelmap import Affine
from calcarium.volume.model import Float64, Geometry
from calcarium_kernels.contract import Box

# Half-way cases always go to the lower index, whatever the last bit of an affine says.
TIE_VOXELS = 1e-4
# Axes that drift apart by less than this over the whole box count as parallel.
PARALLEL_VOXELS = 0.01
# Voxel centres that agree to this are one grid: positions are written to 0.01-0.1 mm.
SAME_GRID_VOXELS = 0.1


@dataclass(frozen=True)
class Lattice:
    """Where the voxels of a box of the scan lie, in fractional voxel indices of the mask.

    The voxel ``(z, y, x)`` of the box is at ``base[z] + y * along_y + x * along_x``.

    Attributes
    ----------
    base : (n_slices, 3); slices need not be evenly spaced
    along_y, along_x : (3,)
    rows, columns : extent of the box
    """

    base: Float64
    along_y: Float64
    along_x: Float64
    rows: int
    columns: int

    @classmethod
    def of(cls, box: Box, geometry: Geometry, to_lps: Affine) -> Lattice:
        """The lattice of a box of a scan in the grid whose affine is ``to_lps``."""
        from_lps = np.linalg.inv(to_lps)
        row_mm = np.asarray(geometry.row_direction) * geometry.column_spacing_mm
        column_mm = np.asarray(geometry.column_direction) * geometry.row_spacing_mm
        first_mm = geometry.origin_mm[box.z0 : box.z1] + box.y0 * column_mm + box.x0 * row_mm
        turn = from_lps[:3, :3]
        return cls(
            first_mm @ turn.T + from_lps[:3, 3],
            turn @ column_mm,
            turn @ row_mm,
            box.y1 - box.y0,
            box.x1 - box.x0,
        )

    def axes(self) -> tuple[int, int, int] | None:
        """Axes of the mask along z, y and x of the scan; ``None`` where they are oblique."""
        y, x = int(np.abs(self.along_y).argmax()), int(np.abs(self.along_x).argmax())
        if x == y:
            return None
        drift = np.abs(np.stack([self.along_y * self.rows, self.along_x * self.columns]))
        drift[[0, 1], [y, x]] = 0
        sideways = np.ptp(self.base[:, [y, x]], axis=0)
        return None if max(drift.max(), sideways.max()) > PARALLEL_VOXELS else (3 - x - y, y, x)

    def along(self, axes: tuple[int, int, int]) -> tuple[Float64, Float64, Float64]:
        """Index of the mask for each slice, row and column of the box, where axes are parallel."""
        z, y, x = axes
        first = self.base.mean(axis=0)
        return (
            self.base[:, z],
            first[y] + np.arange(self.rows) * self.along_y[y],
            first[x] + np.arange(self.columns) * self.along_x[x],
        )

    def is_same_grid(self) -> bool:
        """Whether every voxel centre of the box is a voxel centre of the mask, one to one."""
        axes = self.axes()
        if axes is None:
            return False
        lines = self.along(axes)
        steps = [np.abs(np.diff(line)) - 1 for line in lines]
        off = [line - np.rint(line) for line in lines]
        return all(not line.size or np.abs(line).max() < SAME_GRID_VOXELS for line in steps + off)


def nearest_index(index: Float64) -> NDArray[np.intp]:
    """Index of the nearest voxel, from fractional indices."""
    return np.asarray(np.ceil(index - (0.5 + TIE_VOXELS)), dtype=np.intp)

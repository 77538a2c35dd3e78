"""Calcium as it is built and as a scanner sees it.

Every deposit is rendered by itself on a fine grid and added to the scan, so its
mass is in the picture exactly: the sum over voxels of added HU x calibration
factor x voxel volume is the mass.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil
from typing import TypeAlias

import numpy as np

from calcarium.phantom.canvas import AXES, SLICE_SIGMA_MM, sampling
from calcarium.phantom.model import Float32, Float64, Grid, LabelMap, Point
from calcarium.phantom.shapes import Shape, Union

# mg hydroxyapatite per cm3 and HU at 120 kVp; measured factors are 0.71-0.91
MASS_FACTOR = 0.80
FINEST_MM = 0.08
MOST_CELLS = 60  # along the longest side
TISSUE_HU = 45.0
VISIBLE_HU = 15.0
PICTURE_MM3 = 10.0

Cells: TypeAlias = tuple[Float64, Float64, Float64]  # along z, y, x, one step apart


@dataclass(frozen=True)
class Deposit:
    """One calcified body of uniform density.

    ``label`` marks it in the truth map; ``vessel`` is empty for what is not coronary.
    """

    kind: str
    label: int
    solid: Shape
    density_mg_cm3: float
    vessel: str = ""


@dataclass(frozen=True)
class BuiltDeposit:
    """What a deposit measures before any blur, and what is seen of it before any noise.

    Attributes
    ----------
    hu_of_10_mm3 : reached by 10 mm3 of what it brightens; NaN where that is less
    """

    deposit: Deposit
    centre_mm: Point
    volume_mm3: float
    hu_of_10_mm3: float = float("nan")

    @property
    def mass_mg(self) -> float:
        """Density times volume."""
        return self.volume_mm3 * self.deposit.density_mg_cm3 / 1000

    @property
    def peak_hu(self) -> float:
        """Hounsfield units of the pure material in soft tissue."""
        return TISSUE_HU + self.deposit.density_mg_cm3 / MASS_FACTOR


def body_of(parts: Sequence[Shape]) -> Shape:
    """One solid of several overlapping ones."""
    return Union(tuple(parts), blend_mm=0.5)


def add_deposit(
    hu: Float32,
    labels: LabelMap,
    grid: Grid,
    deposit: Deposit,
    psf_sigma_mm: float,
    excess_hu: Callable[[Cells], Float32] | None = None,
) -> BuiltDeposit:
    """Render one deposit into a scan and mark the voxels where it can be seen.

    Parameters
    ----------
    hu, labels : shape ``grid.shape``, changed in place; a voxel keeps its first label
    psf_sigma_mm : in-plane blur, motion included
    excess_hu : brightness above soft tissue of what the deposit takes the place of; without
        it the deposit is added to what is there
    """
    cover, cells = _fine_cover(deposit.solid)
    total = max(float(cover.sum()), 1e-9)
    volume = total * float(cells[0][1] - cells[0][0]) ** 3
    z, y, x = (float((cover * cell).sum()) / total for cell in np.ix_(*cells))
    box = _voxels(grid, cells, psf_sigma_mm)
    level = float("nan")
    if all(part.stop > part.start for part in box):
        calcium_hu = np.float32(deposit.density_mg_cm3 / MASS_FACTOR)
        added = _seen(cover, cells, box, grid, psf_sigma_mm) * calcium_hu
        before = hu[box].copy()
        hu[box] += added
        if excess_hu is not None:
            hu[box] -= _seen(cover * excess_hu(cells), cells, box, grid, psf_sigma_mm)
        level = _hu_of(hu[box][(added >= VISIBLE_HU) & (hu[box] > before)], grid)
        part = labels[box]
        part[(added >= VISIBLE_HU) & (part == 0)] = deposit.label
    return BuiltDeposit(deposit, (x, y, z), volume, level)


def _hu_of(seen: Float32, grid: Grid) -> float:
    """What the brightest 10 mm3 of some voxels reach; NaN if they are less."""
    n = ceil(PICTURE_MM3 / np.prod(grid.spacing_zyx_mm))
    return float(np.partition(seen, -n)[-n]) if n <= seen.size else float("nan")


def _seen(
    cover: Float32,
    cells: Cells,
    box: tuple[slice, slice, slice],
    grid: Grid,
    psf_sigma_mm: float,
) -> Float32:
    """Values on fine cells as the voxels of a box see them."""
    widths = (grid.slice_thickness_mm, grid.row_spacing_mm, grid.column_spacing_mm)
    blurs = (SLICE_SIGMA_MM, psf_sigma_mm, psf_sigma_mm)
    along_z, along_y, along_x = (
        sampling(cells[i], grid.axis_mm(i)[box[i]], widths[i], blurs[i]).toarray() for i in AXES
    )
    seen = np.einsum("zk,kyx->zyx", along_z, along_y @ cover @ along_x.T)
    return np.asarray(seen, dtype=np.float32)


def _fine_cover(solid: Shape) -> tuple[Float32, Cells]:
    """How much of each cell of a fine grid is inside; cells along z, y, x."""
    low, high = solid.bounds()
    step = max(FINEST_MM, float((high - low).max()) / MOST_CELLS)
    cells = tuple(np.arange(low[i] - 2 * step, high[i] + 2 * step, step) for i in (2, 1, 0))
    z, y, x = (cell.astype(np.float32) for cell in np.ix_(*cells))
    cover = np.clip(0.5 - solid.distance(x, y, z) / np.float32(step), 0, 1)
    return cover, (cells[0], cells[1], cells[2])


def _voxels(grid: Grid, cells: Cells, psf_sigma_mm: float) -> tuple[slice, slice, slice]:
    """The voxels that a deposit can reach through blur and slice thickness."""
    reach = (grid.slice_thickness_mm / 2 + 1.5, 5 * psf_sigma_mm + 1, 5 * psf_sigma_mm + 1)
    parts = []
    for i in AXES:
        axis = grid.axis_mm(i)
        first = int(np.searchsorted(axis, cells[i][0] - reach[i]))
        parts.append(slice(first, int(np.searchsorted(axis, cells[i][-1] + reach[i]))))
    return parts[0], parts[1], parts[2]

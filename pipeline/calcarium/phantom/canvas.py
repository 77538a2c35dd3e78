"""Paint solids on a cubic grid, then look at it as a scanner does.

The canvas is coarser than the scan: tissue edges are drawn by how much of a cell
is covered, so nothing finer than the point spread is lost. The way to the scan is
linear and separable: one small matrix per axis holds interpolation, point spread
and slice profile together.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.special import ndtr

from calcarium.phantom.model import Float32, Float64, Grid, LabelMap
from calcarium.phantom.shapes import Shape

AIR_HU = -1000.0
SLICE_SIGMA_MM = 0.35  # softens the edges of the slice profile
TEXTURE_EDGE = 64
AXES: tuple[Literal[0, 1, 2], ...] = (0, 1, 2)
SMALLEST_WEIGHT = 1e-6
CELLS_AT_ONCE = 60_000  # a slab of this size stays in the cache of a core


class Layer(NamedTuple):
    """Tissue from a depth below a surface inwards."""

    depth_mm: float
    hu: float
    grain_hu: float = 0.0


@dataclass(frozen=True)
class Canvas:
    """Hounsfield units on a cubic grid, painted back to front.

    Attributes
    ----------
    low : patient (x, y, z) of the centre of cell (0, 0, 0)
    step_mm : edge of a cell
    hu, labels : shape (nz, ny, nx); labels mark what a truth map must name
    texture : a block of smooth noise of unit variance that tiles space
    """

    low: Float64
    step_mm: float
    hu: Float32
    labels: LabelMap
    texture: Float32

    @classmethod
    def over(cls, grid: Grid, step_mm: float, rng: np.random.Generator | None = None) -> Canvas:
        """An empty canvas that covers a scan and a margin for its blur.

        Without ``rng`` tissue has no grain.
        """
        margin = 2 * step_mm + np.array([0, 0, grid.slice_thickness_mm / 2])
        low = np.asarray(grid.origin_mm) - margin
        extent = np.array(grid.shape[::-1]) * grid.spacing_zyx_mm[::-1] + 2 * margin
        nx, ny, nz = np.ceil(extent / step_mm).astype(int) + 1
        shape = (nz, ny, nx)
        return cls(
            low,
            step_mm,
            np.full(shape, AIR_HU, dtype=np.float32),
            np.zeros(shape, dtype=np.uint8),
            _texture(rng) if rng else np.zeros((TEXTURE_EDGE,) * 3, dtype=np.float32),
        )

    def paint(
        self, shapes: Shape | Iterable[Shape], hu: float, *, grain_hu: float = 0.0, label: int = 0
    ) -> None:
        """Cover what is there; partly where a cell is partly inside.

        Parameters
        ----------
        grain_hu : standard deviation of a smooth variation of the tissue
        label : value for cells that are mostly inside; 0 erases
        """
        for shape in shapes if isinstance(shapes, Iterable) else (shapes,):
            self.paint_layers(shape, [Layer(0.0, hu, grain_hu)], label=label)

    def paint_layers(self, shape: Shape, layers: Sequence[Layer], *, label: int = 0) -> None:
        """Paint one solid in layers that start at growing depth below its surface."""
        box = self._cells(shape)
        if box is None:
            return
        x, y = self._coordinates(2, box[2])[None, None, :], self._coordinates(1, box[1])[:, None]
        step = max(1, CELLS_AT_ONCE // (x.size * y.size))
        for first in range(box[0].start, box[0].stop, step):
            part = (slice(first, min(first + step, box[0].stop)), box[1], box[2])
            z = self._coordinates(0, part[0])[:, None, None]
            self._cover(part, shape.distance(x, y, z), layers, label)

    def _cover(
        self,
        box: tuple[slice, slice, slice],
        distance: Float32,
        layers: Sequence[Layer],
        label: int,
    ) -> None:
        scaled = distance * np.float32(-1 / self.step_mm)
        hu = self.hu[box]
        for layer in layers:
            cover = np.clip(scaled + np.float32(0.5 - layer.depth_mm / self.step_mm), 0, 1)
            target: Float32 | np.float32 = np.float32(layer.hu)
            if layer.grain_hu:
                target = target + np.float32(layer.grain_hu) * self._grain(box)
            hu += cover * (target - hu)
        np.copyto(self.labels[box], np.uint8(label), where=scaled > 0)

    def _cells(self, shape: Shape) -> tuple[slice, slice, slice] | None:
        """The cells that a solid may touch."""
        low, high = shape.bounds()
        nz, ny, nx = self.hu.shape
        first = np.maximum(np.floor((low - self.low) / self.step_mm), 0)
        last = np.minimum(np.ceil((high - self.low) / self.step_mm) + 1, (nx, ny, nz))
        if (first >= last).any():
            return None
        x, y, z = (slice(int(a), int(b)) for a, b in zip(first, last, strict=True))
        return z, y, x

    def _coordinates(self, axis: Literal[0, 1, 2], cells: slice) -> Float32:
        """Patient coordinate of cells along axis z, y or x of the array."""
        steps = self.step_mm * np.arange(cells.start, cells.stop)
        return np.asarray(self.low[2 - axis] + steps, dtype=np.float32)

    def _grain(self, box: tuple[slice, slice, slice]) -> Float32:
        where = (np.arange(part.start, part.stop) % TEXTURE_EDGE for part in box)
        return np.asarray(self.texture[np.ix_(*where)])

    def seen_by(self, grid: Grid, psf_sigma_mm: float) -> Float32:
        """The scan: noise-free Hounsfield units, shape ``grid.shape``."""
        along_z, along_y, along_x = self._profiles(grid, psf_sigma_mm)
        nz, ny, nx = self.hu.shape
        slabs = (along_z @ self.hu.reshape(nz, ny * nx)).reshape(-1, ny, nx)
        result = np.empty(grid.shape, dtype=np.float32)
        for z, slab in enumerate(slabs):
            result[z] = (along_x @ (along_y @ slab).T).T
        return result

    def labels_on(self, grid: Grid) -> LabelMap:
        """The painted labels at the voxel centres of a scan."""
        return nearest(self.labels, self.low, self.step_mm, grid)

    def hu_at(self, axes: tuple[Float64, Float64, Float64]) -> Float32:
        """Of the cells nearest to points on the axes z, y and x."""
        return np.asarray(self.hu[np.ix_(*self._nearest(axes))])

    def _nearest(self, axes: tuple[Float64, Float64, Float64]) -> list[NDArray[np.intp]]:
        index = []
        for axis, at in zip(AXES, axes, strict=True):
            cell = np.rint((at - self.low[2 - axis]) / self.step_mm).astype(np.intp)
            index.append(np.clip(cell, 0, self.hu.shape[axis] - 1))
        return index

    def _profiles(self, grid: Grid, psf_sigma_mm: float) -> tuple[csr_array, csr_array, csr_array]:
        widths = (grid.slice_thickness_mm, grid.row_spacing_mm, grid.column_spacing_mm)
        blurs = (SLICE_SIGMA_MM, psf_sigma_mm, psf_sigma_mm)
        along_z, along_y, along_x = (
            sampling(self._axis(axis), grid.axis_mm(axis), widths[axis], blurs[axis])
            for axis in AXES
        )
        return along_z, along_y, along_x

    def _axis(self, axis: Literal[0, 1, 2]) -> Float64:
        return np.asarray(self.low[2 - axis] + self.step_mm * np.arange(self.hu.shape[axis]))


def nearest(values: LabelMap, low: Float64, step_mm: float, grid: Grid) -> LabelMap:
    """A label map on a cubic grid from ``low`` at the voxel centres of a scan."""
    index = []
    for axis in AXES:
        at = (grid.axis_mm(axis) - low[2 - axis]) / step_mm
        index.append(np.clip(np.rint(at).astype(np.intp), 0, values.shape[axis] - 1))
    return np.asarray(values[index[0]][:, index[1]][:, :, index[2]])


def sampling(cells: Float64, centres: Float64, width_mm: float, sigma_mm: float) -> csr_array:
    """Matrix (n_centres, n_cells): mean over a box of ``width_mm``, blurred by a Gaussian.

    Exact for cells of constant value: each weight is the integral of the blurred box
    over the cell. Rows sum to 1 where the cells reach as far as the blur does.
    """
    step = float(cells[1] - cells[0])
    edges = np.r_[cells - step / 2, cells[-1] + step / 2] - centres[:, None]
    upper = _ramp(edges + width_mm / 2, sigma_mm) - _ramp(edges - width_mm / 2, sigma_mm)
    weights = np.diff(upper, axis=1) / width_mm
    return csr_array(np.where(weights > SMALLEST_WEIGHT, weights, 0).astype(np.float32))


def _ramp(at: Float64, sigma: float) -> Float64:
    """Integral of the distribution function of a Gaussian."""
    t = at / sigma
    return np.asarray(sigma * (t * ndtr(t) + np.exp(-0.5 * t * t) / np.sqrt(2 * np.pi)))


def _texture(rng: np.random.Generator) -> Float32:
    """Smooth periodic noise of unit variance, some 3 cells across."""
    shape = (TEXTURE_EDGE,) * 3
    frequency = np.fft.fftfreq(TEXTURE_EDGE)
    half = np.fft.rfftfreq(TEXTURE_EDGE)
    k2 = frequency[:, None, None] ** 2 + frequency[None, :, None] ** 2 + half[None, None, :] ** 2
    white = np.fft.rfftn(rng.standard_normal(shape))
    smooth = np.fft.irfftn(white * np.exp(-2 * (np.pi * 0.9) ** 2 * k2), s=shape, axes=(0, 1, 2))
    return np.asarray(smooth / smooth.std(), dtype=np.float32)

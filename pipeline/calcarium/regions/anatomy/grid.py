"""The scan as block means of about 3 mm, in the patient's own directions.

Everything that finds anatomy works on this grid: noise falls about sixfold, and
a chest becomes half a million voxels. Axes are slice (cranial first), row
(towards the back) and column (towards the patient's left), whatever the order
of the file. The sums come from the kernels as integers; all that follows is
element-wise arithmetic on the CPU, so every backend sees the same grid.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calcarium.errors import ScanExcluded
from calcarium.regions.boxes import labelled_bounds
from calcarium.volume.model import Geometry, Volume
from calcarium_kernels.contract import Box, Kernels

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
Mask = NDArray[np.bool_]

TARGET_MM = 3.0
MAX_FACTOR = 64
SLICE_TOLERANCE_MM = 0.5  # slices within this of the target are taken as they are
LOWEST_HU, HIGHEST_HU = -1024.0, 1500.0  # padding below, metal above: neither is anatomy
CONSTANT_HU = 1.0  # a slice that varies less than this is padding


@dataclass(frozen=True)
class Grid:
    """Block means, and the way back to the voxels of the scan.

    Attributes
    ----------
    hu : shape (slices, rows, columns); cranial, front and the patient's right first
    slice_mm, pixel_mm : distance of neighbours along the body and in plane
    factor : native voxels along the edge of a block
    native_slice_mm, native_shape : slice increment and shape of the scan
    flipped : whether each native axis runs against the grid's
    """

    hu: Float32
    slice_mm: float
    pixel_mm: float
    factor: int
    native_slice_mm: float
    native_shape: tuple[int, int, int]
    flipped: tuple[bool, bool, bool]

    @property
    def sampling_mm(self) -> tuple[float, float, float]:
        """Distance of neighbours along each axis."""
        return self.slice_mm, self.pixel_mm, self.pixel_mm

    @property
    def pixel_mm2(self) -> float:
        """Area of a block."""
        return self.pixel_mm * self.pixel_mm

    @property
    def voxel_ml(self) -> float:
        """Volume of a block."""
        return self.slice_mm * self.pixel_mm2 / 1000

    def slices(self, length_mm: float) -> int:
        """Nearest number of grid slices of a length."""
        return round(length_mm / self.slice_mm)

    def pixels(self, length_mm: float) -> int:
        """Nearest number of grid pixels of a length."""
        return round(length_mm / self.pixel_mm)

    def from_native(self, z: Float64, y: Float64, x: Float64) -> tuple[Float64, Float64, Float64]:
        """Fractional grid indices of fractional native voxel indices."""
        return self._along(0, z), self._along(1, y), self._along(2, x)

    def _along(self, axis: int, native: Float64) -> Float64:
        """Fractional grid indices along one axis."""
        if axis == 0:
            length, scale = self.native_shape[0], self.native_slice_mm / self.slice_mm
        else:
            length, scale = self.hu.shape[axis] * self.factor, 1 / self.factor
        index = length - 1 - native if self.flipped[axis] else native
        return np.asarray((index + 0.5) * scale - 0.5)

    def nearest(self, axis: int, native: NDArray[np.intp]) -> NDArray[np.intp]:
        """Grid index along one axis that holds each native index."""
        index = np.rint(self._along(axis, native.astype(np.float64)))
        return np.clip(index, 0, self.hu.shape[axis] - 1).astype(np.intp)

    def native_box(self, mask: Mask, margin_mm: float) -> Box:
        """The native box around a mask of the grid, with an in-plane margin."""
        margin = self.pixels(margin_mm)
        bounds = []
        for axis, (inside, beyond) in enumerate(
            zip(labelled_bounds(mask), (0, margin, margin), strict=True)
        ):
            held = self.nearest(axis, np.arange(self.native_shape[axis], dtype=np.intp))
            kept = (held >= inside.start - beyond) & (held < inside.stop + beyond)
            native = np.flatnonzero(kept)
            bounds += [int(native[0]), int(native[-1]) + 1]
        return Box(*bounds)

    def in_box(self, mask: Mask, box: Box) -> Mask:
        """A mask of the grid, read at the native voxels of a box."""
        z, y, x = self._held_by(box)
        # The last axis first: each step copies longer stretches. 18 times as fast as np.ix_.
        return mask.take(x, axis=2).take(y, axis=1).take(z, axis=0)

    def planes_in_box(self, mask: Mask, box: Box) -> Iterator[Mask]:
        """The same, slice by slice, so that it needs the memory of one."""
        z, y, x = self._held_by(box)
        by_column = mask.take(x, axis=2)
        return (by_column[k].take(y, axis=0) for k in z)

    def _held_by(self, box: Box) -> Iterator[NDArray[np.intp]]:
        """Grid indices of the native voxels of a box, along each axis."""
        for axis, part in enumerate(box.slices):
            yield self.nearest(axis, np.arange(part.start, part.stop, dtype=np.intp))


def coarse_grid(volume: Volume, kernels: Kernels) -> Grid:
    """Block means of a scan.

    Parameters
    ----------
    volume : the scan
    kernels : a backend; only its integer ``block_sum`` is used

    Raises
    ------
    ScanExcluded
        ``not_axial`` if the rows do not run from side to side; ``no_heart`` if the image is
        smaller than a block.
    """
    geometry = volume.geometry
    pixel_mm = float(np.sqrt(geometry.pixel_area_mm2))
    factor = min(MAX_FACTOR, max(1, round(TARGET_MM / pixel_mm)))
    if min(geometry.rows, geometry.columns) < factor:
        raise ScanExcluded("no_heart", f"{geometry.rows} x {geometry.columns} pixels")
    flipped = _flips(geometry)
    sums = kernels.block_sum(volume.stored, factor)[_steps(flipped)]
    slope, intercept = volume.rescale.slopes, volume.rescale.intercepts
    if flipped[0]:
        slope, intercept = slope[::-1], intercept[::-1]
    hu = sums.view(np.float32)
    for plane, in_its_place in zip(sums, hu, strict=True):  # both at once would be the peak
        in_its_place[...] = plane
    hu *= (slope / factor**2).astype(np.float32)[:, None, None]
    hu += intercept.astype(np.float32)[:, None, None]
    np.clip(hu, LOWEST_HU, HIGHEST_HU, out=hu)
    hu, slice_mm = _resample(hu, geometry.slice_increment_mm)
    return Grid(
        hu,
        slice_mm,
        pixel_mm * factor,
        factor,
        geometry.slice_increment_mm,
        geometry.shape,
        flipped,
    )


def resample_mask(mask: Mask, grid: Grid) -> Mask:
    """A native mask on the grid: the voxel in the middle of each block."""
    axes = []
    for axis, size in enumerate(grid.native_shape):
        held = grid.nearest(axis, np.arange(size, dtype=np.intp))
        order = held if held[0] <= held[-1] else held[::-1]
        blocks = np.arange(grid.hu.shape[axis])
        first, last = order.searchsorted(blocks), order.searchsorted(blocks, side="right") - 1
        middle = np.clip((first + last) // 2, 0, size - 1)
        axes.append(middle if order is held else size - 1 - middle)
    return np.asarray(mask[np.ix_(*axes)])


def _flips(geometry: Geometry) -> tuple[bool, bool, bool]:
    row, column = geometry.row_direction, geometry.column_direction
    if abs(row[0]) < abs(row[1]) or abs(column[1]) < abs(column[0]):
        raise ScanExcluded("not_axial", "the rows do not run from side to side")
    ascending_is_cranial = row[0] * column[1] - row[1] * column[0] > 0
    return ascending_is_cranial, column[1] < 0, row[0] < 0


def _steps(flipped: tuple[bool, bool, bool]) -> tuple[slice, slice, slice]:
    z, y, x = (slice(None, None, -1 if flip else 1) for flip in flipped)
    return z, y, x


def _resample(hu: Float32, slice_mm: float) -> tuple[Float32, float]:
    """Slices of about 3 mm: averaged where thinner, interpolated where thicker.

    Padding has no weight; where nothing else is left there is air.
    """
    corners = hu[:, ::4, ::4]
    padding = corners.max(axis=(1, 2)) - corners.min(axis=(1, 2)) < CONSTANT_HU
    hu[padding] = LOWEST_HU
    if abs(slice_mm - TARGET_MM) <= SLICE_TOLERANCE_MM:
        return hu, slice_mm
    n = len(hu)
    count = max(2, round(n * slice_mm / TARGET_MM))
    step_mm = n * slice_mm / count
    weights = (
        _overlap(n, slice_mm, count, step_mm)
        if slice_mm < step_mm
        else _tent(n, slice_mm, count, step_mm)
    )
    weights[:, padding] = 0
    weights[weights.sum(axis=1) == 0, 0] = 1
    weights /= weights.sum(axis=1, keepdims=True)
    out = np.zeros((count, *hu.shape[1:]), np.float32)
    for k, row in enumerate(weights.astype(np.float32)):  # no BLAS: its sums differ by machine
        for i in np.flatnonzero(row):
            out[k] += row[i] * hu[i]
    return out, step_mm


def _overlap(n: int, slice_mm: float, count: int, step_mm: float) -> Float64:
    top, bottom = np.arange(count)[:, None] * step_mm, np.arange(1, count + 1)[:, None] * step_mm
    first, last = np.arange(n) * slice_mm, np.arange(1, n + 1) * slice_mm
    return np.asarray(np.clip(np.minimum(bottom, last) - np.maximum(top, first), 0, None))


def _tent(n: int, slice_mm: float, count: int, step_mm: float) -> Float64:
    centres = (np.arange(count)[:, None] + 0.5) * step_mm
    sources = (np.arange(n) + 0.5) * slice_mm
    return np.clip(1 - np.abs(centres - sources) / slice_mm, 0, None)

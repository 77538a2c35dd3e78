"""From the grid of a mask to the grid of a scan, by nearest neighbour in patient space."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from calcarium.regions.labelmap import Affine, LabelMap
from calcarium.volume.model import Float64, Geometry
from calcarium_kernels.contract import Box, Labels

Bounds = tuple[slice, slice, slice]

# Half-way cases always go to the lower index, whatever the last bit of an affine says.
TIE_VOXELS = 1e-4
# Axes that drift apart by less than this over the whole box count as parallel.
PARALLEL_VOXELS = 0.01
# So many voxels tell the share of a mask that lies on a scan.
ENOUGH_VOXELS = 20_000
# Voxel centres that agree to this are one grid: positions are written to 0.01-0.1 mm.
SAME_GRID_VOXELS = 0.1


@dataclass(frozen=True)
class Placed:
    """A mask on the grid of a scan.

    Attributes
    ----------
    box : smallest box of the scan that holds all labelled voxels; empty if there are none
    labels : uint16 array of ``box.shape``
    overlap : share of the mask's labelled voxels that lie inside the scan
    resampled : false if the voxel centres of mask and scan are the same
    """

    box: Box
    labels: Labels
    overlap: float
    resampled: bool


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

    def take(self, values: Labels) -> Labels:
        """The label of the nearest voxel for each voxel of the box; 0 outside ``values``."""
        axes = self.axes()
        if axes is None:
            return self._take_oblique(np.pad(values, 1))
        taken = np.zeros((len(self.base), self.rows, self.columns), dtype=np.uint16)
        inside, source = [], []
        for line, axis in zip(self.along(axes), axes, strict=True):
            nearest = _nearest(line)
            held = np.flatnonzero((nearest >= 0) & (nearest < values.shape[axis]))
            if not held.size:
                return taken
            inside.append(slice(int(held[0]), int(held[-1]) + 1))
            source.append(nearest[inside[-1]])
        part = values.transpose(axes)
        for axis, index in enumerate(source):
            part = _taken(part, index, axis)
        taken[tuple(inside)] = part
        return taken

    def _take_oblique(self, padded: Labels) -> Labels:
        rows = np.arange(self.rows)[:, None, None] * self.along_y
        plane = rows + np.arange(self.columns)[:, None] * self.along_x
        taken = np.empty((len(self.base), self.rows, self.columns), dtype=np.uint16)
        last = np.array(padded.shape) - 1
        for z, base in enumerate(self.base):
            i, j, k = (np.clip(_nearest(plane[..., a] + base[a]) + 1, 0, last[a]) for a in range(3))
            taken[z] = padded[i, j, k]
        return taken


def place(mask: LabelMap, geometry: Geometry) -> Placed:
    """Put a mask on the grid of a scan.

    A voxel of the scan takes the label of the voxel of the mask whose centre is nearest to its
    own. Where the grids are the same, in whatever axis order and direction, that is exact.

    Parameters
    ----------
    mask : with at least one labelled voxel
    geometry : of the scan
    """
    mask = cropped(mask)
    if mask.to_lps is None:
        bounds = labelled_bounds(mask.labels)
        return Placed(part_of(Box.whole(geometry.shape), bounds), mask.labels[bounds], 1.0, False)
    box, overlap = _box_and_overlap(mask.labels, mask.to_lps, geometry)
    if 0 in box.shape:
        return Placed(box, np.zeros(box.shape, dtype=np.uint16), overlap, resampled=True)
    lattice = Lattice.of(box, geometry, mask.to_lps)
    labels = lattice.take(mask.labels)
    tight = labelled_bounds(labels)
    return Placed(
        part_of(box, tight),
        np.ascontiguousarray(labels[tight]),
        overlap,
        not lattice.is_same_grid(),
    )


def cropped(mask: LabelMap) -> LabelMap:
    """The part of a mask that holds all of its labels; on the scan's own grid, all of it."""
    if mask.to_lps is None:
        return mask
    bounds = labelled_bounds(mask.labels)
    to_lps = mask.to_lps.copy()
    to_lps[:3, 3] += to_lps[:3, :3] @ [part.start for part in bounds]
    return replace(mask, labels=mask.labels[bounds].copy(order="K"), to_lps=to_lps)


def covered(mask: LabelMap, geometry: Geometry) -> float:
    """Share of the scan that the grid of a mask covers, labelled or not."""
    if mask.to_lps is None:
        return 1.0
    steps = [np.linspace(0, size - 1, 9) for size in geometry.shape]
    sample = np.array(list(product(*steps)), dtype=np.float64)
    index = _mapped(np.linalg.inv(mask.to_lps), geometry.to_patient_mm(sample))
    return float(((index >= -0.5) & (index <= np.array(mask.labels.shape) - 0.5)).all(1).mean())


def labelled_bounds(labels: Labels) -> Bounds:
    """Smallest part of an array that holds every value but 0; empty slices if there is none."""
    bounds = [slice(0, size) for size in labels.shape]
    # The axis with the largest stride first: what is left gets smaller before it gets costly.
    for axis in np.argsort(labels.strides)[::-1]:
        others = tuple(a for a in range(3) if a != axis)
        hit = np.flatnonzero(labels[tuple(bounds)].any(axis=others))
        bounds[axis] = slice(int(hit[0]), int(hit[-1]) + 1) if hit.size else slice(0, 0)
    return bounds[0], bounds[1], bounds[2]


def part_of(box: Box, bounds: Bounds) -> Box:
    """A part of a box, in the voxels of the whole scan."""
    z, y, x = bounds
    return Box(
        box.z0 + z.start, box.z0 + z.stop, box.y0 + y.start, box.y0 + y.stop,
        box.x0 + x.start, box.x0 + x.stop,
    )  # fmt: skip


def to_voxel(geometry: Geometry, lps_mm: Float64) -> Float64:
    """Fractional ``(z, y, x)`` of patient coordinates (n, 3), extrapolated outside the scan.

    The inverse of :meth:`calcarium.volume.model.Geometry.to_patient_mm`.
    """
    row, column = np.asarray(geometry.row_direction), np.asarray(geometry.column_direction)
    position, last = geometry.slice_position_mm, len(geometry.slice_position_mm) - 1
    along = lps_mm @ np.cross(row, column)
    z = np.interp(along, position, np.arange(last + 1))
    z += np.minimum(along - position[0], 0) / geometry.slice_increment_mm
    z += np.maximum(along - position[-1], 0) / geometry.slice_increment_mm
    inside = geometry.to_patient_mm(np.stack([z, 0 * z, 0 * z], axis=1))
    step = geometry.origin_mm[-1] - geometry.origin_mm[0]
    beyond = (z - np.clip(z, 0, last))[:, None] * step / max(last, 1)
    offset = lps_mm - inside - beyond
    return np.stack(
        [z, offset @ column / geometry.row_spacing_mm, offset @ row / geometry.column_spacing_mm],
        axis=1,
    )


def box_between(low: Float64, high: Float64, geometry: Geometry) -> Box:
    """Box of all voxels of a scan from one fractional ``(z, y, x)`` to another."""
    start = np.clip(np.floor(low).astype(int), 0, geometry.shape)
    stop = np.clip(np.ceil(high).astype(int) + 1, start, geometry.shape)
    return Box(*(int(edge) for pair in zip(start, stop, strict=True) for edge in pair))


def _box_and_overlap(labels: Labels, to_lps: Affine, geometry: Geometry) -> tuple[Box, float]:
    """Box of the scan round a cropped mask, and the share of its labels that lie in the scan."""
    ends = [(-0.5, size - 0.5) for size in labels.shape]
    corners = np.array(list(product(*ends)), dtype=np.float64)
    reach = to_voxel(geometry, _mapped(to_lps, corners))
    low, high = reach.min(axis=0), reach.max(axis=0)
    end = np.array(geometry.shape) - 0.5
    # One voxel more: between its corners, a box may bulge where slices are not evenly spaced.
    box = box_between(low - 1, high + 1, geometry)
    if (low >= -0.5).all() and (high <= end).all():
        return box, 1.0
    labelled = np.argwhere(labels)
    few = labelled[:: max(1, len(labelled) // ENOUGH_VOXELS)]
    voxel = to_voxel(geometry, _mapped(to_lps, few))
    return box, float(((voxel >= -0.5) & (voxel <= end)).all(axis=1).mean())


def _mapped(affine: NDArray[np.floating], points: NDArray[np.floating | np.integer]) -> Float64:
    return np.asarray(points @ affine[:3, :3].T + affine[:3, 3], dtype=np.float64)


def _nearest(index: Float64) -> NDArray[np.intp]:
    return np.asarray(np.ceil(index - (0.5 + TIE_VOXELS)), dtype=np.intp)


def _taken(values: Labels, index: NDArray[np.intp], axis: int) -> Labels:
    """Planes of an array along one axis: without a copy where they lie side by side."""
    step = int(index[1] - index[0]) if len(index) > 1 else 1
    if step == 0 or (np.diff(index) != step).any():
        return np.asarray(values.take(index, axis))
    stop = int(index[-1]) + (1 if step > 0 else -1)
    side_by_side = slice(int(index[0]), stop if stop >= 0 else None, step)
    return values[(slice(None),) * axis + (side_by_side,)]

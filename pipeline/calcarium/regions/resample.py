"""From the grid of a mask to the grid of a scan, by nearest neighbour in patient space."""

from __future__ import annotations

from dataclasses import dataclass
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
        padded = np.pad(values, 1)
        axes = self.axes()
        if axes is None:
            return self._take_oblique(padded)
        lines = [
            _nearest(line, values.shape[a]) for line, a in zip(self.along(axes), axes, strict=True)
        ]
        return np.ascontiguousarray(padded.transpose(axes)[np.ix_(*lines)])

    def _take_oblique(self, padded: Labels) -> Labels:
        rows = np.arange(self.rows)[:, None, None] * self.along_y
        plane = rows + np.arange(self.columns)[:, None] * self.along_x
        taken = np.empty((len(self.base), self.rows, self.columns), dtype=np.uint16)
        for z, base in enumerate(self.base):
            i, j, k = (_nearest(plane[..., a] + base[a], padded.shape[a] - 2) for a in range(3))
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
    bounds = labelled_bounds(mask.labels)
    to_lps = mask.to_lps.copy()
    to_lps[:3, 3] += to_lps[:3, :3] @ [s.start for s in bounds]
    cropped = LabelMap(mask.labels[bounds], to_lps)
    box, overlap = _box_and_overlap(cropped, geometry)
    if 0 in box.shape:
        return Placed(box, np.zeros(box.shape, dtype=np.uint16), overlap, resampled=True)
    lattice = Lattice.of(box, geometry, to_lps)
    labels = lattice.take(cropped.labels)
    tight = labelled_bounds(labels)
    return Placed(
        shifted(tight, box),
        np.ascontiguousarray(labels[tight]),
        overlap,
        not lattice.is_same_grid(),
    )


def covered(mask: LabelMap, geometry: Geometry) -> float:
    """Share of the scan that the grid of a mask covers, labelled or not."""
    steps = [np.linspace(0, size - 1, 9) for size in geometry.shape]
    sample = np.array(list(product(*steps)))
    to_mask = np.linalg.inv(mask.to_lps) @ scan_to_lps(geometry)
    index = sample @ to_mask[:3, :3].T + to_mask[:3, 3]
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


def scan_to_lps(geometry: Geometry) -> Affine:
    """Affine from ``(z, y, x, 1)`` of a scan to patient millimetres, with its mean slice step."""
    row, column = np.asarray(geometry.row_direction), np.asarray(geometry.column_direction)
    origin = geometry.origin_mm
    affine = np.eye(4)
    affine[:3, 0] = (
        (origin[-1] - origin[0]) / (len(origin) - 1)
        if len(origin) > 1
        else np.cross(row, column) * geometry.slice_increment_mm
    )
    affine[:3, 1] = column * geometry.row_spacing_mm
    affine[:3, 2] = row * geometry.column_spacing_mm
    affine[:3, 3] = origin[0]
    return affine


def _box_and_overlap(mask: LabelMap, geometry: Geometry) -> tuple[Box, float]:
    """Box of the scan round a cropped mask, and the share of its labels that lie in the scan."""
    to_scan = np.linalg.inv(scan_to_lps(geometry)) @ mask.to_lps
    shape = np.array(geometry.shape)
    corners = np.array(list(product(*((-0.5, size - 0.5) for size in mask.labels.shape))))
    reach = corners @ to_scan[:3, :3].T + to_scan[:3, 3]
    low, high = reach.min(axis=0), reach.max(axis=0)
    # One voxel more than needed: slices may stray from their mean step.
    start = np.clip(np.floor(low).astype(int) - 1, 0, shape)
    stop = np.clip(np.ceil(high).astype(int) + 2, start, shape)
    box = Box(*(int(edge) for pair in zip(start, stop, strict=True) for edge in pair))
    if (low >= -0.5).all() and (high <= shape - 0.5).all():
        return box, 1.0
    labelled = np.argwhere(mask.labels) @ to_scan[:3, :3].T + to_scan[:3, 3]
    inside = ((labelled >= -0.5) & (labelled <= shape - 0.5)).all(axis=1)
    return box, float(inside.mean())


def _nearest(index: Float64, size: int) -> NDArray[np.intp]:
    """Index into an axis of ``size`` voxels that is padded by one on both sides."""
    nearest = np.ceil(index - (0.5 + TIE_VOXELS)).astype(np.intp)
    return np.asarray(np.clip(nearest, -1, size) + 1)


def shifted(bounds: Bounds, box: Box) -> Box:
    """A part of a box, in the voxels of the whole scan."""
    z, y, x = bounds
    return Box(
        box.z0 + z.start, box.z0 + z.stop, box.y0 + y.start, box.y0 + y.stop,
        box.x0 + x.start, box.x0 + x.stop,
    )  # fmt: skip

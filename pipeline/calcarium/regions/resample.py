"""From the grid of a mask to the grid of a scan, by nearest neighbour in patient space."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from calcarium.regions.boxes import box_between, to_voxel
from calcarium.regions.label_runs import LabelRuns, ranges, runs_of_rows
from calcarium.regions.labelmap import Affine, LabelMap
from calcarium.regions.lattice import Lattice, nearest_index
from calcarium.volume.model import Float64, Geometry
from calcarium_kernels.contract import Box, Int64, Labels

# So many voxels tell the share of a mask that lies on a scan.
ENOUGH_VOXELS = 20_000
# Where axes are oblique, so many rows have their coordinates at a time.
ROWS_AT_ONCE = 32

Index = NDArray[np.intp]


@dataclass(frozen=True)
class Placed:
    """A mask on the grid of a scan.

    Attributes
    ----------
    runs : its labels, in the voxels of the scan
    overlap : share of the mask's labelled voxels that lie inside the scan
    resampled : false if the voxel centres of mask and scan are the same
    """

    runs: LabelRuns
    overlap: float
    resampled: bool

    @property
    def box(self) -> Box:
        """Smallest box of the scan that holds all labelled voxels; empty if there are none."""
        return self.runs.box

    @property
    def labels(self) -> Labels:
        """Array of ``box.shape``."""
        labels = np.zeros(self.box.shape, dtype=np.uint16)
        self.runs.paint(labels, self.box)
        return labels


def place(mask: LabelMap, geometry: Geometry) -> Placed:
    """Put a mask on the grid of a scan.

    A voxel of the scan takes the label of the voxel of the mask whose centre is nearest to its
    own. Where the grids are the same, in whatever axis order and direction, that is exact.

    Parameters
    ----------
    mask : with at least one labelled voxel
    geometry : of the scan
    """
    if mask.to_lps is None:
        return Placed(mask.runs, 1.0, resampled=False)
    held = mask.runs.box
    runs = mask.runs.moved(-held.z0, -held.y0, -held.x0)
    to_lps = mask.to_lps.copy()
    to_lps[:3, 3] += to_lps[:3, :3] @ [held.z0, held.y0, held.x0]
    box, overlap = _box_and_overlap(runs, to_lps, geometry)
    if 0 in box.shape:
        return Placed(LabelRuns.joined([]), overlap, resampled=True)
    lattice = Lattice.of(box, geometry, to_lps)
    axes = lattice.axes()
    if axes == (0, 1, 2):
        taken = _followed(runs, *map(nearest_index, lattice.along(axes)))
    else:
        taken = _sampled(runs, lattice, axes)
    return Placed(taken.moved(box.z0, box.y0, box.x0), overlap, not lattice.is_same_grid())


def covered(mask: LabelMap, geometry: Geometry) -> float:
    """Share of the scan that the grid of a mask covers, labelled or not."""
    if mask.to_lps is None:
        return 1.0
    steps = [np.linspace(0, size - 1, 9) for size in geometry.shape]
    sample = np.array(list(product(*steps)), dtype=np.float64)
    index = _mapped(np.linalg.inv(mask.to_lps), geometry.to_patient_mm(sample))
    return float(((index >= -0.5) & (index <= np.array(mask.shape) - 0.5)).all(1).mean())


def _followed(runs: LabelRuns, z: Index, y: Index, x: Index) -> LabelRuns:
    """Runs on a scan whose slices, rows and columns each lie along one axis of the mask.

    Parameters
    ----------
    z, y, x : plane, row and column of the mask that is nearest to each slice, row and column
    """
    falling = x[-1] < x[0]
    columns = x[::-1] if falling else x
    first, stop = np.searchsorted(columns, runs.first), np.searchsorted(columns, runs.stop)
    if falling:
        first, stop = x.size - stop, x.size - first
    run, row = _takers(y, runs.row)
    again, plane = _takers(z, runs.plane[run])
    run, row = run[again], row[again]
    mapped = LabelRuns.of(plane, row, first[run], stop[run], runs.value[run])
    return mapped.part(mapped.stop > mapped.first)


def _takers(nearest: Index, index: NDArray[np.int32]) -> tuple[Int64, Int64]:
    """Every pair of an element of ``index`` and a position whose nearest index it is."""
    order = np.argsort(nearest, kind="stable")
    low = np.searchsorted(nearest, index, "left", sorter=order)
    count = np.searchsorted(nearest, index, "right", sorter=order) - low
    return np.repeat(np.arange(index.size), count), order[ranges(low, count)]


def _sampled(runs: LabelRuns, lattice: Lattice, axes: tuple[int, int, int] | None) -> LabelRuns:
    """Runs on a scan whose axes are others than the mask's, from the labels as an array."""
    held = runs.box
    # A margin of background, for voxels of the scan that lie outside.
    margin = Box(-1, held.z1 + 1, -1, held.y1 + 1, -1, held.x1 + 1)
    small = runs.value.max() <= np.iinfo(np.uint8).max
    labels = np.zeros(margin.shape, dtype=np.uint8 if small else np.uint16)
    runs.paint(labels, margin)
    blocks = _oblique_rows(labels, lattice) if axes is None else _turned(labels, lattice, axes)
    return LabelRuns.joined([runs_of_rows(rows, first, lattice.rows) for first, rows in blocks])


def _turned(
    labels: NDArray[np.integer], lattice: Lattice, axes: tuple[int, int, int]
) -> Iterator[tuple[int, NDArray[np.integer]]]:
    turned = labels.transpose(axes)
    z, y, x = (
        np.clip(nearest_index(line) + 1, 0, size - 1)
        for line, size in zip(lattice.along(axes), turned.shape, strict=True)
    )
    for number, plane in enumerate(z):
        yield number * lattice.rows, turned[plane][np.ix_(y, x)]


def _oblique_rows(
    labels: NDArray[np.integer], lattice: Lattice
) -> Iterator[tuple[int, NDArray[np.integer]]]:
    last = np.array(labels.shape) - 1
    across = np.arange(lattice.columns)[:, None] * lattice.along_x
    for row in range(0, lattice.rows, ROWS_AT_ONCE):
        down = np.arange(row, min(row + ROWS_AT_ONCE, lattice.rows))[:, None, None]
        plane = down * lattice.along_y + across
        for z, base in enumerate(lattice.base):
            i, j, k = (
                np.clip(nearest_index(plane[..., axis] + base[axis]) + 1, 0, last[axis])
                for axis in range(3)
            )
            yield z * lattice.rows + row, labels[i, j, k]


def _box_and_overlap(runs: LabelRuns, to_lps: Affine, geometry: Geometry) -> tuple[Box, float]:
    """Box of the scan round a mask, and the share of its labels that lie in the scan."""
    ends = [(-0.5, size - 0.5) for size in runs.box.shape]
    corners = np.array(list(product(*ends)), dtype=np.float64)
    reach = to_voxel(geometry, _mapped(to_lps, corners))
    low, high = reach.min(axis=0), reach.max(axis=0)
    end = np.array(geometry.shape) - 0.5
    # One voxel more: between its corners, a box may bulge where slices are not evenly spaced.
    box = box_between(low - 1, high + 1, geometry)
    if (low >= -0.5).all() and (high <= end).all():
        return box, 1.0
    voxel = to_voxel(geometry, _mapped(to_lps, runs.some_voxels(ENOUGH_VOXELS)))
    return box, float(((voxel >= -0.5) & (voxel <= end)).all(axis=1).mean())


def _mapped(affine: NDArray[np.floating], points: NDArray[np.floating | np.integer]) -> Float64:
    return np.asarray(points @ affine[:3, :3].T + affine[:3, 3], dtype=np.float64)

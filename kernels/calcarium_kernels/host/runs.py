"""Horizontal runs of foreground voxels, found slice by slice in one read of the volume."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from itertools import repeat
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from calcarium_kernels.contract import Box, Int32, Int64, Labels, Stored
from calcarium_kernels.sparse import SparseArray

Plane: TypeAlias = NDArray[np.uint16] | NDArray[np.bool_]  # labels of one slice of a box

# A voxel's place in its slice, in the low half of a peak key (see `peak_key`).
PLACE_BITS = 32
PLACE_MAX = (1 << PLACE_BITS) - 1


@dataclass(frozen=True)
class Runs:
    """Longest horizontal stretches of foreground of one label, in raster order.

    All are ``int64``, shape ``(n_runs,)``; coordinates are those of the whole volume.

    Attributes
    ----------
    slice, row, first, last : where the run is; first and last column, inclusive
    label : region label
    total : sum of the stored values
    peak_key : ``brightness << 32 | (2**32 - 1 - place)`` of the run's brightest voxel, where
        brightness is ``sign * stored`` and place is ``row * columns + column``.  The largest
        key is the brightest voxel, and among equals the first in raster order.
    """

    slice: Int64
    row: Int64
    first: Int64
    last: Int64
    label: Int64
    total: Int64
    peak_key: Int64

    def __len__(self) -> int:
        return int(self.slice.size)


@dataclass(frozen=True)
class _Foreground:
    """Voxels of one slice that pass, in raster order; ``place`` as in :class:`Runs`."""

    row: Int64
    place: Int64
    brightness: Int64
    label: Plane | None

    def part(self, keep: NDArray[np.bool_]) -> _Foreground:
        label = None if self.label is None else self.label[keep]
        return _Foreground(self.row[keep], self.place[keep], self.brightness[keep], label)


def find_runs(
    stored: Stored | SparseArray,
    sign: NDArray[np.int8],
    thresholds: tuple[Int32, ...],
    *,
    box: Box,
    labels: Labels | SparseArray | None,
    planes: Iterable[Plane] | None = None,
) -> tuple[Runs, ...]:
    """Runs of every threshold inside ``box``; each slice is read once for all of them.

    Parameters
    ----------
    stored, sign, box, labels : as in :meth:`calcarium_kernels.contract.Kernels.islands`
    thresholds : one stored value per slice of the volume, as in ``Cut.threshold``
    planes : labels slice by slice, in place of ``labels``
    """
    if isinstance(stored, SparseArray):
        return tuple(_runs_of_list(stored, sign, t, box, labels) for t in thresholds)
    if isinstance(labels, SparseArray):
        raise ValueError("sparse labels need sparse stored values")
    found: tuple[list[Runs], ...] = tuple([] for _ in thresholds)
    _, height, width = box.shape
    passing = np.empty((height, width), dtype=np.bool_)
    slices = range(box.z0, box.z1) if passing.size and thresholds else ()
    each: Iterable[Plane | None] = repeat(None)
    if planes is not None:
        each = planes
    elif labels is not None:
        each = labels
    for z, plane in zip(slices, each, strict=False):
        bright = int(sign[z])
        limits = [bright * int(threshold[z]) for threshold in thresholds]
        loosest = min(limits)
        voxels = _foreground(stored[z], bright, loosest, box, plane, passing)
        for limit, runs in zip(limits, found, strict=True):
            inside = voxels if limit == loosest else voxels.part(voxels.brightness >= limit)
            if inside.place.size:
                runs.append(_runs_of_slice(inside, z, bright, columns=stored.shape[2]))
    return tuple(_joined(runs) for runs in found)


def _runs_of_list(
    stored: SparseArray,
    sign: NDArray[np.int8],
    threshold: Int32,
    box: Box,
    labels: Labels | SparseArray | None,
) -> Runs:
    """Runs of the known voxels, all slices at once."""
    voxels = _listed(stored, sign, threshold, box, labels)
    slice_, row, place, label = voxels.slice, voxels.row, voxels.place, voxels.label
    _, rows, columns = stored.shape
    first = place - row * columns
    # One column of padding, so that a run which ends a row never meets the one that starts the
    # next.
    step = np.diff((slice_ * rows + row) * (columns + 1) + first)
    start = np.flatnonzero(np.concatenate([[True], (step != 1) | (label[1:] != label[:-1])]))
    if not place.size:
        return _joined([])
    length = np.diff(start, append=place.size)
    peak_key = (voxels.brightness << PLACE_BITS) + (PLACE_MAX - place)
    return Runs(
        slice=slice_[start],
        row=row[start],
        first=first[start],
        last=first[start] + length - 1,
        label=label[start],
        total=sign.astype(np.int64)[slice_[start]] * np.add.reduceat(voxels.brightness, start),
        peak_key=np.maximum.reduceat(peak_key, start),
    )


@dataclass(frozen=True)
class _Listed:
    slice: Int64
    row: Int64
    place: Int64
    brightness: Int64
    label: Int64


def _listed(
    stored: SparseArray,
    sign: NDArray[np.int8],
    threshold: Int32,
    box: Box,
    labels: Labels | SparseArray | None,
) -> _Listed:
    z, y, x = stored.zyx
    brightness = sign[z] * stored.values.astype(np.int64)
    inside = (
        (brightness >= sign[z] * threshold[z].astype(np.int64))
        & (z >= box.z0) & (z < box.z1) & (y >= box.y0) & (y < box.y1)
        & (x >= box.x0) & (x < box.x1)
    )  # fmt: skip
    z, y, x, brightness = z[inside], y[inside], x[inside], brightness[inside]
    label = np.ones(z.size, np.int64)
    if labels is not None:
        label = labels[z - box.z0, y - box.y0, x - box.x0].astype(np.int64)
    kept = label != 0
    return _Listed(z[kept], y[kept], (y * stored.shape[2] + x)[kept], brightness[kept], label[kept])


def _foreground(
    image: NDArray[np.int16] | NDArray[np.uint16],
    bright: int,
    limit: int,
    box: Box,
    labels: Plane | None,
    passing: NDArray[np.bool_],
) -> _Foreground:
    width = box.shape[2]
    crop = image[box.y0 : box.y1, box.x0 : box.x1]
    _compare(crop, bright, limit, passing)
    index = np.flatnonzero(passing)
    label = None
    if labels is not None:
        label = labels.reshape(-1)[index]
        inside = label != 0
        index, label = index[inside], label[inside]
    row = index // width
    columns = image.shape[1]
    place = index if width == columns else index + row * (columns - width)
    place = place + (box.y0 * columns + box.x0)
    brightness = image.reshape(-1)[place].astype(np.int64)
    if bright < 0:
        np.negative(brightness, out=brightness)
    return _Foreground(row + box.y0, place, brightness, label)


def _compare(
    crop: NDArray[np.int16] | NDArray[np.uint16],
    bright: int,
    limit: int,
    passing: NDArray[np.bool_],
) -> None:
    """``passing = bright * crop >= limit``, compared in the stored dtype."""
    dtype = np.iinfo(crop.dtype)
    low, high = (dtype.min, dtype.max) if bright > 0 else (-dtype.max, -dtype.min)
    if limit <= low or limit > high:
        passing[...] = limit <= low
        return
    compare = np.greater_equal if bright > 0 else np.less_equal
    compare(crop, crop.dtype.type(bright * limit), out=passing)


def _runs_of_slice(voxels: _Foreground, z: int, bright: int, *, columns: int) -> Runs:
    place, row, label = voxels.place, voxels.row, voxels.label
    starts = np.empty(place.size, dtype=np.bool_)
    starts[0] = True
    # The row is added so that a run which ends a row never meets the one that starts the next.
    np.not_equal(np.diff(place + row), 1, out=starts[1:])
    if label is not None:
        starts[1:] |= label[1:] != label[:-1]
    start = np.flatnonzero(starts)
    first = place[start] - row[start] * columns
    length = np.diff(start, append=place.size)
    peak_key = (voxels.brightness << PLACE_BITS) + (PLACE_MAX - place)
    return Runs(
        slice=np.full(start.size, z, dtype=np.int64),
        row=row[start],
        first=first,
        last=first + length - 1,
        label=np.ones(start.size, np.int64) if label is None else label[start].astype(np.int64),
        total=bright * np.add.reduceat(voxels.brightness, start),
        peak_key=np.maximum.reduceat(peak_key, start),
    )


def _joined(parts: list[Runs]) -> Runs:
    columns = {
        field.name: np.concatenate([getattr(part, field.name) for part in parts])
        if parts
        else np.empty(0, dtype=np.int64)
        for field in fields(Runs)
    }
    return Runs(**columns)

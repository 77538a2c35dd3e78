"""Horizontal runs of foreground voxels, found slice by slice in one read of the volume."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from itertools import repeat
from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from calcarium_kernels.contract import Box, Int32, Int64, Labels, Stored
from calcarium_kernels.sparse import SparseArray

Plane: TypeAlias = NDArray[np.uint16] | NDArray[np.bool_]  # labels of one slice of a box

# A voxel's place in its slice, in the low half of a peak key (see `peak_key`).
PLACE_BITS = 32
PLACE_MAX = (1 << PLACE_BITS) - 1
AT_ONCE = 20_000  # voxels, whose arrays stay in the cache of a core

# Indices, stored values and labels of single voxels.
_Listed: TypeAlias = tuple[tuple[Int64, Int64, Int64], NDArray[np.integer], NDArray[np.integer]]

T = TypeVar("T", "Runs", "_Voxels")


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
class _Voxels:
    """Voxels that pass, in raster order; ``place`` as in :class:`Runs`."""

    slice: Int64
    row: Int64
    place: Int64
    brightness: Int64
    label: Int64

    def part(self, keep: NDArray[np.bool_]) -> _Voxels:
        return _Voxels(*(getattr(self, field.name)[keep] for field in fields(self)))


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
    if not thresholds:
        return ()
    limits = [sign * threshold.astype(np.int64) for threshold in thresholds]
    loosest = np.minimum.reduce(limits)
    if isinstance(stored, SparseArray) or isinstance(labels, SparseArray):
        batches = iter([_listed(stored, sign, loosest, box, labels)])
    else:
        each = labels if planes is None else planes
        batches = _together(_foreground(stored, sign, loosest, box, each))
    found: tuple[list[Runs], ...] = tuple([] for _ in thresholds)
    for voxels in batches:
        for limit, runs in zip(limits, found, strict=True):
            inside = voxels.brightness >= limit[voxels.slice]
            runs.append(_runs(voxels if inside.all() else voxels.part(inside), sign, stored.shape))
    return tuple(_joined(Runs, runs) for runs in found)


def _runs(voxels: _Voxels, sign: NDArray[np.int8], shape: tuple[int, ...]) -> Runs:
    slice_, row, place, label = voxels.slice, voxels.row, voxels.place, voxels.label
    if not place.size:
        return _joined(Runs, [])
    _, rows, columns = shape
    # Rows and slices are one column apart, so that a run which ends one never meets the next.
    step = np.diff(place + row + slice_ * (rows * (columns + 1)))
    starts = np.concatenate([[True], (step != 1) | (label[1:] != label[:-1])])
    start = np.flatnonzero(starts)
    first = place[start] - row[start] * columns
    peak_key = (voxels.brightness << PLACE_BITS) + (PLACE_MAX - place)
    return Runs(
        slice=slice_[start],
        row=row[start],
        first=first,
        last=first + np.diff(start, append=place.size) - 1,
        label=label[start],
        total=sign.astype(np.int64)[slice_[start]] * np.add.reduceat(voxels.brightness, start),
        peak_key=np.maximum.reduceat(peak_key, start),
    )


def _listed(
    stored: Stored | SparseArray,
    sign: NDArray[np.int8],
    limit: Int64,
    box: Box,
    labels: Labels | SparseArray | None,
) -> _Voxels:
    """The voxels that are known or have a label, all slices at once."""
    if isinstance(labels, SparseArray):
        (z, y, x), value, label = _labelled(stored, labels, box)
    else:
        assert isinstance(stored, SparseArray)
        (z, y, x), value, label = _known(stored, labels, box)
    brightness = sign.astype(np.int64)[z] * value
    voxels = _Voxels(z, y, y * stored.shape[2] + x, brightness, label.astype(np.int64))
    counts = (brightness >= limit[z]) & (label != 0)
    return voxels if counts.all() else voxels.part(counts)


def _labelled(stored: Stored | SparseArray, labels: SparseArray, box: Box) -> _Listed:
    """Stored values that have a label: no other is read."""
    z, y, x = labels.zyx
    zyx, index = (z, y, x), labels.index
    if labels.shape != stored.shape:
        zyx = z + box.z0, y + box.y0, x + box.x0
        index = np.ravel_multi_index(zyx, stored.shape)
    if not isinstance(stored, SparseArray):
        return zyx, stored.reshape(-1)[index], labels.values
    place, known = stored.find(index)
    if known.all():
        return zyx, stored.values[place], labels.values
    z, y, x = (i[known] for i in zyx)
    return (z, y, x), stored.values[place[known]], labels.values[known]


def _known(stored: SparseArray, labels: Labels | None, box: Box) -> _Listed:
    """Known stored values of a box."""
    z, y, x = stored.zyx
    inside = (
        (z >= box.z0) & (z < box.z1) & (y >= box.y0) & (y < box.y1)
        & (x >= box.x0) & (x < box.x1)
    )  # fmt: skip
    z, y, x = z[inside], y[inside], x[inside]
    label = np.ones(z.size, np.uint16)
    if labels is not None:
        label = labels[z - box.z0, y - box.y0, x - box.x0]
    return (z, y, x), stored.values[inside], label


def _foreground(
    stored: Stored,
    sign: NDArray[np.int8],
    limit: Int64,
    box: Box,
    labels: Iterable[Plane] | None,
) -> Iterator[_Voxels]:
    """The voxels of each slice of a box."""
    _, height, width = box.shape
    columns = stored.shape[2]
    passing = np.empty((height, width), dtype=np.bool_)
    slices = range(box.z0, box.z1) if passing.size else ()
    for z, plane in zip(slices, repeat(None) if labels is None else labels, strict=False):
        bright = int(sign[z])
        _compare(stored[z, box.y0 : box.y1, box.x0 : box.x1], bright, int(limit[z]), passing)
        index = np.flatnonzero(passing)
        label = np.ones(index.size, np.int64)
        if plane is not None:
            label = plane.reshape(-1)[index].astype(np.int64)
            index, label = index[label != 0], label[label != 0]
        row = index // width
        place = index + row * (columns - width) + (box.y0 * columns + box.x0)
        brightness = bright * stored[z].reshape(-1)[place].astype(np.int64)
        yield _Voxels(np.full(index.size, z), row + box.y0, place, brightness, label)


def _together(slices: Iterable[_Voxels]) -> Iterator[_Voxels]:
    """Slices with few voxels in one: each array costs a call, however short it is."""
    waiting: list[_Voxels] = []
    for voxels in slices:
        waiting.append(voxels)
        if sum(v.place.size for v in waiting) >= AT_ONCE:
            yield _joined(_Voxels, waiting)
            waiting = []
    yield _joined(_Voxels, waiting)


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


def _joined(kind: type[T], parts: list[T]) -> T:
    """The same arrays of all parts, one behind the other."""
    if len(parts) == 1:
        return parts[0]
    columns = {
        field.name: np.concatenate([getattr(part, field.name) for part in parts])
        if parts
        else np.empty(0, dtype=np.int64)
        for field in fields(kind)
    }
    return kind(**columns)

"""The neighbourhoods of candidates, cut out of the scan: those of one shape at a time.

Most candidates are noise of a few voxels, and a scan may have thousands. A filter costs the
same call for one small crop as for a hundred, so crops of one shape are looked at together:
no voxel is seen that the candidate alone would not have been given.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from calcarium.regions.anatomy.grid import Float32, Float64, Mask
from calcarium.regions.detector.candidates import Candidates
from calcarium.volume.model import Volume
from calcarium_kernels.contract import Int64

MARGIN_MM, MARGIN_SLICES_MM = 6.0, 3.0
SMOOTH_BELOW_MM, THIN_OUT_BELOW_MM = 1.2, 0.45
VOXELS_AT_ONCE = 100_000  # crops of so many voxels stay in the cache of a core


@dataclass(frozen=True)
class Crops:
    """Crops of one shape, thinned out in plane.

    Attributes
    ----------
    candidate : shape (n,), which they are
    hu, own : shape (n, slices, rows, columns): Hounsfield units, and the candidate's voxels
    middle : (n, 2), row and column of the middle of the candidate's voxels
    spacing_mm : distance of neighbours along each axis
    """

    candidate: Int64
    hu: Float32
    own: Mask
    middle: Float64
    spacing_mm: tuple[float, float, float]


def crops_around(volume: Volume, candidates: Candidates, wanted: Int64) -> Iterator[Crops]:
    """Crops around some candidates; thinned out, a candidate may have no voxel and no crop."""
    geometry = volume.geometry
    thin = 2 if geometry.column_spacing_mm < THIN_OUT_BELOW_MM else 1
    margin = round(MARGIN_MM / geometry.column_spacing_mm)
    margins = max(1, round(MARGIN_SLICES_MM / geometry.slice_increment_mm)), margin, margin
    slice_mm, row_mm, column_mm = geometry.spacing_zyx_mm
    spacing_mm = slice_mm, row_mm * thin, column_mm * thin
    first, shape = _extents(candidates, margins, geometry.shape)
    for members in _alike(wanted, shape):
        hu = _hu(volume, first[members], shape[members[0]], thin)
        own, middle = _own(candidates, members, first[members], hu.shape, thin)
        if geometry.column_spacing_mm < SMOOTH_BELOW_MM:
            hu = ndimage.uniform_filter(hu, (1, 1, 3, 3))
        left = np.isfinite(middle[:, 0])
        if left.any():
            yield Crops(members[left], hu[left], own[left], middle[left], spacing_mm)


def _extents(
    candidates: Candidates, margins: tuple[int, int, int], shape: tuple[int, int, int]
) -> tuple[Int64, Int64]:
    """First index and size of the crop around each candidate, both of shape (n, 3)."""
    first, last = [], []
    for index, margin, size in zip(
        (candidates.z, candidates.y, candidates.x), margins, shape, strict=True
    ):
        low = np.minimum.reduceat(index, candidates.start[:-1]) - margin
        high = np.maximum.reduceat(index, candidates.start[:-1]) + margin
        first.append(np.maximum(low, 0))
        last.append(np.minimum(high, size - 1))
    start = np.stack(first, axis=1)
    return start, np.stack(last, axis=1) - start + 1


def _alike(wanted: Int64, shape: Int64) -> Iterator[Int64]:
    """Candidates in groups of one shape, each group small enough for the cache."""
    _, group = np.unique(shape[wanted], axis=0, return_inverse=True)
    order = np.argsort(group, kind="stable")
    for alike in np.split(wanted[order], np.flatnonzero(np.diff(group[order])) + 1):
        at_once = max(1, VOXELS_AT_ONCE // int(shape[alike[0]].prod())) if alike.size else 1
        for i in range(0, len(alike), at_once):
            yield alike[i : i + at_once]


def _hu(volume: Volume, first: Int64, shape: Int64, thin: int) -> Float32:
    depth, rows, columns = shape.tolist()
    crops = [
        volume.stored[z : z + depth, y : y + rows : thin, x : x + columns : thin]
        for z, y, x in first.tolist()
    ]
    z = first[:, :1] + np.arange(depth)
    slope = volume.rescale.slopes.astype(np.float32)[z][..., None, None]
    intercept = volume.rescale.intercepts.astype(np.float32)[z][..., None, None]
    return np.asarray(np.stack(crops).astype(np.float32) * slope + intercept)


def _own(
    candidates: Candidates, members: Int64, first: Int64, shape: tuple[int, ...], thin: int
) -> tuple[Mask, Float64]:
    """The voxels of each candidate in its crop, and their middle; NaN where none is left."""
    size = candidates.size[members]
    crop = np.repeat(np.arange(len(members)), size)
    before = np.repeat(candidates.start[members] - np.cumsum(size) + size, size)
    voxels = np.arange(len(crop)) + before
    z, y, x = (
        index[voxels] - start
        for index, start in zip(
            (candidates.z, candidates.y, candidates.x), first[crop].T, strict=True
        )
    )
    left = (y % thin == 0) & (x % thin == 0)
    crop, z, y, x = crop[left], z[left], y[left] // thin, x[left] // thin
    own = np.zeros(shape, bool)
    own[crop, z, y, x] = True
    n = np.bincount(crop, minlength=len(members)).astype(np.float64)
    n[n == 0] = np.nan
    middle = [np.bincount(crop, index, minlength=len(members)) / n for index in (y, x)]
    return own, np.stack(middle, axis=1)

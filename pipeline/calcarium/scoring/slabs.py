"""Thin or overlapping slices joined to the 3 mm that the Agatston score was defined on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calcarium.scoring.measure import REFERENCE_SLICE_MM
from calcarium.scoring.pixels import Pixels
from calcarium.volume.model import Float64, Geometry, Volume
from calcarium_kernels.contract import Int64

TOLERANCE = 0.05  # five slices of 0.625 mm stand for 3 mm


@dataclass(frozen=True)
class Slabs:
    """How slices are joined to slices of 3 mm.

    Attributes
    ----------
    stride : slices from one to the next; as many are the places to start
    joined : slices whose mean makes one; 1 where each is about 3 mm thick already
    n : the most of them in the scan
    """

    stride: int
    joined: int
    n: int


def slabs_of(geometry: Geometry, slice_thickness_mm: float | None) -> Slabs | str:
    """How to join the slices of a scan to 3 mm, or a sentence why they cannot be."""
    increment = geometry.slice_increment_mm
    stride = round(REFERENCE_SLICE_MM / increment)
    if np.ptp(geometry.slice_extent_mm) > TOLERANCE * increment:
        return "the slices are not evenly spaced"
    if stride < 2 or abs(stride * increment / REFERENCE_SLICE_MM - 1) > TOLERANCE:
        return f"slices every {increment:.3g} mm cannot be joined to 3 mm"
    if slice_thickness_mm is None:
        return "no SliceThickness"
    joined = round((REFERENCE_SLICE_MM - slice_thickness_mm) / increment) + 1
    return Slabs(stride, min(max(1, joined), stride), geometry.shape[0] // stride + 1)


def joined_pixels(found: Pixels, hu: Float64, volume: Volume, slabs: Slabs) -> tuple[Pixels, Int64]:
    """Pixels of joined slices that hold a pixel that counts, and the first slice of each.

    The planes are those of the first start, then of the second, and so on. The brightest
    pixel gives the label.
    """
    n_slices, rows, columns = volume.geometry.shape
    start = np.arange(slabs.stride)[:, None]
    slab, within = np.divmod(found.plane - start, slabs.stride)
    first = start + slab * slabs.stride
    whole = (first >= 0) & (within < slabs.joined) & (first + slabs.joined <= n_slices)
    which, pixel = np.nonzero(whole)
    key = (which * slabs.n + slab[whole]) * rows + found.row[pixel]
    key = key * columns + found.column[pixel]
    order = np.lexsort((-hu[pixel], key))
    kept = order[np.unique(key[order], return_index=True)[1]]
    source = pixel[kept]
    plane = which[kept] * slabs.n + slab[whole][kept]
    joined = Pixels(plane, found.row[source], found.column[source], found.label[source])
    return joined, first[whole][kept]

"""Components of a sparse list of pixels, for many versions of it at once.

What looks at a score again and again (interpolated slices, noise, thicker slices) has few
pixels and many versions of them. Which pixels touch is found once; each version then only
says which of them are in.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calcarium.regions.model import Region
from calcarium.regions.select import label_at
from calcarium.scoring.cuts import clipped_region
from calcarium.scoring.measure import counts_in
from calcarium.volume.model import Float64, Volume
from calcarium_kernels.contract import InSlice, Int32, Int64
from calcarium_kernels.host import foreground_voxels
from calcarium_kernels.host.unite import components
from calcarium_kernels.sparse import SparseArray

Bool = NDArray[np.bool_]
FIELDS = ("plane", "row", "column", "label")


@dataclass(frozen=True)
class Pixels:
    """Pixels with a label on planes, in raster order; all arrays have shape (n,)."""

    plane: Int64
    row: Int64
    column: Int64
    label: Int64

    def __len__(self) -> int:
        return int(self.plane.size)

    @property
    def key(self) -> Int64:
        """One ascending number per pixel; no pixel follows the last of a row or plane."""
        width, height = (int(i.max(initial=0)) + 2 for i in (self.column, self.row))
        return (self.plane * height + self.row) * width + self.column

    def neighbours(self, connectivity: InSlice) -> tuple[Int64, Int64]:
        """Index pairs of pixels of one label that touch in their plane."""
        key = self.key
        width = int(self.column.max(initial=0)) + 2
        steps = (1, width) if connectivity == 4 else (1, width - 1, width, width + 1)
        pairs = []
        for step in steps:
            place = np.searchsorted(key, key + step)
            place[place == key.size] = 0
            there = (key[place] == key + step) & (self.label[place] == self.label)
            pairs.append((np.flatnonzero(there), place[there]))
        return np.concatenate([p[0] for p in pairs]), np.concatenate([p[1] for p in pairs])


def counted_pixels(volume: Volume, region: Region, threshold: Int32) -> Pixels:
    """Foreground of a region that counts in the score; the plane is the slice.

    Parameters
    ----------
    threshold : int32, shape (n_slices,), least bright stored value that is foreground
    """
    clipped = clipped_region(volume, region, threshold)
    labels = clipped.labels
    if isinstance(labels, SparseArray):
        labels = labels.part(counts_in(region, labels.values))
    z, y, x, label = foreground_voxels(
        volume.stored, volume.rescale.sign, threshold, box=clipped.box, labels=labels
    )
    kept = counts_in(region, label)
    return Pixels(z[kept], y[kept], x[kept], label[kept])


def with_rim(pixels: Pixels, volume: Volume, region: Region) -> Pixels:
    """Pixels that count, and their 4-neighbours that would count if they were brighter."""
    _, rows, columns = volume.geometry.shape
    around = []
    for down, right in ((-1, 0), (1, 0), (0, -1), (0, 1)):
        row, column = pixels.row + down, pixels.column + right
        inside = (row >= 0) & (row < rows) & (column >= 0) & (column < columns)
        around.append((pixels.plane[inside], row[inside], column[inside], pixels.label[inside]))
    z, y, x, label = (np.concatenate(parts) for parts in zip(*around, strict=True))
    # A lesion that counts whole takes its rim along; a mask ends where it ends.
    if region.rule == "clip":
        label = label_at(region, z, y, x)
    counts = counts_in(region, label)
    rim = Pixels(z[counts], y[counts], x[counts], label[counts])
    both = [np.concatenate([getattr(p, f) for p in (pixels, rim)]) for f in FIELDS]
    key = (both[0] * rows + both[1]) * columns + both[2]
    first = np.unique(key, return_index=True)[1]
    return Pixels(*(values[first] for values in both))


def hu_at(volume: Volume, z: Int64, y: Int64, x: Int64) -> Float64:
    """Hounsfield units of single voxels, in double precision."""
    rescale = volume.rescale
    return np.asarray(volume.stored[z, y, x] * rescale.slopes[z] + rescale.intercepts[z])


def components_of(inside: Bool, pairs: tuple[Int64, Int64]) -> Int64:
    """Component of every pixel that is in, version by version.

    Parameters
    ----------
    inside : shape (n_versions, n_pixels)
    pairs : pixels that touch

    Returns
    -------
    int64, one per true element of ``inside`` in C order; components are numbered from 0 by
    their first pixel and never shared by versions
    """
    number = np.cumsum(inside.reshape(-1)) - 1
    version, pair = np.nonzero(inside[:, pairs[0]] & inside[:, pairs[1]])
    first, second = (number[version * inside.shape[1] + end[pair]] for end in pairs)
    n = int(number[-1]) + 1 if number.size else 0
    return components(n, [(first, second)])

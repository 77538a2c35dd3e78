"""What every backend computes, exactly, and in which order.

A backend is two integer functions over the *stored* integers of a CT volume.
Nothing here knows of DICOM, Hounsfield units, Dask or Parquet: a caller turns
a threshold in HU into one stored value per slice and turns the integers that
come back into areas, peaks and masses.

Conventions that all backends share
-----------------------------------
Axes are ``(z, y, x)``: slice, row, column.  ``stored`` is C-contiguous, native
endian, ``int16`` or ``uint16``.  ``sign[z]`` is +1 where a larger stored value
is brighter and -1 where the rescale slope of that slice is negative; all
comparisons and peaks are taken along ``sign``.  A voxel is *foreground* of a
cut when ``sign * stored >= sign * threshold`` and its label is not 0.

An *island* is an in-slice connected component (4 or 8) of foreground voxels of
one label.  A *lesion* is a set of islands of one label joined by the relation
"adjacent in the slice by the cut's connectivity, or adjacent in 3-D by
``link``".  So with connectivity 4 and link 18 or 26, two islands that touch at
a corner in one slice are one lesion.  Islands and lesions are numbered from 0 in the raster order
(z, then y, then x) of their first voxel, so the result does not depend on the
schedule of a parallel backend.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from calcarium_kernels.sparse import SparseArray

Stored: TypeAlias = NDArray[np.int16] | NDArray[np.uint16]
Labels: TypeAlias = NDArray[np.uint16]
Int32: TypeAlias = NDArray[np.int32]
Int64: TypeAlias = NDArray[np.int64]
InSlice: TypeAlias = Literal[4, 8]
Link: TypeAlias = Literal[6, 18, 26]


@dataclass(frozen=True)
class Box:
    """Half-open index box of a volume, in voxels."""

    z0: int
    z1: int
    y0: int
    y1: int
    x0: int
    x1: int

    @property
    def shape(self) -> tuple[int, int, int]:
        """Extent ``(z, y, x)`` in voxels; never negative."""
        return (
            max(0, self.z1 - self.z0),
            max(0, self.y1 - self.y0),
            max(0, self.x1 - self.x0),
        )

    @property
    def slices(self) -> tuple[slice, slice, slice]:
        """Index of this box in a ``(z, y, x)`` array."""
        return slice(self.z0, self.z1), slice(self.y0, self.y1), slice(self.x0, self.x1)

    @classmethod
    def whole(cls, shape: tuple[int, int, int]) -> Box:
        """The box that covers an array of this ``(z, y, x)`` shape."""
        return cls(0, shape[0], 0, shape[1], 0, shape[2])


@dataclass(frozen=True)
class Cut:
    """One threshold, in stored units, with one in-slice connectivity.

    Attributes
    ----------
    threshold : int32 array, shape (n_slices,)
        The least bright stored value that is foreground, per slice of the
        whole volume (not of the box).  Values beyond the stored dtype are
        allowed and mean "all" or "nothing" of that slice.
    connectivity : 4 or 8
    """

    threshold: Int32
    connectivity: InSlice


@dataclass(frozen=True)
class Islands:
    """The islands of one cut: one element per island in every array.

    All are ``int64``, shape ``(n_islands,)``; coordinates are voxel indices of
    the whole volume, not of the box.

    Attributes
    ----------
    slice, label : slice index, region label
    area_px : number of voxels
    peak : brightest stored value (the smallest where ``sign`` is -1)
    peak_row, peak_column : first voxel in raster order that has the peak
    total : sum of the stored values
    row_sum, column_sum : sums of the voxels' indices, for the centroid
    row_min, row_max, column_min, column_max : inclusive bounding box
    lesion : id of the lesion that the island belongs to
    """

    slice: Int64
    label: Int64
    area_px: Int64
    peak: Int64
    peak_row: Int64
    peak_column: Int64
    total: Int64
    row_sum: Int64
    column_sum: Int64
    row_min: Int64
    row_max: Int64
    column_min: Int64
    column_max: Int64
    lesion: Int64

    def __len__(self) -> int:
        return int(self.slice.size)


class Kernels(Protocol):
    """The two device functions; ``calcarium_kernels.load`` returns one of these."""

    name: str

    def islands(
        self,
        stored: Stored,
        sign: NDArray[np.int8],
        cuts: tuple[Cut, ...],
        *,
        box: Box,
        labels: Labels | SparseArray | None,
        link: Link,
    ) -> tuple[Islands, ...]:
        """Islands of each cut inside ``box``, in the order of ``cuts``.

        Parameters
        ----------
        stored : int16 or uint16 array, shape (n_slices, rows, columns)
        sign : int8 array, shape (n_slices,), +1 or -1
        cuts : thresholds with their connectivities; all are found in one read
        box : the part of the volume that is looked at; clipped to nothing if empty
        labels : uint16 array of ``box.shape``; 0 is outside. ``None``: all is label 1. Where
            few voxels have a label, a sparse array spares the host the others
        link : 3-D connectivity that joins islands to lesions

        Raises
        ------
        ValueError
            if dtype, byte order, contiguity or a shape is not as stated, or the
            box leaves the volume.
        """
        ...

    def block_sum(self, stored: Stored, factor: int) -> Int32:
        """Sum of the stored values over ``factor`` x ``factor`` in-plane blocks.

        Rows and columns that do not fill a block are left out.

        Parameters
        ----------
        stored : int16 or uint16 array, shape (n_slices, rows, columns)
        factor : edge of a block in voxels, 1 to 64

        Returns
        -------
        int32 array, shape (n_slices, rows // factor, columns // factor)

        Raises
        ------
        ValueError
            if dtype or layout is not as stated, or ``factor`` is out of range.
        """
        ...

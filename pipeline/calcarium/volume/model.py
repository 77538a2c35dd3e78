"""A scan as stored integers with the geometry and rescale that give them meaning."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from calcarium.quality import QualityRow
from calcarium_kernels.contract import Stored

Float64 = NDArray[np.float64]


@dataclass(frozen=True)
class Geometry:
    """Where the voxels of a volume lie, in patient millimetres (DICOM LPS).

    Slices are ordered by ascending projection of ImagePositionPatient on the
    slice normal. The centre of voxel ``(z, y, x)`` is
    ``origin_mm[z] + x * column_spacing_mm * row_direction + y * row_spacing_mm
    * column_direction``.

    Attributes
    ----------
    origin_mm : (n_slices, 3), ImagePositionPatient
    row_direction, column_direction : unit vectors along increasing x, increasing y
    row_spacing_mm : distance between rows (PixelSpacing[0])
    column_spacing_mm : distance between columns (PixelSpacing[1])
    slice_position_mm : (n_slices,), projection on the normal
    slice_increment_mm : measured distance between neighbours, the mean over the steps; never
        SliceThickness
    slice_extent_mm : (n_slices,), the length along the body that a slice stands for
    shear_deg : angle between the normal and the line of the slice origins
    """

    origin_mm: Float64
    row_direction: tuple[float, float, float]
    column_direction: tuple[float, float, float]
    row_spacing_mm: float
    column_spacing_mm: float
    rows: int
    columns: int
    slice_position_mm: Float64
    slice_increment_mm: float
    slice_extent_mm: Float64
    shear_deg: float

    @property
    def shape(self) -> tuple[int, int, int]:
        """``(n_slices, rows, columns)``."""
        return len(self.slice_position_mm), self.rows, self.columns

    @property
    def pixel_area_mm2(self) -> float:
        """In-plane area of one pixel."""
        return self.row_spacing_mm * self.column_spacing_mm

    @property
    def spacing_zyx_mm(self) -> tuple[float, float, float]:
        """Distance of neighbouring slices, rows and columns."""
        return self.slice_increment_mm, self.row_spacing_mm, self.column_spacing_mm

    @property
    def voxel_mm3(self) -> float:
        """Volume of one voxel at the measured increment."""
        return self.pixel_area_mm2 * self.slice_increment_mm

    def to_patient_mm(self, zyx: Float64) -> Float64:
        """Patient LPS coordinates, shape (n, 3), of fractional voxel indices (n, 3)."""
        zyx = np.asarray(zyx, dtype=np.float64)
        index = np.arange(len(self.origin_mm), dtype=np.float64)
        origin = np.stack(
            [np.interp(zyx[:, 0], index, self.origin_mm[:, axis]) for axis in range(3)], axis=1
        )
        along_row = np.asarray(self.row_direction) * self.column_spacing_mm
        along_column = np.asarray(self.column_direction) * self.row_spacing_mm
        return np.asarray(origin + zyx[:, 2:3] * along_row + zyx[:, 1:2] * along_column)


@dataclass(frozen=True)
class Rescale:
    """Exact rescale of each slice: ``HU = slope[z] * stored + intercept[z]``.

    Kept as the fractions that the decimal strings of the header stand for.
    """

    slope: tuple[Fraction, ...]
    intercept: tuple[Fraction, ...]

    @cached_property
    def stretches(self) -> tuple[tuple[tuple[Fraction, Fraction], ...], NDArray[np.intp]]:
        """Slope and intercept of each stretch of slices that share them, and each slice's stretch.

        Most scans have one, and exact fractions are slow.
        """
        grouped = groupby(zip(self.slope, self.intercept, strict=True))
        each = [(rescale, sum(1 for _ in slices)) for rescale, slices in grouped]
        stretch = np.repeat(np.arange(len(each)), [n for _, n in each])
        return tuple(rescale for rescale, _ in each), stretch

    @cached_property
    def thresholds(self) -> dict[tuple[Fraction, bool], NDArray[np.int32]]:
        """Thresholds that were asked for, in stored values: each is asked for many times."""
        return {}

    @cached_property
    def sign(self) -> NDArray[np.int8]:
        """+1 where a larger stored value is brighter, else -1; shape (n_slices,)."""
        each, stretch = self.stretches
        signs = [1 if slope.numerator > 0 else -1 for slope, _ in each]
        return np.array(signs, dtype=np.int8)[stretch]

    @cached_property
    def slopes(self) -> Float64:
        """The slopes, each rounded once; shape (n_slices,)."""
        each, stretch = self.stretches
        return np.array([float(slope) for slope, _ in each])[stretch]

    @cached_property
    def intercepts(self) -> Float64:
        """The intercepts, each rounded once; shape (n_slices,)."""
        each, stretch = self.stretches
        return np.array([float(intercept) for _, intercept in each])[stretch]


@dataclass(frozen=True)
class Volume:
    """The stored integers of a scan, never converted to float as a whole.

    Attributes
    ----------
    stored : int16 or uint16, shape (n_slices, rows, columns), C-contiguous
    sop_instance_uid : one per slice; empty string where the header has none
    notes : caveats on geometry and pixels
    """

    stored: Stored
    rescale: Rescale
    geometry: Geometry
    sop_instance_uid: tuple[str, ...]
    notes: tuple[QualityRow, ...] = ()

    def hu(self, part: tuple[slice, slice, slice]) -> NDArray[np.float32]:
        """Hounsfield units of a small part; for crops, never for a volume."""
        z = part[0]
        slope = self.rescale.slopes[z].astype(np.float32)
        intercept = self.rescale.intercepts[z].astype(np.float32)
        crop = self.stored[part].astype(np.float32)
        return crop * slope[:, None, None] + intercept[:, None, None]

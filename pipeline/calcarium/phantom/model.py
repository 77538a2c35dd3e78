"""A synthetic scan: where its voxels lie, what they hold, and what is true about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Float32: TypeAlias = NDArray[np.float32]
Float64: TypeAlias = NDArray[np.float64]
LabelMap: TypeAlias = NDArray[np.uint8]
VoxelSet: TypeAlias = NDArray[np.bool_]
Point: TypeAlias = tuple[float, float, float]

Artery: TypeAlias = Literal["LM", "LAD", "LCX", "RCA"]
ARTERIES: tuple[Artery, ...] = ("LM", "LAD", "LCX", "RCA")
ARTERY_LABELS: dict[str, int] = {artery: 1 + i for i, artery in enumerate(ARTERIES)}


@dataclass(frozen=True)
class Grid:
    """Axial slices in patient LPS millimetres, ascending towards the head.

    Attributes
    ----------
    shape : (n_slices, rows, columns)
    origin_mm : patient position (x, y, z) of the centre of voxel (0, 0, 0)
    slice_increment_mm : distance between slices
    row_spacing_mm, column_spacing_mm : distance between rows, between columns
    slice_thickness_mm : length along z that a slice averages over; not the increment
    """

    shape: tuple[int, int, int]
    origin_mm: Point
    slice_increment_mm: float
    row_spacing_mm: float
    column_spacing_mm: float
    slice_thickness_mm: float

    @property
    def spacing_zyx_mm(self) -> tuple[float, float, float]:
        """Distance between neighbours along (z, y, x)."""
        return self.slice_increment_mm, self.row_spacing_mm, self.column_spacing_mm

    def axis_mm(self, axis: Literal[0, 1, 2]) -> Float64:
        """Patient coordinate of the voxel centres along axis z, y or x of the array."""
        start = self.origin_mm[2 - axis]
        return start + self.spacing_zyx_mm[axis] * np.arange(self.shape[axis], dtype=np.float64)

    def index_of(self, point_mm: Point) -> tuple[float, float, float]:
        """Fractional voxel index (z, y, x) of a patient point (x, y, z)."""
        z, y, x = (
            (point_mm[2 - axis] - self.origin_mm[2 - axis]) / self.spacing_zyx_mm[axis]
            for axis in range(3)
        )
        return z, y, x

    def affine_ras(self) -> Float64:
        """NIfTI affine, 4 x 4, of an array indexed (x, y, z)."""
        affine = np.diag(
            [-self.column_spacing_mm, -self.row_spacing_mm, self.slice_increment_mm, 1]
        )
        x, y, z = self.origin_mm
        affine[:3, 3] = (-x, -y, z)
        return np.asarray(affine, dtype=np.float64)


@dataclass(frozen=True)
class Plaque:
    """One calcification of a coronary artery, as it was built.

    Attributes
    ----------
    vessel : artery, or the name of an insert of a phantom
    centre_mm : patient (x, y, z)
    volume_mm3, mass_mg : of the object itself, before any blur
    density_mg_cm3 : hydroxyapatite
    peak_hu : brightest value of the object before blur and noise
    hu_of_10_mm3 : reached by 10 mm3 of what it brightens, blurred and without noise; NaN where
        that is less or was not measured
    """

    vessel: str
    centre_mm: Point
    volume_mm3: float
    mass_mg: float
    density_mg_cm3: float
    peak_hu: float
    hu_of_10_mm3: float = float("nan")


@dataclass(frozen=True)
class Distractor:
    """Something bright that is not coronary calcium; ``label`` marks it in ``truth_labels``."""

    kind: str
    label: int
    centre_mm: Point
    volume_mm3: float
    peak_hu: float


@dataclass(frozen=True)
class PhantomScan:
    """One synthetic scan and its truth.

    Attributes
    ----------
    hu : Hounsfield units, shape ``grid.shape``
    calcium : region in which foreground is coronary calcium
    vessel_labels : name and value of the labels of ``calcium``
    truth_labels : ``calcium`` plus distractors by their labels; None without distractors
    heart, aorta : masks of the anatomy where there is one
    """

    grid: Grid
    hu: Float32
    calcium: LabelMap
    plaques: tuple[Plaque, ...] = ()
    distractors: tuple[Distractor, ...] = ()
    truth_labels: LabelMap | None = None
    vessel_labels: Mapping[str, int] = field(default_factory=lambda: ARTERY_LABELS)
    heart: LabelMap | None = None
    aorta: LabelMap | None = None

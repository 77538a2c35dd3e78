"""Scores of a scan, as the scoring stage hands them on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from calcarium.quality import QualityRow
from calcarium.regions.model import LabelColumns
from calcarium.volume.model import Float64
from calcarium_kernels.contract import Int64

MassCalibration: TypeAlias = Literal["dicom_patient", "dicom_device", "protocol"]
Cause: TypeAlias = Literal["connectivity", "minimum_size", "start", "noise"]
Range: TypeAlias = tuple[float, float]


@dataclass(frozen=True)
class Measure:
    """What one convention gives for one set of voxels.

    Attributes
    ----------
    agatston : ``None`` where the convention needs a header value that is missing
    volume_mm3 : voxels times their volume
    volume_interpolated_mm3 : ``None`` where the convention has none
    mass_mg : ``None`` without a calibration factor
    n_lesions : 3-D lesions with a part that counted
    """

    agatston: float | None
    volume_mm3: float
    volume_interpolated_mm3: float | None
    mass_mg: float | None
    n_lesions: int


@dataclass(frozen=True)
class Movement:
    """Range of a score over the causes, and what moves it most.

    Attributes
    ----------
    score : that is moved
    low, high : of all causes together, the score itself included
    cause : what moves it most; ``None`` if nothing does
    by_cause : range by cause, or a sentence why there is none
    """

    score: float
    low: float
    high: float
    cause: Cause | None
    by_cause: Mapping[Cause, Range | str]


@dataclass(frozen=True)
class ConventionScore:
    """One convention on one scan.

    Attributes
    ----------
    total : sum over the vessels
    vessels : by vessel, only those that the region knows
    agatston_low, agatston_high : without the doubtful lesions, and with the possible ones
    agatston_rejected : of everything that was rejected, an upper bound of what was missed
    movement : how far the score moves by what nobody chose; of the primary convention only
    agatston_without_suspected_device : of the total, without ``n_suspected_devices`` lesions
        that are too bright for calcium
    n_vessels : vessels with a part that counted; LM+LAD and unassigned count as one
    threshold_hu : ``None`` where the region is not clipped at a threshold
    """

    convention: str
    total: Measure
    vessels: Mapping[str, Measure]
    agatston_low: float | None
    agatston_high: float | None
    agatston_rejected: float | None
    agatston_without_suspected_device: float | None
    n_suspected_devices: int
    n_vessels: int
    threshold_hu: float | None
    threshold_inclusive: bool
    movement: Movement | None = None

    @property
    def detected(self) -> bool:
        """Whether anything counted, however small; a score may round to 0 and be detected."""
        return self.total.n_lesions > 0


@dataclass(frozen=True)
class Lesions:
    """3-D lesions at the primary convention's threshold: one element per lesion in every array.

    They are numbered in raster order.

    Attributes
    ----------
    labels : what the region's label of each lesion stands for
    mass_mg, agatston : NaN where there is none
    centroid_mm : shape (n, 3), patient LPS
    peak_slice : index of the slice that holds the brightest voxel
    """

    labels: LabelColumns
    n_voxels: Int64
    area_mm2: Float64
    volume_mm3: Float64
    mass_mg: Float64
    agatston: Float64
    peak_hu: Float64
    mean_hu: Float64
    centroid_mm: Float64
    slice_first: Int64
    slice_last: Int64
    peak_slice: Int64

    def __len__(self) -> int:
        return int(self.n_voxels.size)


@dataclass(frozen=True)
class ScanScores:
    """All scores of one scan.

    Attributes
    ----------
    conventions : in the order of the protocol
    primary : name of the one that goes into the studies table
    mass_calibration, mass_factor_mg_per_cm3_hu : where the factor came from, and its value
    """

    conventions: tuple[ConventionScore, ...]
    primary: str
    lesions: Lesions
    quality: tuple[QualityRow, ...]
    mass_calibration: MassCalibration | None
    mass_factor_mg_per_cm3_hu: float | None

    @property
    def primary_score(self) -> ConventionScore:
        """Score of the primary convention."""
        return next(score for score in self.conventions if score.convention == self.primary)

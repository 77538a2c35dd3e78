"""Scores of a scan, as the scoring stage hands them on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

from calcarium.quality import QualityRow

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


class LesionFacts(NamedTuple):
    """One 3-D lesion at the primary convention's threshold.

    A tuple, because a noisy scan has thousands: a frozen dataclass takes ten times as long to make.

    Attributes
    ----------
    lesion : number within the scan, in raster order
    accepted : whether it counts in the score
    centroid_mm : patient LPS
    peak_slice : index of the slice that holds the brightest voxel
    """

    lesion: int
    vessel: str
    accepted: bool
    standing: str
    rejected_by: str
    confidence: float | None
    features: Mapping[str, float]
    n_voxels: int
    area_mm2: float
    volume_mm3: float
    mass_mg: float | None
    peak_hu: float
    mean_hu: float
    centroid_mm: tuple[float, float, float]
    slice_first: int
    slice_last: int
    peak_slice: int
    agatston: float | None


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
    lesions: tuple[LesionFacts, ...]
    quality: tuple[QualityRow, ...]
    mass_calibration: MassCalibration | None
    mass_factor_mg_per_cm3_hu: float | None

    @property
    def primary_score(self) -> ConventionScore:
        """Score of the primary convention."""
        return next(score for score in self.conventions if score.convention == self.primary)

"""How one scan ended, with everything that was found on the way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from calcarium.config.protocol import ScanClass
from calcarium.covariates import Covariates
from calcarium.intake.records import Scan
from calcarium.intake.select import ScanChoice
from calcarium.quality import QualityRow
from calcarium.scoring.interpret import Interpretation
from calcarium.scoring.model import ScanScores
from calcarium.scoring.threshold_free import ThresholdFree
from calcarium.volume.model import Volume

Outcome: TypeAlias = Literal["scored", "excluded", "failed"]


@dataclass(frozen=True)
class VolumeFacts:
    """What was measured on a volume that is no longer in memory."""

    slice_increment_mm: float
    row_spacing_mm: float
    column_spacing_mm: float
    n_slices: int
    coverage_mm: float
    shear_deg: float
    sop_instance_uid: tuple[str, ...]

    @classmethod
    def of(cls, volume: Volume) -> VolumeFacts:
        """Keep the facts of a volume, and let its voxels go."""
        geometry = volume.geometry
        return cls(
            slice_increment_mm=geometry.slice_increment_mm,
            row_spacing_mm=geometry.row_spacing_mm,
            column_spacing_mm=geometry.column_spacing_mm,
            n_slices=geometry.shape[0],
            coverage_mm=float(geometry.slice_position_mm[-1] - geometry.slice_position_mm[0]),
            shear_deg=geometry.shear_deg,
            sop_instance_uid=volume.sop_instance_uid,
        )


@dataclass(frozen=True)
class KeptScan:
    """What is kept of a scored scan so that it can be scored again."""

    base_hu: float
    facts_json: str
    packed: bytes


@dataclass(frozen=True)
class ScanResult:
    """How one scan ended.

    Attributes
    ----------
    choice : what selection said; ``None`` if the study failed as a whole, or was read back
    scan_class : as selection said, where it came to it
    stage : where it ended; ``None`` if it was scored
    reason : key of ``REASONS`` if excluded
    error : class of the error if failed
    message, traceback : of an error or exclusion; private, because they may name files
    volume, region_source, scores ... : as far as the scan came
    threshold_free : scores that look at voxels which no threshold keeps
    kept : its voxels and facts, to score it again without its files
    """

    scan: Scan
    choice: ScanChoice | None
    outcome: Outcome
    covariates: Covariates
    scan_class: ScanClass | None = None
    stage: str | None = None
    reason: str | None = None
    error: str | None = None
    message: str = ""
    traceback: str | None = None
    volume: VolumeFacts | None = None
    region_source: str | None = None
    region_sha256: str | None = None
    scores: ScanScores | None = None
    interpretation: Interpretation | None = None
    quality: tuple[QualityRow, ...] = ()
    threshold_free: ThresholdFree = field(default_factory=ThresholdFree)
    kept: KeptScan | None = None

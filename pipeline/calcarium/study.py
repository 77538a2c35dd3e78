"""One study, all stages in order. Read this first.

::

    select      which of the study's scans are scored, and why not the others
    volume      files -> stored integers, geometry, exact rescale
    region      where is coronary calcium?
    score       islands -> every convention's scores
    interpret   categories, percentiles, arterial age
    rows        everything above, and every outcome, as rows

A scan that cannot be scored ends as a row as well; only storage, memory and
devices (``ResourceError``) are left to the caller, who tries again elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from calcarium.acquisition_quality import acquisition_quality
from calcarium.config import Protocol, Protocols, ScanClass
from calcarium.covariate_table import CovariateTable, scan_covariates
from calcarium.covariates import from_header
from calcarium.dose import dose_quality
from calcarium.dose_report import StudyDose, study_dose
from calcarium.errors import ResourceError, ScanExcluded, ScanFailed
from calcarium.intake.classify import plain_class
from calcarium.intake.records import Study
from calcarium.intake.select import ScanChoice, select
from calcarium.kept import keep
from calcarium.outcome import ScanResult, VolumeFacts
from calcarium.regions.inputs import RegionInputs
from calcarium.regions.masks import mask_calcium
from calcarium.regions.model import Region
from calcarium.regions.resolve import find_region
from calcarium.scoring.false_pixels import false_pixels, measured_noise_hu
from calcarium.scoring.interpret import interpret_scores
from calcarium.scoring.score import score_region
from calcarium.scoring.threshold_free import threshold_free
from calcarium.study_row import study_rows
from calcarium.tables.rows import Failure, StudyRows
from calcarium.volume import Volume, load_volume
from calcarium_kernels import load
from calcarium_kernels.contract import Kernels
from calcarium_kernels.device import DeviceError
from calcarium_kernels.device.claim import claim_device, visible_devices


@dataclass(frozen=True)
class ScorerSetup:
    """What a worker is told; it travels, so it holds no kernels.

    Attributes
    ----------
    protocols : resolved protocol of each class of scan
    inputs : masks that the user brings
    covariates : table of age, sex and the like, above what headers say
    secret : key of the hash that stands for PatientID
    all_scans : score every eligible scan, not only the best of each class
    voxels_base_hu : keep the voxels from this HU up, to score again without the files;
        ``None`` keeps none
    """

    protocols: Protocols
    inputs: RegionInputs
    secret: bytes
    backend: Literal["numpy", "cupy"] = "numpy"
    covariates: CovariateTable | None = None
    all_scans: bool = False
    voxels_base_hu: float | None = None

    def __call__(self) -> Scorer:
        """Make the scorer of a worker, once per process.

        Raises
        ------
        ResourceError
            if the backend is not to be had here; another machine may have it.
        DeviceError
            if there is a device and it gave way: a new process may have it.
        """
        try:
            # A network on CUDA takes its turn too; that there is no device, ONNX Runtime says.
            on_cuda = self.inputs.network_device == "cuda" and visible_devices()
            if self.backend == "cupy" or on_cuda:
                claim_device()
            return Scorer(self, load(self.backend))
        except DeviceError:
            raise
        except RuntimeError as error:
            raise ResourceError(f"{self.backend}: {error}") from error

    def failed(self, study: Study, failure: Failure) -> StudyRows:
        """Rows of a study that failed as a whole, so that it is not lost."""
        results = [
            ScanResult(
                scan,
                None,
                "failed",
                from_header(scan.acquisition),
                stage=failure.stage,
                error=failure.error,
                message=failure.message,
                traceback=failure.traceback,
            )
            for scan in study.scans
        ]
        return study_rows(study.study_id, results, self.secret)


@dataclass(frozen=True)
class Scorer:
    """Scores one study after another; kernels stay warm between them."""

    setup: ScorerSetup
    kernels: Kernels

    def __call__(self, study: Study) -> StudyRows:
        """Score a study: one row per scan, whatever became of it.

        Raises
        ------
        ResourceError
            if storage, memory or a device gave way: the study may pass elsewhere.
        """
        selection = select(study, self.setup.protocols, all_scans=self.setup.all_scans)
        dose = study_dose(study) if selection.chosen else StudyDose()
        results = [self._scan(choice, dose) for choice in selection.scans]
        return study_rows(study.study_id, results, self.setup.secret)

    def _scan(self, choice: ScanChoice, dose: StudyDose) -> ScanResult:
        covariates, doubts = scan_covariates(choice.scan, self.setup.covariates)
        result = ScanResult(
            choice.scan, choice, "excluded", covariates, choice.scan_class, quality=doubts
        )
        if choice.reason is not None:
            return replace(result, stage="select", reason=choice.reason, message=choice.detail)
        protocol = self.setup.protocols.by_class[choice.scan_class]
        told = dose_quality(choice.scan, dose, protocol.dose)
        result = replace(result, quality=(*doubts, *told))
        try:
            volume = load_volume(choice.scan, protocol.volume)
        except (ScanExcluded, ScanFailed) as error:
            return ended(result, "volume", error)
        result = replace(result, volume=VolumeFacts.of(volume))
        scored = self._read(volume, choice, result, protocol)
        seen = _class_of_pixels(scored)
        if seen is None or seen not in self.setup.protocols.by_class:
            return scored
        result, choice = replace(result, scan_class=seen), replace(choice, scan_class=seen)
        own = self.setup.protocols.by_class[seen]
        if own.volume != protocol.volume:
            try:
                volume = load_volume(choice.scan, own.volume)
            except (ScanExcluded, ScanFailed) as error:
                return ended(result, "volume", error)
            result = replace(result, volume=VolumeFacts.of(volume))
        return self._read(volume, choice, result, own)

    def _read(
        self, volume: Volume, choice: ScanChoice, result: ScanResult, protocol: Protocol
    ) -> ScanResult:
        """Take a scan whose pixels are read to its end: scored, excluded or failed."""
        try:
            region = find_region(volume, choice.scan, protocol, self.setup.inputs, self.kernels)
        except (ScanExcluded, ScanFailed) as error:
            return ended(result, "region", error)
        acquired = acquisition_quality(choice, VolumeFacts.of(volume), region)
        result = replace(
            result,
            quality=(*result.quality, *acquired, *volume.notes, *region.quality),
            threshold_free=threshold_free(
                volume, region, choice.scan.acquisition.kvp, protocol.threshold_free
            ),
        )
        kept = keep(result, volume, region, self.setup.voxels_base_hu)
        return replace(score_volume(result, volume, region, protocol, self.kernels), kept=kept)


def _class_of_pixels(result: ScanResult) -> ScanClass | None:
    """The class that a scan turned out to be of, where its pixels contradict its header."""
    if result.stage != "region":
        return None
    if result.reason == "contrast":
        return "contrast"
    if result.reason == "no_contrast":
        return plain_class(result.scan.acquisition)
    return None


def score_volume(
    result: ScanResult, volume: Volume, region: Region, protocol: Protocol, kernels: Kernels
) -> ScanResult:
    """Score and interpret a volume whose region is known."""
    result = replace(result, region_source=region.source, region_sha256=region.sha256 or None)
    acquisition, stage = result.scan.acquisition, "score"
    try:
        scores = score_region(
            volume,
            region,
            acquisition,
            protocol.scoring,
            kernels,
            noise_hu=measured_noise_hu(result.quality),
        )
        stage = "interpret"
        meaning = interpret_scores(
            scores, region, result.scan_class, result.covariates, protocol.interpret
        )
    except (ScanExcluded, ScanFailed) as error:
        return ended(result, stage, error)
    noise = false_pixels(
        result.quality, volume.geometry.voxel_mm3, scores.primary_score.threshold_hu
    )
    return replace(
        result,
        outcome="scored",
        stage=None,
        scores=scores,
        interpretation=meaning,
        quality=(
            *result.quality,
            *noise,
            *mask_calcium(region, detected=scores.primary_score.detected),
            *scores.quality,
            *meaning.quality,
        ),
    )


def ended(result: ScanResult, stage: str, error: ScanExcluded | ScanFailed) -> ScanResult:
    """The same scan, ended by an error at a stage."""
    if isinstance(error, ScanExcluded):
        return replace(
            result, outcome="excluded", stage=stage, reason=error.reason, message=error.detail
        )
    name = type(error.__cause__ or error).__name__
    return replace(result, outcome="failed", stage=stage, error=name, message=str(error))

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
from calcarium.config import Protocol, Protocols
from calcarium.covariate_table import CovariateTable, scan_covariates
from calcarium.covariates import from_header
from calcarium.errors import ScanExcluded, ScanFailed
from calcarium.intake.records import Study
from calcarium.intake.select import ScanChoice, select
from calcarium.outcome import ScanResult, VolumeFacts
from calcarium.regions.inputs import RegionInputs
from calcarium.regions.resolve import find_region
from calcarium.scoring.interpret import interpret_scores
from calcarium.scoring.score import score_region
from calcarium.study_row import study_rows
from calcarium.tables.rows import Failure, StudyRows
from calcarium.volume import load_volume
from calcarium_kernels import load
from calcarium_kernels.contract import Kernels


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
    """

    protocols: Protocols
    inputs: RegionInputs
    secret: bytes
    backend: Literal["numpy", "cupy"] = "numpy"
    covariates: CovariateTable | None = None
    all_scans: bool = False

    def __call__(self) -> Scorer:
        """Make the scorer of a worker, once per process.

        Raises
        ------
        RuntimeError
            if the backend is not to be had here.
        """
        return Scorer(self, load(self.backend))

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
        results = [self._scan(choice) for choice in selection.scans]
        return study_rows(study.study_id, results, self.setup.secret)

    def _scan(self, choice: ScanChoice) -> ScanResult:
        scan = choice.scan
        covariates, doubts = scan_covariates(scan, self.setup.covariates)
        result = ScanResult(scan, choice, "excluded", covariates, stage="select", quality=doubts)
        if choice.reason is not None:
            return replace(result, reason=choice.reason, message=choice.detail)
        protocol = self.setup.protocols.by_class[choice.scan_class]
        return score_scan(choice, result, protocol, self.setup.inputs, self.kernels)


def score_scan(
    choice: ScanChoice,
    result: ScanResult,
    protocol: Protocol,
    inputs: RegionInputs,
    kernels: Kernels,
) -> ScanResult:
    """Take a chosen scan through every stage; it ends scored, excluded or failed."""
    scan, stage = choice.scan, "volume"
    try:
        volume = load_volume(scan, protocol.volume)
        facts = VolumeFacts.of(volume)
        result = replace(result, volume=facts)
        stage = "region"
        region = find_region(volume, scan, protocol, inputs, kernels)
        result = replace(result, region_source=region.source, region_sha256=region.sha256 or None)
        stage = "score"
        scores = score_region(volume, region, scan.acquisition, protocol.scoring, kernels)
        stage = "interpret"
        meaning = interpret_scores(scores, result, region, protocol.interpret)
    except ScanExcluded as excluded:
        return replace(result, stage=stage, reason=excluded.reason, message=excluded.detail)
    except ScanFailed as failed:
        error = type(failed.__cause__ or failed).__name__
        return replace(result, outcome="failed", stage=stage, error=error, message=str(failed))
    acquired = acquisition_quality(choice, facts, region, scores)
    doubts = (*acquired, *volume.notes, *region.quality, *scores.quality, *meaning.quality)
    return replace(
        result,
        outcome="scored",
        stage=None,
        scores=scores,
        interpretation=meaning,
        quality=(*result.quality, *doubts),
    )

"""One study, all stages in order. Read this first.

::

    select   which of the study's scans are scored, and why not the others
    volume   files -> stored integers, geometry, exact rescale
    region   where is coronary calcium?
    score    islands -> every convention's scores
    interpret   categories, percentiles, arterial age
    rows     everything above, and every outcome, as rows

A scan that cannot be scored ends as a row as well; only storage, memory and
devices (``ResourceError``) are left to the caller, who tries again elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from calcarium.config.load import Protocols
from calcarium.config.protocol import Protocol
from calcarium.covariates import Covariates
from calcarium.errors import ScanExcluded, ScanFailed
from calcarium.intake.records import Scan, Study
from calcarium.intake.select import ScanChoice, select
from calcarium.outcome import ScanResult, Stage, VolumeFacts
from calcarium.quality import QualityRow
from calcarium.regions import RegionInputs, find_region
from calcarium.scoring.interpret import interpret_scores
from calcarium.scoring.score import score_region
from calcarium.study_row import study_rows
from calcarium.tables.rows import StudyRows
from calcarium.volume import load_volume
from calcarium_kernels.contract import Kernels


@dataclass(frozen=True)
class Scorer:
    """What a worker keeps warm between studies.

    Attributes
    ----------
    protocols : resolved protocol of each class of scan
    inputs : masks and networks that the user brings
    covariates : age, sex and the like of a scan
    kernels : numpy or CuPy
    secret : key of the hash that stands for PatientID
    all_scans : score every eligible scan, not only the best of each class
    """

    protocols: Protocols
    inputs: RegionInputs
    covariates: Callable[[Scan], tuple[Covariates, tuple[QualityRow, ...]]]
    kernels: Kernels
    secret: bytes
    all_scans: bool = False

    def __call__(self, study: Study) -> StudyRows:
        """Score a study.

        Raises
        ------
        ResourceError
            if storage, memory or a device gave way: the study may pass elsewhere.
        """
        selection = select(study, self.protocols, all_scans=self.all_scans)
        results = [self._scan(choice) for choice in selection.scans]
        return study_rows(study.study_id, results, self.secret)

    def _scan(self, choice: ScanChoice) -> ScanResult:
        covariates, doubts = self.covariates(choice.scan)
        result = ScanResult(choice, "excluded", covariates, stage="select", quality=doubts)
        if choice.reason is not None:
            return replace(result, reason=choice.reason, message=choice.detail)
        return score_scan(result, self.protocols.by_class[choice.scan_class], self)


def score_scan(result: ScanResult, protocol: Protocol, warm: Scorer) -> ScanResult:
    """Take one chosen scan through every stage; it ends scored, excluded or failed."""
    scan = result.choice.scan
    stage: Stage = "volume"
    try:
        volume = load_volume(scan, protocol.volume)
        result = replace(result, volume=VolumeFacts.of(volume))
        stage = "region"
        region = find_region(volume, scan, protocol, warm.inputs, warm.kernels)
        result = replace(result, region_source=region.source, region_sha256=region.sha256)
        stage = "score"
        scores = score_region(volume, region, scan.acquisition, protocol.scoring, warm.kernels)
        stage = "interpret"
        meaning = interpret_scores(scores, result, region, protocol.interpret)
    except ScanExcluded as excluded:
        return replace(result, stage=stage, reason=excluded.reason, message=excluded.detail)
    except ScanFailed as failed:
        error = type(failed.__cause__ or failed).__name__
        return replace(result, outcome="failed", stage=stage, error=error, message=str(failed))
    doubts = (*result.quality, *volume.notes, *region.quality, *scores.quality, *meaning.quality)
    return replace(
        result,
        outcome="scored",
        stage=None,
        scores=scores,
        interpretation=meaning,
        quality=doubts,
    )

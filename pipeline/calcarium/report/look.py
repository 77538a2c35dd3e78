"""From a scan to its picture: the same stages as scoring, then the overlay."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from PIL import Image

from calcarium.config import Protocol, Protocols
from calcarium.errors import ScanExcluded
from calcarium.intake.records import Study
from calcarium.intake.select import ScanChoice, select
from calcarium.quality import QualityRow
from calcarium.regions.anatomy.aorta import Vessel
from calcarium.regions.anatomy.given import Anatomy
from calcarium.regions.anatomy.grid import Grid, Mask
from calcarium.regions.anatomy.landmarks import find_landmarks
from calcarium.regions.detector.candidates import MARGIN_MM
from calcarium.regions.inputs import RegionInputs
from calcarium.regions.model import Region
from calcarium.regions.resolve import find_region
from calcarium.report.overlay import overlay
from calcarium.scoring.categories import categorise
from calcarium.scoring.conventions import CONVENTIONS
from calcarium.scoring.model import ScanScores
from calcarium.scoring.score import score_region
from calcarium.volume import load_volume
from calcarium.volume.model import Volume
from calcarium_kernels.contract import Box, Kernels


@dataclass(frozen=True)
class Look:
    """The picture of a scan, or why there is none.

    Attributes
    ----------
    summary : one line: score, range and category, or the reason of an exclusion
    """

    scan_id: str
    summary: str
    picture: Image.Image | None


def look_at(
    study: Study, protocols: Protocols, inputs: RegionInputs, kernels: Kernels
) -> list[Look]:
    """One look per scan of a study that is chosen for scoring, or the reasons if none is."""
    selection = select(study, protocols)
    if not selection.chosen:
        return [Look(c.scan.scan_id, f"excluded: {c.reason}", None) for c in selection.scans]
    return [
        _look(choice, protocols.by_class[choice.scan_class], inputs, kernels)
        for choice in selection.chosen
    ]


def _look(choice: ScanChoice, protocol: Protocol, inputs: RegionInputs, kernels: Kernels) -> Look:
    scan = choice.scan
    try:
        volume = load_volume(scan, protocol.volume)
        region = find_region(volume, scan, protocol, inputs, kernels)
        scores = score_region(volume, region, scan.acquisition, protocol.scoring, kernels)
    except ScanExcluded as excluded:
        return Look(scan.scan_id, f"excluded: {excluded}", None)
    frame, outlines = _outlines(volume, region, protocol, kernels)
    summary = _summary(choice, scores)
    flags = _flags((*volume.notes, *region.quality, *scores.quality))
    title = (summary, f"region: {region.source}", f"flags: {flags or 'none'}")
    return Look(scan.scan_id, summary, overlay(volume, region, scores, frame, outlines, title))


def _summary(choice: ScanChoice, scores: ScanScores) -> str:
    score = next(s for s in scores.conventions if s.convention == scores.primary)
    if score.threshold_hu is not None and CONVENTIONS[score.convention].score_type == "cta_volume":
        found = f"{score.total.volume_mm3:.1f} mm3 in {score.total.n_lesions} lesions"
        return f"contrast, {score.convention}: {found} above {score.threshold_hu:.0f} HU"
    if score.total.agatston is None:
        return f"{choice.scan_class}, {score.convention}: no score"
    category = categorise(score.total.agatston)["five_rumberger"]
    return (
        f"{choice.scan_class}, {score.convention}: {score.total.agatston:.0f} "
        f"({score.agatston_low:.0f}-{score.agatston_high:.0f}), {category}; "
        f"rejected {score.agatston_rejected:.0f}"
    )


def _flags(quality: tuple[QualityRow, ...]) -> str:
    return ", ".join(sorted({row.check for row in quality if row.status in ("warn", "fail")}))


def _outlines(
    volume: Volume, region: Region, protocol: Protocol, kernels: Kernels
) -> tuple[Box, Mapping[str, Mask]]:
    """What is shown, and in it heart and aorta where the detector looked for them."""
    if region.source != "detector":
        return region.box, {}
    found = find_landmarks(volume, protocol.detector, kernels, Anatomy())
    grid = found.thorax.grid
    aorta = np.zeros(grid.hu.shape, dtype=bool)
    for vessel in (found.aorta.ascending, found.aorta.root, found.aorta.descending):
        _draw_circles(aorta, vessel, grid)
    frame = grid.native_box(found.heart.mask, MARGIN_MM)
    return frame, {
        "heart": grid.in_box(found.heart.mask, frame),
        "aorta": grid.in_box(aorta, frame),
    }


def _draw_circles(mask: Mask, vessel: Vessel, grid: Grid) -> None:
    row = np.arange(mask.shape[1])[:, None]
    column = np.arange(mask.shape[2])[None, :]
    for i in range(len(vessel)):
        away = np.hypot(row - vessel.rows[i], column - vessel.columns[i]) * grid.pixel_mm
        mask[vessel.first + i] |= away <= vessel.radius_mm[i]

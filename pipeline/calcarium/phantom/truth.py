"""What an ideal scorer gives on a synthetic scan; kept apart from the product's scorer.

Per slice, with :func:`scipy.ndimage.label`: the plainest reading of the definition
(Agatston 1990; convention ``literature``), so that the two can be held against each
other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil

import numpy as np
from scipy import ndimage

from calcarium.phantom.model import Float64, Grid, LabelMap, VoxelSet

THRESHOLD_HU = 130.0
WEIGHT_EDGES_HU = (130.0, 200.0, 300.0, 400.0)
REFERENCE_INCREMENT_MM = 3.0
MINIMUM_AREA_MM2 = 1.0


@dataclass(frozen=True)
class VesselTruth:
    """Agatston score and plain volume of one artery."""

    agatston: float
    volume_mm3: float


def score_by_definition(
    hu: Float64, labels: LabelMap, grid: Grid, vessels: Mapping[str, int]
) -> dict[str, VesselTruth]:
    """Score of each vessel and, under ``total``, of all.

    4-connected components of ``HU >= 130`` inside each label and slice; at least
    ``ceil(1 mm2 / pixel area)`` pixels; area times weight of the component's peak;
    times increment / 3 mm. Volume is that of the counted pixels times the increment.
    """
    scores: dict[str, VesselTruth] = {}
    for vessel, label in vessels.items():
        scores[vessel] = _vessel(hu, labels == label, grid)
    total = VesselTruth(
        sum(score.agatston for score in scores.values()),
        sum(score.volume_mm3 for score in scores.values()),
    )
    return {**scores, "total": total}


def _vessel(hu: Float64, inside: VoxelSet, grid: Grid) -> VesselTruth:
    pixel_area = grid.row_spacing_mm * grid.column_spacing_mm
    least = ceil(MINIMUM_AREA_MM2 / pixel_area)
    agatston = volume = 0.0
    for z in np.flatnonzero(inside.any(axis=(1, 2))):
        components, n = ndimage.label((hu[z] >= THRESHOLD_HU) & inside[z])
        index = np.arange(1, n + 1)
        pixels = np.bincount(components.ravel(), minlength=n + 1)[1:]
        peaks = ndimage.maximum(hu[z], components, index) if n else np.zeros(0)
        for count, peak in zip(pixels, np.atleast_1d(peaks), strict=True):
            if count >= least:
                weight = sum(peak >= edge for edge in WEIGHT_EDGES_HU)
                agatston += count * pixel_area * weight
                volume += count * pixel_area * grid.slice_increment_mm
    return VesselTruth(agatston * grid.slice_increment_mm / REFERENCE_INCREMENT_MM, volume)

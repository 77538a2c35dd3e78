"""One record per 3-D lesion, accepted or rejected, at the primary convention's threshold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calcarium.regions.model import COUNTED, Label, Region
from calcarium.scoring.conventions import Convention, Threshold
from calcarium.scoring.mass import MassFactor
from calcarium.scoring.measure import agatston_of_parts
from calcarium.scoring.model import LesionFacts
from calcarium.scoring.parts import weighted_parts
from calcarium.volume.model import Float64, Volume
from calcarium_kernels.contract import Int64, Islands


def lesion_facts(
    islands: Islands,
    convention: Convention,
    threshold: Threshold,
    volume: Volume,
    region: Region,
    slice_thickness_mm: float | None,
    factor: MassFactor | None,
) -> tuple[LesionFacts, ...]:
    """Measure every lesion, also those below the minimum size (their Agatston is 0 then).

    The rows add up to the score where the convention weights slice components; for
    conventions that weight whole 3-D lesions by another connectivity ``agatston`` is ``None``.
    """
    if not len(islands):
        return ()
    sums = _LesionSums.of(islands, volume)
    agatston = _agatston(islands, convention, threshold, volume, slice_thickness_mm)
    mass = None if factor is None else factor.mg_per_cm3_hu * 1e-3 * sums.mean_hu * sums.volume_mm3
    none = [None] * len(sums.label)
    unassigned = Label("unassigned")
    each = zip(
        (region.meaning.get(label, unassigned) for label in sums.label.tolist()),
        sums.n_voxels.tolist(),
        (sums.n_voxels * volume.geometry.pixel_area_mm2).tolist(),
        sums.volume_mm3.tolist(),
        none if mass is None else mass.tolist(),
        sums.peak_hu.tolist(),
        sums.mean_hu.tolist(),
        map(tuple, volume.geometry.to_patient_mm(sums.centroid_zyx).tolist()),
        sums.slice_first.tolist(),
        sums.slice_last.tolist(),
        sums.peak_slice.tolist(),
        none if agatston is None else agatston.tolist(),
        strict=True,
    )
    return tuple(
        LesionFacts(
            lesion,
            label.vessel,
            label.standing in COUNTED,
            label.standing,
            label.rejected_by,
            label.confidence,
            label.features or {},
            *measured,
        )
        for lesion, (label, *measured) in enumerate(each)
    )


@dataclass(frozen=True)
class _LesionSums:
    label: Int64
    n_voxels: Int64
    volume_mm3: Float64
    mean_hu: Float64
    peak_hu: Float64
    peak_slice: Int64
    slice_first: Int64
    slice_last: Int64
    centroid_zyx: Float64

    @classmethod
    def of(cls, islands: Islands, volume: Volume) -> _LesionSums:
        lesion, area = islands.lesion, islands.area_px
        n = int(lesion.max()) + 1
        slope = volume.rescale.slopes[islands.slice]
        intercept = volume.rescale.intercepts[islands.slice]
        extent = volume.geometry.slice_extent_mm[islands.slice]

        def add(values: Int64 | Float64) -> Float64:
            return np.bincount(lesion, weights=values, minlength=n).astype(np.float64)

        voxels = add(area)
        peak = slope * islands.peak + intercept
        # The last of a stable sort by peak is each lesion's brightest island.
        order = np.lexsort((-islands.slice, peak, lesion))
        brightest = order[np.searchsorted(lesion[order], np.arange(n), side="right") - 1]
        by_slice = np.lexsort((islands.slice, lesion))
        first = by_slice[np.searchsorted(lesion[by_slice], np.arange(n))]
        last = by_slice[np.searchsorted(lesion[by_slice], np.arange(n), side="right") - 1]
        return cls(
            label=islands.label[brightest],
            n_voxels=voxels.astype(np.int64),
            volume_mm3=add(area * volume.geometry.pixel_area_mm2 * extent),
            mean_hu=add(slope * islands.total + intercept * area) / voxels,
            peak_hu=peak[brightest],
            peak_slice=islands.slice[brightest],
            slice_first=islands.slice[first],
            slice_last=islands.slice[last],
            centroid_zyx=np.stack(
                [add(islands.slice * area), add(islands.row_sum), add(islands.column_sum)], axis=1
            )
            / voxels[:, None],
        )


def _agatston(
    islands: Islands,
    convention: Convention,
    threshold: Threshold,
    volume: Volume,
    slice_thickness_mm: float | None,
) -> Float64 | None:
    if convention.part != "component":
        return None
    parts = weighted_parts(islands, convention, threshold, volume)
    scores = agatston_of_parts(parts, convention, volume, slice_thickness_mm)
    if scores is None:
        return None
    n_lesions = int(islands.lesion.max()) + 1
    return np.bincount(parts.lesion, weights=scores, minlength=n_lesions).astype(np.float64)

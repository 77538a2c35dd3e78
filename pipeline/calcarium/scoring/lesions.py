"""Every 3-D lesion, accepted or rejected, at the primary convention's threshold."""

from __future__ import annotations

import numpy as np

from calcarium.regions.model import Region
from calcarium.scoring.conventions import Convention, Threshold
from calcarium.scoring.mass import MassFactor
from calcarium.scoring.measure import agatston_of_parts
from calcarium.scoring.model import Lesions
from calcarium.scoring.parts import weighted_parts
from calcarium.volume.model import Float64, Volume
from calcarium_kernels.contract import Int64, Islands


def measure_lesions(
    islands: Islands,
    convention: Convention,
    threshold: Threshold,
    volume: Volume,
    region: Region,
    slice_thickness_mm: float | None,
    factor: MassFactor | None,
) -> Lesions:
    """Measure every lesion, also those below the minimum size (their Agatston is 0 then).

    They add up to the score where the convention weights slice components; for conventions
    that weight whole 3-D lesions by another connectivity ``agatston`` is unknown.
    """
    lesion, area, geometry = islands.lesion, islands.area_px, volume.geometry
    known = region.known
    n = int(lesion.max(initial=-1)) + 1
    slope = volume.rescale.slopes[islands.slice]
    intercept = volume.rescale.intercepts[islands.slice]
    peak_hu = slope * islands.peak + intercept
    # Islands are in raster order, so those of a lesion are in the order of their slices.
    by_lesion = np.argsort(lesion, kind="stable")
    last = np.flatnonzero(np.diff(lesion[by_lesion], append=-1))
    first = np.append(0, last + 1)[:-1]
    brightest = np.lexsort((-islands.slice, peak_hu, lesion))[last]

    def add(values: Int64 | Float64) -> Float64:
        return np.bincount(lesion, weights=values, minlength=n).astype(np.float64)

    voxels = add(area)
    volume_mm3 = add(area * geometry.pixel_area_mm2 * geometry.slice_extent_mm[islands.slice])
    mean_hu = add(slope * islands.total + intercept * area) / voxels
    sums = [add(islands.slice * area), add(islands.row_sum), add(islands.column_sum)]
    per_mm3_hu = np.nan if factor is None else factor.mg_per_cm3_hu * 1e-3
    return Lesions(
        labels=known.labels.take(known.place_of(islands.label[brightest])),
        n_voxels=voxels.astype(np.int64),
        area_mm2=voxels * geometry.pixel_area_mm2,
        volume_mm3=volume_mm3,
        mass_mg=per_mm3_hu * mean_hu * volume_mm3,
        agatston=_agatston(islands, convention, threshold, volume, slice_thickness_mm),
        peak_hu=peak_hu[brightest],
        mean_hu=mean_hu,
        centroid_mm=geometry.to_patient_mm(np.stack(sums, axis=1) / voxels[:, None]),
        slice_first=islands.slice[by_lesion[first]],
        slice_last=islands.slice[by_lesion[last]],
        peak_slice=islands.slice[brightest],
    )


def _agatston(
    islands: Islands,
    convention: Convention,
    threshold: Threshold,
    volume: Volume,
    slice_thickness_mm: float | None,
) -> Float64:
    """Score of each lesion; NaN where the convention gives none."""
    n_lesions = int(islands.lesion.max(initial=-1)) + 1
    unknown = np.full(n_lesions, np.nan)
    if convention.part != "component":
        return unknown
    parts = weighted_parts(islands, convention, threshold, volume)
    scores = agatston_of_parts(parts, convention, volume, slice_thickness_mm)
    if scores is None:
        return unknown
    return np.bincount(parts.lesion, weights=scores, minlength=n_lesions).astype(np.float64)

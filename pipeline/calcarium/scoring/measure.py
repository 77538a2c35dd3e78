"""From weighted parts to Agatston score, volume and mass: per label, then per vessel."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import fsum

import numpy as np
from numpy.typing import NDArray

from calcarium.regions.model import UNASSIGNED, Region, Standing
from calcarium.scoring.conventions import Convention
from calcarium.scoring.mass import MassFactor
from calcarium.scoring.model import Measure
from calcarium.scoring.parts import Parts
from calcarium.volume.model import Float64, Volume
from calcarium_kernels.contract import Int64

REFERENCE_SLICE_MM = 3.0  # Agatston 1990: contiguous 3 mm slices


@dataclass(frozen=True)
class LabelSums:
    """Scores by label value, from 0 to the largest; each array has largest label + 1 elements.

    ``None`` where a score cannot be given: Agatston without the header value that its
    convention needs, interpolated volume where the convention has none, mass without a factor.
    """

    agatston: Float64 | None
    volume_mm3: Float64
    interpolated_mm3: Float64 | None
    mass_mg: Float64 | None
    n_lesions: Int64

    def measure(self, labels: Int64) -> Measure:
        """Sum over some labels; lesions never join labels, so they add."""
        return Measure(
            agatston=total(self.agatston, labels),
            volume_mm3=fsum(self.volume_mm3[labels].tolist()),
            volume_interpolated_mm3=total(self.interpolated_mm3, labels),
            mass_mg=total(self.mass_mg, labels),
            n_lesions=int(self.n_lesions[labels].sum()),
        )


def label_sums(
    scored: Parts,
    agatston: Float64 | None,
    sized: Parts,
    volume: Volume,
    *,
    n_labels: int,
    factor: MassFactor | None,
    interpolated_mm3: Float64 | None,
) -> LabelSums:
    """Add up the parts of each label.

    Parameters
    ----------
    scored, agatston : parts at the threshold of the Agatston score, and the score of each
    sized : parts at the threshold of volume and mass; the same for most conventions
    n_labels : largest label + 1
    factor : mass calibration, or ``None``
    interpolated_mm3 : by label, or ``None`` where the convention has none
    """
    volumes = volume_of_parts_mm3(sized, volume)
    mass = None
    if factor is not None:
        # mg/cm3 per HU x HU x mm3 = 1e-3 mg
        milligrams = factor.mg_per_cm3_hu * 1e-3 * mean_hu(sized, volume) * volumes
        mass = _by_label(sized.label, milligrams, n_labels)
    return LabelSums(
        agatston=None if agatston is None else _by_label(scored.label, agatston, n_labels),
        volume_mm3=_by_label(sized.label, volumes, n_labels),
        interpolated_mm3=interpolated_mm3,
        mass_mg=mass,
        n_lesions=_lesions_by_label(scored, n_labels),
    )


def agatston_of_parts(
    parts: Parts, convention: Convention, volume: Volume, slice_thickness_mm: float | None
) -> Float64 | None:
    """Area in mm2 x weight x slice length / 3 mm, per part (Agatston 1990).

    The slice length is the measured increment, so that overlapping slices do not double the
    score; ``None`` where the convention asks for a SliceThickness that the header lacks. On
    contrast CT it is converted from the volume, and ``None`` without a conversion.
    """
    if convention.threshold_from == "region":
        per_mm3 = convention.agatston_per_mm3
        return None if per_mm3 is None else per_mm3 * volume_of_parts_mm3(parts, volume)
    area_mm2 = parts.area_px * volume.geometry.pixel_area_mm2
    if convention.slice_factor == "none":
        return np.asarray(area_mm2 * parts.weight)
    if convention.slice_factor == "increment":
        length_mm = volume.geometry.slice_extent_mm[parts.slice]
        return np.asarray(area_mm2 * parts.weight * length_mm / REFERENCE_SLICE_MM)
    if slice_thickness_mm is None:
        return None
    return np.asarray(area_mm2 * parts.weight * slice_thickness_mm / REFERENCE_SLICE_MM)


def volume_of_parts_mm3(parts: Parts, volume: Volume) -> Float64:
    """Pixels x pixel area x the length that the slice stands for, per part."""
    geometry = volume.geometry
    extent = geometry.slice_extent_mm[parts.slice]
    return np.asarray(parts.area_px * geometry.pixel_area_mm2 * extent)


def mean_hu(parts: Parts, volume: Volume) -> Float64:
    """Mean Hounsfield units per part, from its sum of stored values."""
    slope = volume.rescale.slopes[parts.slice]
    intercept = volume.rescale.intercepts[parts.slice]
    return np.asarray(slope * parts.total / parts.area_px + intercept)


def labels_by_vessel(region: Region, present: Int64) -> dict[str, Int64]:
    """Label values that count, by vessel; one that is present without meaning is ``unassigned``."""
    known, counts = region.known, region.known.labels.counts
    unknown = present[known.place_of(present) < 0]
    value = np.append(known.value[counts], unknown)
    vessel = np.append(known.labels.vessel[counts], [UNASSIGNED.vessel] * unknown.size)
    order = np.argsort(value)
    names = dict.fromkeys((*region.vessels, *vessel[order]))
    return {name: value[vessel == name] for name in names}


def counts_in(region: Region, label: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Whether voxels with these labels of a region count; 0 is outside."""
    counts = region.known.counts
    return np.asarray(counts[np.minimum(label, counts.size - 1)])


def labels_of(region: Region, standing: Standing) -> Int64:
    """Label values of one standing."""
    return np.asarray(region.known.value[region.known.labels.standing == standing])


def n_labels_of(region: Region) -> int:
    """Largest label value of a region, plus one."""
    highest = 1 if region.labels is None else int(region.labels.max(initial=0))
    return 1 + max(highest, int(region.known.value.max(initial=0)))


def sum_of(measures: Iterable[Measure]) -> Measure:
    """The total over vessels; a score that one vessel lacks, the total lacks."""
    parts = list(measures)
    return Measure(
        agatston=_sum([m.agatston for m in parts]),
        volume_mm3=fsum(m.volume_mm3 for m in parts),
        volume_interpolated_mm3=_sum([m.volume_interpolated_mm3 for m in parts]),
        mass_mg=_sum([m.mass_mg for m in parts]),
        n_lesions=sum(m.n_lesions for m in parts),
    )


def _sum(values: list[float | None]) -> float | None:
    present = [value for value in values if value is not None]
    return fsum(present) if len(present) == len(values) else None


def _by_label(label: Int64, values: Float64, n_labels: int) -> Float64:
    return np.bincount(label, weights=values, minlength=n_labels).astype(np.float64)


def _lesions_by_label(parts: Parts, n_labels: int) -> Int64:
    _, first = np.unique(parts.lesion, return_index=True)
    return np.bincount(parts.label[first], minlength=n_labels).astype(np.int64)


def total(values: Float64 | None, labels: Int64) -> float | None:
    """Sum of what some labels have; ``None`` where there is nothing."""
    return None if values is None else fsum(values[labels].tolist())

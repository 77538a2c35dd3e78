"""How far a score moves by what nobody chose for this scan: no second read is needed.

Four causes, each alone: the in-slice connectivity, the least size of a part, where 3 mm slices
begin (where thinner or overlapping ones can be joined to such), and the noise of the image.
Only pixels that count, and those beside them, are looked at; that noise makes calcium where
there is none is what the check ``false_pixels`` tells.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np

from calcarium.quality import QualityRow
from calcarium.regions.model import Region
from calcarium.scoring.conventions import Convention, MinimumSize, Threshold
from calcarium.scoring.cuts import CutKey, cut_threshold
from calcarium.scoring.measure import REFERENCE_SLICE_MM
from calcarium.scoring.pixels import Bool, Pixels, components, counted_pixels, hu_at, with_rim
from calcarium.volume.model import Float64, Geometry, Volume
from calcarium_kernels.contract import InSlice, Int64

Cause: TypeAlias = Literal["connectivity", "minimum_size", "start", "noise"]
Range: TypeAlias = tuple[float, float]

SIZES = (MinimumSize("none"), MinimumSize("mm2_ceil", 1.0))  # one pixel, and Agatston 1990
DRAWS, SEED = 16, 1990
MOST_PIXELS = 100_000  # no coronary arteries hold as many
TWO_SIDED_95 = 1.96
JOINED_TOLERANCE = 0.05  # five slices of 0.625 mm stand for 3 mm
HU_DECIMALS = 6  # so that a rescale in floating point moves no value across an edge


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
class Setting:
    """What a score is made of, beside its pixels.

    Attributes
    ----------
    length_mm : of each plane
    """

    convention: Convention
    threshold: Threshold
    pixel_area_mm2: float
    length_mm: Float64


def movement(
    volume: Volume,
    region: Region,
    convention: Convention,
    threshold: Threshold,
    *,
    score: float | None,
    noise_hu: float | None,
    slice_thickness_mm: float | None,
) -> Movement | None:
    """How far an Agatston score moves; ``None`` for conventions without slice components.

    Parameters
    ----------
    score : of the convention
    noise_hu : standard deviation in soft tissue; taken as independent from pixel to pixel,
        so what smooth kernels do is more
    slice_thickness_mm : of the header
    """
    is_plain = convention.part == "component" and convention.slice_factor == "increment"
    is_agatston = is_plain and convention.threshold_from == "voltage" and region.is_coronary
    if score is None or not is_agatston:
        return None
    limit = CutKey.of(threshold, convention.connectivity, 26)
    found = counted_pixels(volume, region, cut_threshold(volume, limit))
    setting = Setting(
        convention, threshold, volume.geometry.pixel_area_mm2, volume.geometry.slice_extent_mm
    )
    ranges: dict[Cause, Range | str] = {
        "connectivity": _by_connectivity(found, volume, setting),
        "minimum_size": _by_size(found, volume, setting),
        "start": _by_start(found, volume, setting, slice_thickness_mm),
        "noise": "no noise was measured"
        if noise_hu is None
        else _by_noise(found, volume, region, setting, score, noise_hu),
    }
    known = {cause: r for cause, r in ranges.items() if not isinstance(r, str)}
    moved = {cause: max(score - low, high - score) for cause, (low, high) in known.items()}
    most = max(moved, key=lambda cause: moved[cause])
    return Movement(
        score=score,
        low=min(score, *(low for low, _ in known.values())),
        high=max(score, *(high for _, high in known.values())),
        cause=most if moved[most] > 1e-9 * max(1.0, score) else None,
        by_cause=ranges,
    )


def movement_quality(moved: Movement | None) -> tuple[QualityRow, ...]:
    """One check per cause: how far it moves the score at most, and over which range."""
    if moved is None:
        return ()
    rows = []
    for cause, found in moved.by_cause.items():
        if isinstance(found, str):
            rows.append(QualityRow(f"moved_by_{cause}", "unknown", text=found))
        else:
            low, high = found
            most = max(moved.score - low, high - moved.score, 0.0)
            text = f"{low:.1f} to {high:.1f}"
            rows.append(QualityRow(f"moved_by_{cause}", "pass", round(most, 3), text))
    return tuple(rows)


def _by_connectivity(found: Pixels, volume: Volume, setting: Setting) -> Range:
    other: InSlice = 8 if setting.convention.connectivity == 4 else 4
    return _over([replace(setting.convention, connectivity=other)], found, volume, setting)


def _by_size(found: Pixels, volume: Volume, setting: Setting) -> Range:
    variants = [replace(setting.convention, minimum_size=size) for size in SIZES]
    return _over(variants, found, volume, setting)


def _over(variants: list[Convention], found: Pixels, volume: Volume, setting: Setting) -> Range:
    """Range over a convention and variants of it, on the pixels as they are."""
    hu = hu_at(volume, found.plane, found.row, found.column)[None]
    inside = np.ones(hu.shape, dtype=bool)
    scores = [
        agatston_by_plane(inside, hu, found, replace(setting, convention=convention)).sum()
        for convention in (setting.convention, *variants)
    ]
    return float(min(scores)), float(max(scores))


def _by_start(
    found: Pixels, volume: Volume, setting: Setting, slice_thickness_mm: float | None
) -> Range | str:
    """Range over every first slice from which slices are joined to 3 mm."""
    slabs = slabs_of(volume.geometry, slice_thickness_mm)
    if isinstance(slabs, str):
        return slabs
    joined, first = _joined(found, volume, slabs)
    slices = [hu_at(volume, first + i, joined.row, joined.column) for i in range(slabs.joined)]
    hu = np.mean(slices, axis=0).reshape(1, -1) if len(first) else np.zeros((1, 0))
    n_planes = slabs.stride * slabs.n
    length_mm = np.full(n_planes, slabs.stride * volume.geometry.slice_increment_mm)
    inside = _foreground(hu.round(HU_DECIMALS), setting.threshold)
    by_plane = agatston_by_plane(inside, hu, joined, replace(setting, length_mm=length_mm))
    scores = by_plane.reshape(slabs.stride, slabs.n).sum(axis=1)
    return float(scores.min()), float(scores.max())


@dataclass(frozen=True)
class Slabs:
    """How slices are joined to slices of 3 mm.

    Attributes
    ----------
    stride : slices from one to the next; as many are the places to start
    joined : slices whose mean makes one; 1 where each is about 3 mm thick already
    n : the most of them in the scan
    """

    stride: int
    joined: int
    n: int


def slabs_of(geometry: Geometry, slice_thickness_mm: float | None) -> Slabs | str:
    """How to join the slices of a scan to 3 mm, or a sentence why they cannot be."""
    increment = geometry.slice_increment_mm
    stride = round(REFERENCE_SLICE_MM / increment)
    if np.ptp(geometry.slice_extent_mm) > JOINED_TOLERANCE * increment:
        return "the slices are not evenly spaced"
    if stride < 2 or abs(stride * increment / REFERENCE_SLICE_MM - 1) > JOINED_TOLERANCE:
        return f"slices every {increment:.3g} mm cannot be joined to 3 mm"
    if slice_thickness_mm is None:
        return "no SliceThickness"
    joined = round((REFERENCE_SLICE_MM - slice_thickness_mm) / increment) + 1
    return Slabs(stride, min(max(1, joined), stride), geometry.shape[0] // stride + 1)


def _joined(found: Pixels, volume: Volume, slabs: Slabs) -> tuple[Pixels, Int64]:
    """Pixels of joined slices that hold a pixel that counts, and the first slice of each.

    The planes are those of the first start, then of the second, and so on. The brightest
    pixel gives the label.
    """
    n_slices, rows, columns = volume.geometry.shape
    start = np.arange(slabs.stride)[:, None]
    slab, within = np.divmod(found.plane - start, slabs.stride)
    first = start + slab * slabs.stride
    whole = (first >= 0) & (within < slabs.joined) & (first + slabs.joined <= n_slices)
    which, pixel = np.nonzero(whole)
    key = (which * slabs.n + slab[whole]) * rows + found.row[pixel]
    key = key * columns + found.column[pixel]
    hu = hu_at(volume, found.plane, found.row, found.column)[pixel]
    order = np.lexsort((-hu, key))
    kept = order[np.unique(key[order], return_index=True)[1]]
    source = pixel[kept]
    plane = which[kept] * slabs.n + slab[whole][kept]
    joined = Pixels(plane, found.row[source], found.column[source], found.label[source])
    return joined, first[whole][kept]


def _by_noise(
    found: Pixels, volume: Volume, region: Region, setting: Setting, score: float, noise_hu: float
) -> Range | str:
    """Score -+ 1.96 standard deviations over draws of noise, the same in every run."""
    pixels = with_rim(found, volume, region)
    if len(pixels) > MOST_PIXELS:
        return f"more than {MOST_PIXELS:,} pixels"
    hu = hu_at(volume, pixels.plane, pixels.row, pixels.column)
    draws = np.random.default_rng(SEED).standard_normal((DRAWS, len(pixels)))
    noisy = hu + noise_hu * draws
    inside = _foreground(noisy, setting.threshold)
    scores = agatston_by_plane(inside, noisy, pixels, setting).sum(axis=1)
    reach = TWO_SIDED_95 * float(scores.std(ddof=1))
    return max(0.0, score - reach), score + reach


def _foreground(hu: Float64, threshold: Threshold) -> Bool:
    limit = -np.inf if threshold.hu is None else float(threshold.hu)
    return np.asarray(hu >= limit if threshold.inclusive else hu > limit)


def _greatest(values: Float64, group: Int64) -> Float64:
    greatest = np.full(int(group.max(initial=-1)) + 1, -np.inf)
    np.maximum.at(greatest, group, values)
    return greatest


def agatston_by_plane(inside: Bool, hu: Float64, pixels: Pixels, setting: Setting) -> Float64:
    """Agatston score of each plane in each version, shape (n_versions, n_planes).

    Parameters
    ----------
    inside : shape (n_versions, n_pixels), which pixels are foreground
    hu : of the same shape
    """
    convention, n_planes = setting.convention, len(setting.length_mm)
    version, pixel = np.nonzero(inside)
    component = components(inside, pixels.neighbours(convention.connectivity))
    area_px = np.bincount(component)
    first = np.unique(component, return_index=True)[1]
    plane, label = pixels.plane[pixel[first]], pixels.label[pixel[first]]
    peak = _greatest(hu[inside], component)
    if convention.weight_from == "region_slice":
        width = int(pixels.label.max(initial=0)) + 1
        group = (version[first] * n_planes + plane) * width + label
        group = np.unique(group, return_inverse=True)[1]
        peak = _greatest(peak, group)[group]
    edges = np.array([float(edge) for edge in setting.threshold.edges])
    weight = np.maximum(np.searchsorted(edges, peak.round(HU_DECIMALS), side="right"), 1)
    kept = convention.minimum_size.keeps(area_px, setting.pixel_area_mm2)
    area_mm2 = area_px * setting.pixel_area_mm2 * kept
    scores = area_mm2 * weight * setting.length_mm[plane] / REFERENCE_SLICE_MM
    place = version[first] * n_planes + plane
    total = np.bincount(place, scores, minlength=len(inside) * n_planes)
    return np.asarray(total.reshape(len(inside), n_planes))

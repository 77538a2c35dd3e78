"""How far a score moves by what nobody chose for this scan: no second read is needed.

Four causes, each alone: the in-slice connectivity, the least size of a part, where 3 mm slices
begin (where thinner or overlapping ones can be joined to such), and the noise of the image.
Only pixels that count, and those beside them, are looked at; that noise makes calcium where
there is none is what the check ``false_pixels`` tells.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from calcarium.quality import QualityRow
from calcarium.regions.model import Region
from calcarium.scoring.conventions import Convention, MinimumSize, Threshold
from calcarium.scoring.cuts import CutKey, cut_threshold
from calcarium.scoring.model import Cause, Movement, Range
from calcarium.scoring.pixels import Bool, Pixels, counted_pixels, hu_at, with_rim
from calcarium.scoring.slabs import joined_pixels, slabs_of
from calcarium.scoring.spots import HU_DECIMALS, Setting, Spots
from calcarium.volume.model import Float64, Volume
from calcarium_kernels.contract import InSlice

SIZES = (MinimumSize("none"), MinimumSize("mm2_ceil", 1.0))  # one pixel, and Agatston 1990
BOTH: tuple[InSlice, InSlice] = (4, 8)
DRAWS, SEED = 8, 1990
MOST_PIXELS = 100_000  # no coronary arteries hold as many
TWO_SIDED_95 = 1.96


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
    noise_hu : standard deviation in soft tissue; taken as independent from pixel to pixel, for
        no header has its spectrum. Smooth noise moves a score up to half as much again
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
    hu = hu_at(volume, found.plane, found.row, found.column)
    by_size = {c: _by_size(found, hu, setting, c) for c in BOTH}
    ranges: dict[Cause, Range | str] = {
        "connectivity": _range(scores[0] for scores in by_size.values()),
        "minimum_size": _range(by_size[convention.connectivity]),
        "start": _by_start(found, hu, volume, setting, slice_thickness_mm),
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


def _by_size(found: Pixels, hu: Float64, setting: Setting, connectivity: InSlice) -> list[float]:
    """Score with the convention's least size, then with each other."""
    if not len(found):
        return [0.0]
    inside = np.ones((1, len(found)), dtype=bool)
    spots = Spots.of(found, inside, hu[None], connectivity)
    scores = spots.agatston(setting)
    sizes = (setting.convention.minimum_size, *SIZES)
    kept = (size.keeps(spots.area_px, setting.pixel_area_mm2) for size in sizes)
    return [float(scores[large].sum()) for large in kept]


def _range(scores: Iterable[float]) -> Range:
    found = list(scores)
    return min(found), max(found)


def _by_start(
    found: Pixels,
    hu: Float64,
    volume: Volume,
    setting: Setting,
    slice_thickness_mm: float | None,
) -> Range | str:
    """Range over every first slice from which slices are joined to 3 mm."""
    slabs = slabs_of(volume.geometry, slice_thickness_mm)
    if isinstance(slabs, str):
        return slabs
    if not len(found):
        return 0.0, 0.0
    joined, first = joined_pixels(found, hu, volume, slabs)
    slices = [hu_at(volume, first + i, joined.row, joined.column) for i in range(slabs.joined)]
    mean = np.mean(slices, axis=0).reshape(1, -1)
    n_planes = slabs.stride * slabs.n
    length_mm = np.full(n_planes, slabs.stride * volume.geometry.slice_increment_mm)
    inside = _foreground(mean.round(HU_DECIMALS), setting.threshold)
    spots = Spots.of(joined, inside, mean, setting.convention.connectivity)
    by_plane = spots.agatston_by_plane(replace(setting, length_mm=length_mm))
    return _range(by_plane.reshape(slabs.stride, slabs.n).sum(axis=1).tolist())


def _by_noise(
    found: Pixels, volume: Volume, region: Region, setting: Setting, score: float, noise_hu: float
) -> Range | str:
    """Score -+ 1.96 standard deviations over draws of noise, the same in every run."""
    if not len(found):
        return 0.0, 0.0
    pixels = with_rim(found, volume, region)
    if len(pixels) > MOST_PIXELS:
        return f"more than {MOST_PIXELS:,} pixels"
    hu = hu_at(volume, pixels.plane, pixels.row, pixels.column)
    draws = np.random.default_rng(SEED).standard_normal((DRAWS, len(pixels)))
    noisy = hu + noise_hu * draws
    inside = _foreground(noisy, setting.threshold)
    spots = Spots.of(pixels, inside, noisy, setting.convention.connectivity)
    scores = spots.agatston_by_plane(setting).sum(axis=1)
    reach = TWO_SIDED_95 * float(scores.std(ddof=1))
    return max(0.0, score - reach), score + reach


def _foreground(hu: Float64, threshold: Threshold) -> Bool:
    limit = -np.inf if threshold.hu is None else float(threshold.hu)
    return np.asarray(hu >= limit if threshold.inclusive else hu > limit)

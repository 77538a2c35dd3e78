"""Volume after linear interpolation along the slices (Callister 1998, as FQM literature)."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, sqrt

import numpy as np

from calcarium.regions.model import Region
from calcarium.scoring.pixels import Pixels, components_of, counted_pixels, hu_at
from calcarium.volume.model import Float64, Volume
from calcarium.volume.thresholds import stored_threshold

THRESHOLD_HU = 129  # exclusive, at every tube voltage, as FQM writes it
MINIMUM_MM2 = 1.0


def interpolated_volume_mm3(volume: Volume, region: Region, n_labels: int) -> Float64:
    """Interpolated volume of each label that counts, shape (n_labels,).

    Slices are resampled linearly along z to steps of the pixel size; what lies above 129 HU
    and is 4-connected over at least 1 mm2 of an interpolated slice counts (FQM CACscore.m,
    method literatureCAC). An interpolated voxel belongs to a label if one of the two voxels
    that it lies between is foreground of that label, the lower one first.
    """
    gaps = _gaps(volume, region)
    if not len(gaps):
        return np.zeros(n_labels)
    step_mm = sqrt(volume.geometry.pixel_area_mm2)
    hu = _between(volume, gaps, _shares(volume, step_mm))
    inside = hu > THRESHOLD_HU
    component = components_of(inside, gaps.neighbours(4))
    least = ceil(MINIMUM_MM2 / volume.geometry.pixel_area_mm2)
    large = np.bincount(component)[component] >= least
    label = gaps.label[np.nonzero(inside)[1][large]]
    kept_px = np.bincount(label, minlength=n_labels)
    return np.asarray(kept_px * volume.geometry.pixel_area_mm2 * step_mm, dtype=np.float64)


def _gaps(volume: Volume, region: Region) -> Pixels:
    """Foreground between two slices: of either, the lower one first; the plane is the lower."""
    threshold = stored_threshold(volume.rescale, Fraction(THRESHOLD_HU), inclusive=False)
    below = counted_pixels(volume, region, threshold)
    _, rows, columns = volume.geometry.shape
    raster = (below.plane * rows + below.row) * columns + below.column
    first = below.plane > 0
    key = np.concatenate([raster, raster[first] - rows * columns])
    key, source = np.unique(key, return_index=True)
    label = np.concatenate([below.label, below.label[first]])[source]
    plane, row, column = np.unravel_index(key, volume.geometry.shape)
    return Pixels(plane, row, column, label)


def _shares(volume: Volume, step_mm: float) -> Float64:
    """How far each sample lies from the slice below it towards the next, 0 to 1.

    Shape (most samples of a gap, n_slices); NaN where a gap has fewer.
    """
    position = volume.geometry.slice_position_mm
    sample = np.arange(position[0], position[-1] + step_mm / 2, step_mm)
    lower = np.clip(np.searchsorted(position, sample, side="right") - 1, 0, len(position) - 1)
    gap = np.append(np.diff(position), 1.0)
    # Rounded, so that a sample that falls on a slice has that slice's values exactly.
    share = np.minimum(((sample - position[lower]) / gap[lower]).round(9), 1.0)
    nth = np.arange(len(sample)) - np.searchsorted(lower, lower)
    shares = np.full((int(nth.max()) + 1, len(position)), np.nan)
    shares[nth, lower] = share
    return shares


def _between(volume: Volume, gaps: Pixels, shares: Float64) -> Float64:
    """Interpolated HU, shape (n_samples, n_pixels)."""
    above = np.minimum(gaps.plane + 1, volume.geometry.shape[0] - 1)
    lower, upper = (hu_at(volume, z, gaps.row, gaps.column) for z in (gaps.plane, above))
    share = shares[:, gaps.plane]
    return np.asarray(lower * (1 - share) + upper * share)

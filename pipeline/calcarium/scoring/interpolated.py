"""Volume after linear interpolation along the slices (Callister 1998, as FQM literature)."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from math import ceil, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from calcarium.regions.model import Region
from calcarium.scoring.cuts import clipped_region
from calcarium.scoring.measure import COUNTED
from calcarium.volume.model import Float64, Volume
from calcarium.volume.thresholds import stored_threshold
from calcarium_kernels.contract import Int64
from calcarium_kernels.host import lesion_voxels

Bool = NDArray[np.bool_]

THRESHOLD_HU = 129  # exclusive, at every tube voltage, as FQM writes it
MINIMUM_MM2 = 1.0


def interpolated_volume_mm3(volume: Volume, region: Region, n_labels: int) -> Float64:
    """Interpolated volume of each label that counts, shape (n_labels,).

    Slices are resampled linearly along z to steps of the pixel size; what lies above 129 HU
    and is 4-connected over at least 1 mm2 of an interpolated slice counts (FQM CACscore.m,
    method literatureCAC). An interpolated voxel belongs to a label if one of the two voxels
    that it lies between is foreground of that label, the lower one first.
    """
    pixels = _foreground_of_slices(volume, region)
    step_mm = sqrt(volume.geometry.pixel_area_mm2)
    position = volume.geometry.slice_position_mm
    sample = np.arange(position[0], position[-1] + step_mm / 2, step_mm)
    lower = np.clip(np.searchsorted(position, sample, side="right") - 1, 0, len(position) - 1)
    kept_px = np.zeros(n_labels)
    for below in range(len(position)):
        above = min(below + 1, len(position) - 1)
        gap = position[above] - position[below]
        share = (sample[lower == below] - position[below]) / (gap or 1.0)
        pixel, label = _union(pixels[below], pixels[above])
        if pixel.size and share.size:
            # Rounded, so that a sample that falls on a slice has that slice's values exactly.
            share = np.minimum(share.round(9), 1.0)
            hu = _between(volume, below, above, pixel, share)
            kept_px += _kept_px(hu > THRESHOLD_HU, pixel, label, volume, n_labels)
    return kept_px * volume.geometry.pixel_area_mm2 * step_mm


Pixels = tuple[Int64, Int64]  # flat index in the slice, ascending, and label


def _foreground_of_slices(volume: Volume, region: Region) -> list[Pixels]:
    threshold = stored_threshold(volume.rescale, Fraction(THRESHOLD_HU), inclusive=False)
    clipped = clipped_region(volume, region, threshold)
    voxels = lesion_voxels(
        volume.stored, volume.rescale.sign, threshold, box=clipped.box, labels=clipped.labels
    )
    left_out = [v for v, label in region.meaning.items() if label.standing not in COUNTED]
    counted = ~np.isin(voxels.label, left_out)
    z, label = voxels.z[counted], voxels.label[counted]
    pixel = (voxels.y * volume.geometry.columns + voxels.x)[counted]
    bounds = np.searchsorted(z, np.arange(volume.geometry.shape[0] + 1))
    return [(pixel[start:stop], label[start:stop]) for start, stop in pairwise(bounds)]


def _union(lower: Pixels, upper: Pixels) -> Pixels:
    pixel, first = np.unique(np.concatenate([lower[0], upper[0]]), return_index=True)
    return pixel, np.concatenate([lower[1], upper[1]])[first]


def _between(volume: Volume, below: int, above: int, pixel: Int64, share: Float64) -> Float64:
    """Interpolated HU, shape (n_samples, n_pixels)."""
    lower, upper = (
        volume.stored[z].reshape(-1)[pixel] * float(volume.rescale.slope[z])
        + float(volume.rescale.intercept[z])
        for z in (below, above)
    )
    return np.asarray(lower * (1 - share[:, None]) + upper * share[:, None])


def _kept_px(inside: Bool, pixel: Int64, label: Int64, volume: Volume, n_labels: int) -> Int64:
    """Pixels by label, over all samples, of components that are large enough."""
    n = pixel.size
    one, other = _neighbours(pixel, label, volume.geometry.columns)
    sample, pair = np.nonzero(inside[:, one] & inside[:, other])
    joined = coo_array(
        (np.ones(pair.size), (sample * n + one[pair], sample * n + other[pair])),
        shape=(inside.size, inside.size),
    )
    _, component = connected_components(joined, directed=False)
    held = np.flatnonzero(inside)
    size = np.bincount(component[held])
    least = ceil(MINIMUM_MM2 / volume.geometry.pixel_area_mm2)
    large = held[size[component[held]] >= least]
    return np.bincount(label[large % n], minlength=n_labels)


def _neighbours(pixel: Int64, label: Int64, columns: int) -> tuple[Int64, Int64]:
    """Index pairs of pixels that are 4-neighbours of one label."""
    pairs = []
    for step in (1, columns):
        place = np.searchsorted(pixel, pixel + step)
        place[place == pixel.size] = 0
        there = (pixel[place] == pixel + step) & (label[place] == label)
        if step == 1:
            there &= pixel % columns != columns - 1
        pairs.append((np.flatnonzero(there), place[there]))
    return np.concatenate([p[0] for p in pairs]), np.concatenate([p[1] for p in pairs])

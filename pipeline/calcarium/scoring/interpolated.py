"""Volume after linear interpolation along the slices (Callister 1998, as FQM literature)."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from math import ceil, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from calcarium.regions.model import Region
from calcarium.scoring.cuts import clipped_region
from calcarium.scoring.measure import COUNTED
from calcarium.volume.model import Float64, Volume
from calcarium.volume.thresholds import stored_threshold
from calcarium_kernels.host import LesionVoxels, lesion_voxels

THRESHOLD_HU = 129  # exclusive, at every tube voltage, as FQM writes it
MINIMUM_MM2 = 1.0
FOUR_CONNECTED: NDArray[np.bool_] = ndimage.generate_binary_structure(2, 1)


def interpolated_volume_mm3(volume: Volume, region: Region, n_labels: int) -> Float64:
    """Interpolated volume of each label, shape (n_labels,).

    Each lesion is resampled linearly along z to steps of the pixel size; what lies above
    129 HU and is 4-connected over at least 1 mm2 of an interpolated slice counts
    (FQM CACscore.m, method literatureCAC). An interpolated voxel belongs to the lesion if one
    of the two voxels that it lies between does.
    """
    threshold = stored_threshold(volume.rescale, Fraction(THRESHOLD_HU), inclusive=False)
    clipped = clipped_region(volume, region, threshold)
    voxels = lesion_voxels(
        volume.stored, volume.rescale.sign, threshold, box=clipped.box, labels=clipped.labels
    )
    volumes = np.zeros(n_labels)
    if voxels.lesion.size:
        order = np.argsort(voxels.lesion, kind="stable")
        bounds = np.flatnonzero(np.diff(voxels.lesion[order])) + 1
        for members in np.split(order, bounds):
            label = int(voxels.label[members[0]])
            meaning = region.meaning.get(label)
            if meaning is None or meaning.standing in COUNTED:
                volumes[label] += _lesion_mm3(volume, voxels, members)
    return volumes


def _lesion_mm3(volume: Volume, voxels: LesionVoxels, members: NDArray[np.int64]) -> float:
    z, y, x = voxels.z[members], voxels.y[members], voxels.x[members]
    z0, z1 = max(0, int(z.min()) - 1), min(volume.geometry.shape[0], int(z.max()) + 2)
    y0, x0 = int(y.min()), int(x.min())
    hu = volume.hu((slice(z0, z1), slice(y0, int(y.max()) + 1), slice(x0, int(x.max()) + 1)))
    own = np.zeros(hu.shape, dtype=bool)
    own[z - z0, y - y0, x - x0] = True

    area_mm2 = volume.geometry.pixel_area_mm2
    step_mm = sqrt(area_mm2)
    least = ceil(MINIMUM_MM2 / area_mm2)
    kept = 0
    for below, share in _samples(volume.geometry.slice_position_mm[z0:z1], step_mm):
        above = min(below + 1, len(hu) - 1)
        fine = hu[below] * (1 - share) + hu[above] * share
        kept += _kept_px((fine > THRESHOLD_HU) & (own[below] | own[above]), least)
    return kept * area_mm2 * step_mm


def _samples(position_mm: Float64, step_mm: float) -> Iterator[tuple[int, np.float32]]:
    """Interpolated slices: the slice below each, and the share of the one above."""
    last = len(position_mm) - 1
    for sample in np.arange(position_mm[0], position_mm[-1] + step_mm / 2, step_mm):
        below = min(int(np.searchsorted(position_mm, sample, side="right")) - 1, last)
        gap = position_mm[min(below + 1, last)] - position_mm[below]
        yield below, np.float32(min((sample - position_mm[below]) / gap, 1.0) if gap else 0.0)


def _kept_px(plane: NDArray[np.bool_], least_px: int) -> int:
    label, n = ndimage.label(plane, FOUR_CONNECTED)
    sizes = np.bincount(label.ravel(), minlength=n + 1)[1:]
    return int(sizes[sizes >= least_px].sum())

"""Volume after linear interpolation along the slices (Callister 1998, as FQM literature)."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from calcarium.regions.model import Region
from calcarium.scoring.cuts import clipped_region
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
            volumes[label] += _lesion_mm3(volume, voxels, members)
    return volumes


def _lesion_mm3(volume: Volume, voxels: LesionVoxels, members: NDArray[np.int64]) -> float:
    n_slices = volume.geometry.shape[0]
    z, y, x = voxels.z[members], voxels.y[members], voxels.x[members]
    z0, z1 = max(0, int(z.min()) - 1), min(n_slices, int(z.max()) + 2)
    y0, x0 = int(y.min()), int(x.min())
    crop = (slice(z0, z1), slice(y0, int(y.max()) + 1), slice(x0, int(x.max()) + 1))
    hu = volume.hu(crop)
    own = np.zeros(hu.shape, dtype=bool)
    own[z - z0, y - y0, x - x0] = True

    area_mm2 = volume.geometry.pixel_area_mm2
    step_mm = sqrt(area_mm2)
    position = volume.geometry.slice_position_mm[z0:z1]
    sample = np.arange(position[0], position[-1] + step_mm / 2, step_mm)
    below = np.clip(np.searchsorted(position, sample, side="right") - 1, 0, len(position) - 2)
    if len(position) == 1:
        below = np.zeros(len(sample), dtype=np.int64)
    above = np.minimum(below + 1, len(position) - 1)
    gap = np.where(above > below, position[above] - position[below], 1.0)
    share = np.clip((sample - position[below]) / gap, 0.0, 1.0)[:, None, None]
    fine = hu[below] * (1 - share) + hu[above] * share
    inside = (fine > THRESHOLD_HU) & (own[below] | own[above])
    least = ceil(MINIMUM_MM2 / area_mm2)
    return sum(_kept_px(plane, least) for plane in inside) * area_mm2 * step_mm


def _kept_px(plane: NDArray[np.bool_], least_px: int) -> int:
    label, n = ndimage.label(plane, FOUR_CONNECTED)
    sizes = np.bincount(label.ravel(), minlength=n + 1)[1:]
    return int(sizes[sizes >= least_px].sum())

"""What lies around a candidate: fat, lung, and on which side."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from calcarium.regions.anatomy.grid import Float32, Float64, Mask
from calcarium.regions.detector.candidates import Candidates
from calcarium.regions.detector.crops import Crops, crops_around
from calcarium.regions.detector.places import Places
from calcarium.volume.model import Volume

REACH_MM = 3.0  # Gaussian
CALCIUM_HU = 110.0
LUNG_HU = -250.0
LUNG_RIM_MM = 2.0  # partial volume between lung and tissue looks like fat
NEAR_AORTA_MM = 6.0


@dataclass(frozen=True)
class Surroundings:
    """One value per candidate in every array.

    Fat is the mean of ``(blood - HU) / (blood + 100)`` around the candidate: 0 in blood or
    muscle, 1 in pure fat. The mean of a linear measure stays put under noise, where a count
    of voxels below a fat threshold does not.

    Attributes
    ----------
    fat : all around
    fat_to_aorta, fat_to_heart : in the half towards the aorta's axis, the heart's middle
    lung_share : share of lung
    """

    fat: Float64
    fat_to_aorta: Float64
    fat_to_heart: Float64
    lung_share: Float64

    @classmethod
    def best_case(cls, n: int) -> Surroundings:
        """Surroundings that speak against nothing; nine arteries of ten have no more fat."""
        fat = np.full(n, 0.5)
        return cls(fat, fat.copy(), fat.copy(), np.zeros(n))


def look_around(
    volume: Volume, candidates: Candidates, places: Places, wanted: Mask, blood_hu: float
) -> Surroundings:
    """Look around the candidates that matter; the others keep the best case."""
    found = Surroundings.best_case(len(candidates))
    for crops in crops_around(volume, candidates, np.flatnonzero(wanted)):
        i = crops.candidate
        weight = _weight(crops)
        fat = weight * ~_near_lung(crops) * _fat(crops, blood_hu)
        found.fat[i] = found.fat_to_aorta[i] = _mean(fat, weight)
        found.fat_to_heart[i] = _one_sided(fat, weight, crops.middle, places.to_heart[i])
        near = np.flatnonzero(places.outside_aorta_mm[i] < NEAR_AORTA_MM)
        found.fat_to_aorta[i[near]] = _one_sided(
            fat[near], weight[near], crops.middle[near], places.to_aorta[i[near]]
        )
        found.lung_share[i] = _mean(weight * (crops.hu < LUNG_HU), weight)
    return found


def _weight(crops: Crops) -> Float32:
    """How near to the candidate each voxel is; 0 where it is calcium itself."""
    z, y, x = (REACH_MM / mm for mm in crops.spacing_mm)
    # Along the columns last: until then only those of the candidate are not empty.
    seen = np.flatnonzero(crops.own.any(axis=(0, 1, 2)))
    own = np.s_[..., seen[0] : seen[-1] + 1]
    near = np.zeros(crops.own.shape, np.float32)
    near[own] = ndimage.gaussian_filter(crops.own[own].astype(np.float32), (0, z, y, 0))
    near = ndimage.gaussian_filter1d(near, x, axis=3)
    return np.asarray(near * (crops.hu < CALCIUM_HU))


def _fat(crops: Crops, blood_hu: float) -> Float32:
    share = (np.float32(blood_hu) - crops.hu) / np.float32(blood_hu + 100)
    return np.asarray(np.clip(share, -0.5, 1))


def _near_lung(crops: Crops) -> Mask:
    lung = crops.hu < LUNG_HU
    at_lung = lung.any(axis=(1, 2, 3))  # deep in the heart, where most noise is, there is none
    size = 2 * round(LUNG_RIM_MM / crops.spacing_mm[1]) + 1
    lung[at_lung] = ndimage.maximum_filter(lung[at_lung], (1, 1, size, size))
    return np.asarray(lung)


def _mean(weighted: Float32, weight: Float32) -> Float64:
    """Weighted mean of each crop."""
    total, weights = (a.sum(axis=(1, 2, 3)).astype(np.float64) for a in (weighted, weight))
    return np.asarray(total / np.maximum(weights, 1e-6))


def _one_sided(fat: Float32, weight: Float32, middle: Float64, direction: Float64) -> Float64:
    """Mean fat in the half plane that a direction points to, seen from the candidate."""
    ahead_y, ahead_x = (
        (np.arange(size) - middle[:, axis, None]) * direction[:, axis, None]
        for axis, size in enumerate(fat.shape[2:])
    )
    half = (ahead_y[:, :, None] + ahead_x[:, None] > 0)[:, None]
    return _mean(fat * half, weight * half)

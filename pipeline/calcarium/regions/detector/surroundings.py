"""What lies around a candidate: fat, lung, and on which side."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from calcarium.regions.anatomy.grid import Float32, Float64, Mask
from calcarium.regions.detector.candidates import Candidates
from calcarium.regions.detector.places import Places
from calcarium.volume.model import Volume

MARGIN_MM, MARGIN_SLICES_MM = 6.0, 3.0
REACH_MM = 3.0  # Gaussian
CALCIUM_HU = 110.0
LUNG_HU = -250.0
LUNG_RIM_MM = 2.0  # partial volume between lung and tissue looks like fat
SMOOTH_BELOW_MM, THIN_OUT_BELOW_MM = 1.2, 0.45
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
        """Surroundings that speak against nothing."""
        return cls(np.full(n, 0.25), np.full(n, 0.25), np.full(n, 0.25), np.zeros(n))


def look_around(
    volume: Volume, candidates: Candidates, places: Places, wanted: Mask, blood_hu: float
) -> Surroundings:
    """Look around the candidates that matter; the others keep the best case."""
    found = Surroundings.best_case(len(candidates))
    for i in np.flatnonzero(wanted):
        hu, own, thin = _crop(volume, candidates, int(i))
        spacing = (
            volume.geometry.slice_increment_mm,
            volume.geometry.row_spacing_mm * thin,
            volume.geometry.column_spacing_mm * thin,
        )
        if not own.any():
            continue
        weight, fat = _weighted_fat(hu, own, spacing, blood_hu)
        tissue = weight * ~_near_lung(hu, spacing)
        found.fat[i] = float((tissue * fat).sum()) / max(float(weight.sum()), 1e-6)
        found.fat_to_heart[i] = _one_sided(weight, tissue * fat, own, places.to_heart[i])
        found.fat_to_aorta[i] = found.fat[i]
        if places.outside_aorta_mm[i] < NEAR_AORTA_MM:
            found.fat_to_aorta[i] = _one_sided(weight, tissue * fat, own, places.to_aorta[i])
        lung = float((weight * (hu < LUNG_HU)).sum())
        found.lung_share[i] = lung / max(float(weight.sum()), 1e-6)
    return found


def _crop(volume: Volume, candidates: Candidates, i: int) -> tuple[Float32, Mask, int]:
    """HU around a candidate, its voxels there, and by how much both are thinned out."""
    geometry = volume.geometry
    own = slice(candidates.start[i], candidates.start[i + 1])
    margin = round(MARGIN_MM / geometry.column_spacing_mm)
    margins = max(1, round(MARGIN_SLICES_MM / geometry.slice_increment_mm)), margin, margin
    places = candidates.z[own], candidates.y[own], candidates.x[own]
    box = tuple(
        slice(max(0, int(p.min()) - m), int(p.max()) + m + 1)
        for p, m in zip(places, margins, strict=True)
    )
    hu = volume.hu((box[0], box[1], box[2]))
    mask = np.zeros(hu.shape, bool)
    mask[tuple(p - b.start for p, b in zip(places, box, strict=True))] = True
    thin = 2 if geometry.column_spacing_mm < THIN_OUT_BELOW_MM else 1
    hu, mask = hu[:, ::thin, ::thin], mask[:, ::thin, ::thin]
    if geometry.column_spacing_mm < SMOOTH_BELOW_MM:
        hu = ndimage.uniform_filter(hu, (1, 3, 3))
    return hu, mask, thin


def _weighted_fat(
    hu: Float32, own: Mask, spacing: tuple[float, float, float], blood_hu: float
) -> tuple[Float32, Float32]:
    sigma = [REACH_MM / mm for mm in spacing]
    weight = ndimage.gaussian_filter(own.astype(np.float32), sigma) * (hu < CALCIUM_HU)
    fat = np.clip((np.float32(blood_hu) - hu) / np.float32(blood_hu + 100), -0.5, 1)
    return weight, fat


def _near_lung(hu: Float32, spacing: tuple[float, float, float]) -> Mask:
    size = 2 * round(LUNG_RIM_MM / spacing[1]) + 1
    return np.asarray(ndimage.maximum_filter(hu < LUNG_HU, (1, size, size)))


def _one_sided(weight: Float32, fat: Float32, own: Mask, direction: Float64) -> float:
    """Mean fat in the half plane that a direction points to."""
    _, y, x = np.nonzero(own)
    rows = (np.arange(own.shape[1]) - y.mean())[:, None]
    columns = (np.arange(own.shape[2]) - x.mean())[None]
    half = rows * direction[0] + columns * direction[1] > 0
    return float((fat * half).sum()) / max(float((weight * half).sum()), 1e-6)

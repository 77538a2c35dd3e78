"""Scores that need a calibration rod and a region, but no threshold.

Neither has constants here: what the rods measure is the user's, by tube voltage. Both look at
voxels that no threshold keeps, so they are measured once, with the region.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import fsum
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.special import ndtr

from calcarium.config.threshold_free import ThresholdFreeRules
from calcarium.regions.boxes import Bounds, part_of, widened
from calcarium.regions.model import Region
from calcarium.regions.select import label_at
from calcarium.scoring.measure import counts_in
from calcarium.volume.model import Volume

T = TypeVar("T")
CROSS = np.array([[[0.0, 0.2, 0.0], [0.2, 0.2, 0.2], [0.0, 0.2, 0.0]]])  # CalciumScoring.jl


@dataclass(frozen=True)
class ThresholdFree:
    """Scores without a threshold; ``None`` where they cannot be given.

    Attributes
    ----------
    spatially_weighted_score : sum of weights of voxels, never 0, larger in a larger region
    integrated_mass_mg : may be negative, where noise outweighs calcium
    """

    spatially_weighted_score: float | None = None
    integrated_mass_mg: float | None = None


def threshold_free(
    volume: Volume, region: Region, kvp: float | None, rules: ThresholdFreeRules
) -> ThresholdFree:
    """Both scores of a scan.

    Only regions that say where coronary calcium is can have them: no heart mask whose lesions
    are selected, no contrast, and for the weighted score none that a threshold made.
    """
    is_mask = region.rule == "clip" and region.is_coronary and region.labels is not None
    if not is_mask or region.threshold_hu is not None:
        return ThresholdFree()
    weighting = _at(rules.weighting_rod_hu, kvp)
    return ThresholdFree(
        None
        if weighting is None or region.source == "detector"
        else spatially_weighted_score(volume, region, *weighting),
        _integrated(volume, region, _at(rules.mass_rod_hu, kvp), rules),
    )


def spatially_weighted_score(volume: Volume, region: Region, mean_hu: float, sd_hu: float) -> float:
    """Spatially weighted calcium score (Liang 2012), as CalciumScoring.jl computes it.

    A voxel weighs Phi((HU - mean) / SD) of a rod of 100 mg/cm3; weights are smoothed in each
    slice by a cross of five pixels of 0.2, with nothing outside the region, and summed.
    """
    counted = counts_in(region, _labels(region))
    hu = volume.hu(region.box.slices).astype(np.float64)
    weight = np.where(counted, ndtr((hu - mean_hu) / sd_hu), 0.0)
    return float(ndimage.convolve(weight, CROSS, mode="constant")[counted].sum())


def integrated_mass_mg(
    volume: Volume,
    region: Region,
    *,
    rod_hu: float,
    rod_mg_per_cm3: float,
    margin_mm: float,
    ring_mm: float,
) -> float | None:
    """Mass from the integrated intensity around each label (Molloi).

    ``V = (I - V_roi * background) / (rod - background)``, with ``I`` the sum of HU times voxel
    volume, and mass ``V`` times the density of the rod. A voxel belongs to the nearest label,
    to its region of interest up to ``margin_mm`` and to its ring up to ``ring_mm`` more; a
    rejected label keeps its surroundings out of those of others.

    Returns
    -------
    ``None`` where a label has no ring, or one as bright as the rod.
    """
    masses = []
    for value in _counted(region):
        part = _around(volume, region, value, margin_mm + ring_mm)
        own, other = _distances(volume, region, value, part)
        nearest = own <= other
        roi = nearest & (own <= margin_mm)
        ring = nearest & (own > margin_mm) & (own <= margin_mm + ring_mm)
        hu = volume.hu(part).astype(np.float64)
        background = float(hu[ring].mean()) if ring.any() else np.inf
        if background >= rod_hu:
            return None
        extent_mm = volume.geometry.slice_extent_mm[part[0]][:, None, None]
        voxel_mm3 = np.broadcast_to(extent_mm * volume.geometry.pixel_area_mm2, hu.shape)
        volume_mm3 = float(((hu - background) * voxel_mm3)[roi].sum()) / (rod_hu - background)
        masses.append(volume_mm3 * rod_mg_per_cm3 * 1e-3)
    return fsum(masses)


def _integrated(
    volume: Volume, region: Region, rod_hu: float | None, rules: ThresholdFreeRules
) -> float | None:
    density, margin, ring = rules.mass_rod_mg_per_cm3, rules.roi_margin_mm, rules.ring_mm
    if rod_hu is None or density is None or margin is None or ring is None:
        return None
    region = replace(region, labels=_labels(region))  # whole, once for all of them
    return integrated_mass_mg(
        volume, region, rod_hu=rod_hu, rod_mg_per_cm3=density, margin_mm=margin, ring_mm=ring
    )


def _at(table: Mapping[str, T], kvp: float | None) -> T | None:
    """The entry of a tube voltage; none in between."""
    return None if kvp is None or abs(kvp - round(kvp)) >= 0.5 else table.get(str(round(kvp)))


def _labels(region: Region) -> NDArray[np.uint16]:
    assert region.labels is not None
    return np.asarray(region.labels)


def _counted(region: Region) -> list[int]:
    """Label values that occur and count."""
    values = np.unique(_labels(region))
    return [int(value) for value in values[counts_in(region, values)]]


def _around(volume: Volume, region: Region, value: int, reach_mm: float) -> Bounds:
    """The part of the volume that holds a label and what lies within reach of it."""
    (found,) = ndimage.find_objects((_labels(region) == value).astype(np.uint8))
    geometry = volume.geometry
    held = part_of(region.box, found).slices
    return widened(held, reach_mm, geometry.spacing_zyx_mm, geometry.shape)


def _distances(
    volume: Volume, region: Region, value: int, part: Bounds
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Distance of each voxel of a part to a label, and to the nearest of the others, in mm."""
    index = np.meshgrid(*(np.arange(s.start, s.stop) for s in part), indexing="ij")
    label = label_at(region, *(i.ravel() for i in index)).reshape(index[0].shape)
    spacing = volume.geometry.spacing_zyx_mm
    others = (label > 0) & (label != value)
    own = ndimage.distance_transform_edt(label != value, sampling=spacing)
    if not others.any():
        return own, np.full(own.shape, np.inf)
    return own, ndimage.distance_transform_edt(~others, sampling=spacing)

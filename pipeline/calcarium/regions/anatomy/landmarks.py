"""Everything that is found of the chest before a single candidate is looked at."""

from __future__ import annotations

from dataclasses import dataclass

from calcarium.config.detector import DetectorRules
from calcarium.regions.anatomy.aorta import Aorta, aorta_of_mask, find_aorta
from calcarium.regions.anatomy.bright_aorta import find_bright_aorta
from calcarium.regions.anatomy.extent import Extent, find_extent
from calcarium.regions.anatomy.given import Anatomy
from calcarium.regions.anatomy.grid import coarse_grid, resample_mask
from calcarium.regions.anatomy.heart import Heart, find_heart, heart_of_mask
from calcarium.regions.anatomy.thorax import Thorax, find_thorax, sternum_tilt
from calcarium.volume.model import Volume
from calcarium_kernels.contract import Kernels


@dataclass(frozen=True)
class Landmarks:
    """The chest, its levels, and what lies in it.

    Attributes
    ----------
    tilt : sideways offset of the sternum per mm in front of the spine
    """

    thorax: Thorax
    extent: Extent
    tilt: float
    aorta: Aorta
    heart: Heart


def find_landmarks(
    volume: Volume, rules: DetectorRules, kernels: Kernels, anatomy: Anatomy
) -> Landmarks:
    """Find the chest, how far the heart reaches, the aorta and the heart, in this order.

    A mask in ``anatomy`` takes the place of what would have been found.
    """
    grid = coarse_grid(volume, kernels)
    thorax = find_thorax(grid, rules.heart.contrast_share)
    extent = find_extent(thorax, rules.extent)
    tilt = sternum_tilt(thorax, extent.bottom)
    if anatomy.aorta is not None:
        aorta = aorta_of_mask(thorax, resample_mask(anatomy.aorta, grid))
    elif thorax.disc is not None:
        aorta = find_bright_aorta(grid, thorax.disc, thorax, extent, tilt, rules.aorta)
    else:
        aorta = find_aorta(thorax, extent, tilt, rules.aorta)
    if anatomy.heart is None:
        heart = find_heart(thorax, extent, aorta, rules.heart)
    else:
        mask = resample_mask(anatomy.heart, grid)
        heart = heart_of_mask(thorax, extent, mask, rules.heart)
    return Landmarks(thorax, extent, tilt, aorta, heart)

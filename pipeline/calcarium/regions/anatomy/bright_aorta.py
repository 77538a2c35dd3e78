"""The aorta where its blood holds contrast.

What is as bright as the descending aorta is blood of the left heart, which tells the ascending
aorta from the pulmonary trunk and the vena cava.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from calcarium.config.detector_anatomy import AortaRules
from calcarium.regions.anatomy.aorta import Aorta, find_aorta, vessel_of
from calcarium.regions.anatomy.bright_disc import RADII, BrightDisc
from calcarium.regions.anatomy.extent import Extent
from calcarium.regions.anatomy.grid import Grid
from calcarium.regions.anatomy.thorax import CONTRAST_FLATTENED_HU, Thorax

# Engineering choice: far above the noise of a block, below what a bolus makes the sides differ.
AS_BRIGHT_SHARE = 0.2
DARK_HU = -100.0


def find_bright_aorta(
    grid: Grid, disc: BrightDisc, thorax: Thorax, extent: Extent, tilt: float, rules: AortaRules
) -> Aorta:
    """Both aortas of a scan with contrast.

    Parameters
    ----------
    grid : with its bright voxels, which that of ``thorax`` has flattened
    disc : the descending aorta
    thorax, extent, tilt, rules : as for :func:`~.aorta.find_aorta`
    """
    path = disc.path
    upper = max(1, len(path.rows) // 2)  # below, a path may go on into liver or spine
    levels = np.arange(path.first, path.first + upper)
    blood_hu = float(np.median(grid.hu[levels, path.rows[:upper], path.columns[:upper]]))
    as_bright = np.abs(grid.hu - blood_hu) <= AS_BRIGHT_SHARE * blood_hu
    shown = np.where(as_bright, CONTRAST_FLATTENED_HU, DARK_HU).astype(np.float32)
    left_heart = replace(thorax, grid=replace(grid, hu=shown))
    z, y, x = (slice(0, n) for n in grid.hu.shape)
    descending = vessel_of(path, disc.rings, RADII, (z, y, x))
    return replace(find_aorta(left_heart, extent, tilt, rules), descending=descending)

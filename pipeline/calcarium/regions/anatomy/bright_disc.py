"""The descending aorta of a contrast CT, before anything else of the chest is known.

Blood is then as bright as bone, so that the spine is no guide to the aorta. But the descending
aorta is the one bright disc in the back of the chest that goes on from slice to slice.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from calcarium.regions.anatomy.grid import Float32, Grid, Mask
from calcarium.regions.anatomy.lungs import Lungs
from calcarium.regions.anatomy.rings import Path, best_path, flat_top, ring_response

RADII = slice(0, 5)  # 9-17 mm
LEAST_SUPPORT = 0.1  # as for the descending aorta without contrast
# Anatomy; widths are engineering choices.
BACK_SHARE = 0.45  # it lies behind this share of the lungs' depth
INSIDE_MM = 4.0
LEFT_MM, SIDE_MM, SOFT_SIDE_MM = 15.0, 18.0, 8.0  # of the spine
BRIGHT_HU = (110.0, 150.0)  # none to full contrast


@dataclass(frozen=True)
class BrightDisc:
    """A path of discs through all of the grid, and the response that it was found in."""

    path: Path
    rings: Float32


def find_bright_disc(grid: Grid, body: Mask, lungs: Lungs, column: int) -> BrightDisc:
    """The longest run of bright discs in the back, beside the spine.

    Parameters
    ----------
    grid : with its bright voxels
    column : of the spine, or of spine and aorta where both were taken for one
    """
    rings = ring_response(grid.hu, body, grid.pixel_mm)
    sigma = INSIDE_MM / grid.pixel_mm
    inside = ndimage.gaussian_filter(np.clip(grid.hu, -150, 800), (0, sigma, sigma))
    low, high = BRIGHT_HU
    scores = rings[RADII] * np.clip((inside - low) / (high - low), 0, 1)
    left_mm = (np.arange(float(grid.hu.shape[2])) - column) * grid.pixel_mm
    scores *= flat_top(left_mm - LEFT_MM, SIDE_MM, SOFT_SIDE_MM).astype(np.float32)
    front, back = lungs.back_rows
    scores[:, :, : int(front + BACK_SHARE * (back - front))] = 0
    return BrightDisc(best_path(scores - np.float32(LEAST_SUPPORT)), rings)

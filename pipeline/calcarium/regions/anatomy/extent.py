"""How far the heart reaches along the body: several cues, none of which decides alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from calcarium.config.detector_anatomy import ExtentRules
from calcarium.regions.anatomy.airway import find_airway
from calcarium.regions.anatomy.grid import Float64, Mask
from calcarium.regions.anatomy.thorax import Thorax

SIDE_SHARE, SIDE_OFFSET = 0.9, 0.1  # of the chest's depth: the lung beside the heart
LIVER_SHARE = 0.30  # of the depth to the right: only liver is there
LIVER_MM2 = 1500.0
DOME_BELOW_WIDEST_MM = 20.0


@dataclass(frozen=True)
class Extent:
    """Levels along the body, in grid slices.

    Attributes
    ----------
    bottom : underside of the heart, with a margin
    bottom_seen : a cue in the scan gave it, not the scan's end
    widest : slice with the most lung in front
    airway_end : lowest slice with main bronchi; ``None`` where unknown or implausible
    liver_dome : top of the liver; ``None`` if it is not in view
    """

    bottom: int
    bottom_seen: bool
    widest: int
    airway_end: int | None
    liver_dome: int | None


def find_extent(thorax: Thorax, rules: ExtentRules) -> Extent:
    """Underside of the heart from the lung in front and the liver, checked by the airways."""
    grid = thorax.grid
    last = len(grid.hu) - 1
    area_mm2 = _front_lung_mm2(thorax)
    widest = int(area_mm2.argmax())
    below = np.flatnonzero(
        (area_mm2 < rules.front_lung_share * area_mm2[widest]) & (np.arange(last + 1) > widest)
    )
    cues = [int(below[0])] if len(below) else []
    dome = _liver_dome(thorax, widest)
    if dome is not None and (dome - widest) * grid.slice_mm > DOME_BELOW_WIDEST_MM:
        cues.append(dome + grid.slices(rules.below_dome_mm - rules.margin_mm))
    bottom = min(last, min(cues, default=last) + grid.slices(rules.margin_mm))
    airway = find_airway(thorax, widest)
    end = airway.end
    if end is not None:
        height_mm = (bottom - end) * grid.slice_mm
        agree = rules.least_height_mm <= height_mm <= rules.greatest_height_mm
        if airway.is_forked and height_mm > rules.greatest_height_mm:
            bottom = end + grid.slices(rules.greatest_height_mm)
            cues.append(bottom)
        elif not (agree and cues) and not (airway.is_forked and not cues):
            end = None
    return Extent(bottom, bool(cues) and bottom < last, widest, end, dome)


def _front_lung_mm2(thorax: Thorax) -> Float64:
    """Lung in front of the middle of the chest, beside the heart, per slice."""
    middle = ((thorax.front_row + thorax.spine.front_row) / 2)[:, None, None]
    depth = thorax.depth_mm
    beside = np.abs(thorax.left_mm - SIDE_OFFSET * depth) < SIDE_SHARE * depth
    lung = thorax.lungs.mask & (thorax.rows < middle) & beside
    area_mm2 = lung.sum(axis=(1, 2)) * thorax.grid.pixel_mm2
    return np.asarray(ndimage.median_filter(area_mm2, 5))


def _liver_dome(thorax: Thorax, widest: int) -> int | None:
    """First slice of the unbroken run, from below, of a large soft organ on the right."""
    zone = (
        thorax.inside
        & ~thorax.lungs.mask
        & (thorax.grid.hu > -20)
        & (thorax.left_mm < -LIVER_SHARE * thorax.depth_mm)
        & (thorax.rows > thorax.front_row[:, None, None])
        & (thorax.rows < thorax.spine.front_row[:, None, None])
    )
    area_mm2 = ndimage.median_filter(zone.sum(axis=(1, 2)) * thorax.grid.pixel_mm2, 3)
    lung_ends = thorax.lungs.area_mm2 < LIVER_MM2
    run = np.logical_and.accumulate(((area_mm2 > LIVER_MM2) | lung_ends)[::-1])[::-1]
    dome: Mask = run & ~lung_ends & (np.arange(len(run)) > widest)
    where = np.flatnonzero(dome)
    return int(where[0]) if len(where) else None

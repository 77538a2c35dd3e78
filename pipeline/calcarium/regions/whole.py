"""The whole scan as a region: every component counts, coronary or not."""

from __future__ import annotations

from calcarium.regions.model import Label, Region
from calcarium.volume.model import Volume
from calcarium_kernels.contract import Box


def whole_region(volume: Volume) -> Region:
    """A region that is all of the scan, marked as not coronary."""
    return Region(
        Box.whole(volume.geometry.shape),
        None,
        {1: Label("unassigned")},
        "clip",
        "whole",
        is_coronary=False,
    )

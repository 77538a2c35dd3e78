"""Whether the blood holds contrast, where a mask gave the region and no detector has looked."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from calcarium.errors import ScanExcluded
from calcarium.regions.anatomy.body import body_mask, enclosed
from calcarium.regions.anatomy.grid import Grid, coarse_grid
from calcarium.regions.anatomy.lungs import find_lungs
from calcarium.regions.anatomy.thorax import bright_share
from calcarium.volume.model import Rescale, Volume
from calcarium_kernels.contract import Kernels

APART_MM, LEAST_STEP = 6.0, 4  # a copy of more than a quarter of the slices costs too much memory


def share_of_scan(volume: Volume, kernels: Kernels) -> float | None:
    """Share of the soft tissue that is brighter than any without contrast.

    As the detector measures it, but on every second block along each axis: chambers are ten
    blocks wide. ``None`` where too little soft tissue is in view, or the rows do not run from
    side to side.
    """
    try:
        grid = _every_second(coarse_grid(_thinned(volume), kernels))
    except ScanExcluded:
        return None
    body = body_mask(grid)
    lungs = find_lungs(grid, enclosed(grid, body))
    if not lungs.ml:  # a cut-out of the heart
        lungs = replace(lungs, hull=body, back_rows=(0, body.shape[1]))
    return bright_share(grid, body, lungs)


def _thinned(volume: Volume) -> Volume:
    """Of thin slices some, none of them averaged."""
    geometry = volume.geometry
    n = int(APART_MM / geometry.slice_increment_mm)
    if n < LEAST_STEP:
        return volume
    every = slice(None, None, n)
    return replace(
        volume,
        stored=volume.stored[every].copy(),
        rescale=Rescale(volume.rescale.slope[every], volume.rescale.intercept[every]),
        geometry=replace(
            geometry,
            origin_mm=geometry.origin_mm[every],
            slice_position_mm=geometry.slice_position_mm[every],
            slice_extent_mm=geometry.slice_extent_mm[every],
            slice_increment_mm=n * geometry.slice_increment_mm,
        ),
        sop_instance_uid=volume.sop_instance_uid[every],
    )


def _every_second(grid: Grid) -> Grid:
    return replace(
        grid,
        hu=np.ascontiguousarray(grid.hu[::2, ::2, ::2]),
        slice_mm=2 * grid.slice_mm,
        pixel_mm=2 * grid.pixel_mm,
    )

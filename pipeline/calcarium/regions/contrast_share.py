"""Whether the blood holds contrast, for scans where no detector has looked as well."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from calcarium.config.detector_anatomy import HeartRules
from calcarium.errors import ScanExcluded
from calcarium.regions.anatomy.body import body_mask, enclosed
from calcarium.regions.anatomy.grid import TARGET_MM, Grid, coarse_grid
from calcarium.regions.anatomy.lungs import find_lungs
from calcarium.regions.anatomy.thorax import CONTRAST_HU, bright_share
from calcarium.volume.model import Rescale, Volume
from calcarium_kernels.contract import Kernels

APART_MM = 6.0


def share_of_scan(volume: Volume, kernels: Kernels) -> float | None:
    """Share of the soft tissue that is brighter than any without contrast.

    As the detector measures it, but on every second block along each axis: chambers are ten
    blocks wide. ``None`` where too little soft tissue is in view, the image is smaller than a
    block, or the rows do not run from side to side.
    """
    try:
        grid = _every_second_block(volume, kernels)
    except ScanExcluded:
        return None
    body = body_mask(grid)
    lungs = find_lungs(grid, enclosed(grid, body))
    if not lungs.ml:  # a cut-out of the heart
        lungs = replace(lungs, hull=body, back_rows=(0, body.shape[1]))
    return bright_share(grid, body, lungs)


def refuse_contrast(share: float, rules: HeartRules) -> None:
    """Refuse a scan of whose soft tissue too great a share, of 0 to 1, is bright.

    Raises
    ------
    ScanExcluded
        ``contrast``
    """
    if share > rules.contrast_share:
        raise ScanExcluded(
            "contrast", f"{share:.0%} of the soft tissue is above {CONTRAST_HU:.0f} HU"
        )


def _every_second_block(volume: Volume, kernels: Kernels) -> Grid:
    """Slice by slice, so that thin slices cost no copy; none are averaged."""
    increment_mm = volume.geometry.slice_increment_mm
    step = max(1, int(APART_MM / increment_mm))
    planes = [
        coarse_grid(_slice_of(volume, z), kernels) for z in range(0, len(volume.stored), step)
    ]
    first = planes[0]
    hu = np.concatenate([plane.hu[:, ::2, ::2] for plane in planes])
    return replace(
        first,
        hu=np.ascontiguousarray(hu[::-1] if first.flipped[0] else hu),
        slice_mm=step * increment_mm,
        pixel_mm=2 * first.pixel_mm,
    )


def _slice_of(volume: Volume, z: int) -> Volume:
    """One slice as a scan; as thick as a block, so that it stays one."""
    geometry, only = volume.geometry, slice(z, z + 1)
    return replace(
        volume,
        stored=volume.stored[only],
        rescale=Rescale(volume.rescale.slope[only], volume.rescale.intercept[only]),
        geometry=replace(
            geometry,
            origin_mm=geometry.origin_mm[only],
            slice_position_mm=geometry.slice_position_mm[only],
            slice_extent_mm=geometry.slice_extent_mm[only],
            slice_increment_mm=TARGET_MM,
        ),
        sop_instance_uid=volume.sop_instance_uid[only],
    )

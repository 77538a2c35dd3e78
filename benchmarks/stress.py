"""Stressed copies of a scan, with its labels carried along.

Each stress is what another scanner, protocol or table position might have done to
the same patient, so a detector should decide as before. The ideal score changes
with the voxels (noise and thick slices move values across 130 HU); it is taken anew
from the stressed voxels inside the carried labels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial

import numpy as np
from numpy.typing import NDArray

from calcarium.phantom.model import Grid
from calcarium.phantom.noise import add_noise
from calcarium.volume.model import Float64, Geometry, Rescale, Volume
from calcarium_kernels.contract import Labels

Float32 = NDArray[np.float32]
KERNEL_CUTOFF_PER_MM = 0.45  # a soft kernel
SEED = 20


@dataclass(frozen=True)
class LabelledVolume:
    """A volume and what is known about its voxels.

    Attributes
    ----------
    calcium : uint16, shape of the volume: region in which foreground is coronary calcium, by label
    other : uint16, the same shape: labels of bright things that are not; 0 where nothing is known
    centre_yx : voxel (row, column) in the middle of the heart
    """

    volume: Volume
    calcium: Labels
    other: Labels
    centre_yx: tuple[float, float]


Stress = Callable[[LabelledVolume], LabelledVolume]


def all_hu(volume: Volume) -> Float32:
    """Hounsfield units of a whole volume; a benchmark has the memory."""
    return volume.hu((slice(None), slice(None), slice(None)))


def with_hu(scan: LabelledVolume, hu: Float32) -> LabelledVolume:
    """The same scan with other values, stored as whole Hounsfield units."""
    stored = np.clip(np.rint(hu), -1024, 32767).astype(np.int16)
    n = len(stored)
    rescale = Rescale((Fraction(1),) * n, (Fraction(0),) * n)
    return replace(scan, volume=replace(scan.volume, stored=stored, rescale=rescale))


def shift_hu(scan: LabelledVolume, by_hu: float) -> LabelledVolume:
    """A scanner that is calibrated otherwise."""
    return with_hu(scan, all_hu(scan.volume) + np.float32(by_hu))


def add_ct_noise(scan: LabelledVolume, sigma_hu: float) -> LabelledVolume:
    """A lower dose: noise with the spectrum of a soft kernel, on top of what is there."""
    geometry, hu = scan.volume.geometry, all_hu(scan.volume)
    half_width_mm = geometry.columns * geometry.column_spacing_mm / 2
    half_height_mm = geometry.rows * geometry.row_spacing_mm / 2
    grid = Grid(
        shape=geometry.shape,
        origin_mm=(-half_width_mm, -half_height_mm, 0.0),  # the noise is strongest at 0
        slice_increment_mm=geometry.slice_increment_mm,
        row_spacing_mm=geometry.row_spacing_mm,
        column_spacing_mm=geometry.column_spacing_mm,
        slice_thickness_mm=geometry.slice_increment_mm,
    )
    add_noise(hu, grid, sigma_hu, KERNEL_CUTOFF_PER_MM, np.random.default_rng(SEED))
    return with_hu(scan, hu)


def crop_field(scan: LabelledVolume, width_mm: float) -> LabelledVolume:
    """A narrow field of view around the heart."""
    geometry = scan.volume.geometry
    (y0, y1), (x0, x1) = (
        _window(centre, size, round(width_mm / spacing))
        for centre, size, spacing in (
            (scan.centre_yx[0], geometry.rows, geometry.row_spacing_mm),
            (scan.centre_yx[1], geometry.columns, geometry.column_spacing_mm),
        )
    )
    along_x = np.asarray(geometry.row_direction) * geometry.column_spacing_mm
    along_y = np.asarray(geometry.column_direction) * geometry.row_spacing_mm
    moved = replace(
        geometry,
        origin_mm=geometry.origin_mm + x0 * along_x + y0 * along_y,
        rows=y1 - y0,
        columns=x1 - x0,
    )
    part = (slice(None), slice(y0, y1), slice(x0, x1))
    stored = scan.volume.stored[part].copy()
    return LabelledVolume(
        replace(scan.volume, stored=stored, geometry=moved),
        np.ascontiguousarray(scan.calcium[part]),
        np.ascontiguousarray(scan.other[part]),
        (scan.centre_yx[0] - y0, scan.centre_yx[1] - x0),
    )


def _window(centre: float, size: int, width: int) -> tuple[int, int]:
    width = min(width, size)
    start = int(np.clip(round(centre - width / 2), 0, size - width))
    return start, start + width


def drop_slices(scan: LabelledVolume, length_mm: float, *, caudal: bool) -> LabelledVolume:
    """A scan that begins too late or ends too early; slices ascend towards the head."""
    geometry = scan.volume.geometry
    n = min(round(length_mm / geometry.slice_increment_mm), geometry.shape[0] - 2)
    kept = slice(n, None) if caudal else slice(0, geometry.shape[0] - n)
    volume = replace(
        scan.volume,
        stored=scan.volume.stored[kept].copy(),
        rescale=Rescale(scan.volume.rescale.slope[kept], scan.volume.rescale.intercept[kept]),
        geometry=_resliced(geometry, geometry.origin_mm[kept], geometry.slice_position_mm[kept]),
        sop_instance_uid=scan.volume.sop_instance_uid[kept],
    )
    return replace(scan, volume=volume, calcium=scan.calcium[kept], other=scan.other[kept])


def average_slabs(scan: LabelledVolume) -> LabelledVolume:
    """Slices twice as thick, twice as far apart."""
    n = scan.volume.geometry.shape[0] // 2
    return _blended(scan, np.arange(n) * 2, np.arange(n) * 2 + 1)


def shift_half_a_slice(scan: LabelledVolume) -> LabelledVolume:
    """Slices that lie between those that were scanned."""
    n = scan.volume.geometry.shape[0] - 1
    return _blended(scan, np.arange(n), np.arange(n) + 1)


def _blended(
    scan: LabelledVolume, below: NDArray[np.intp], above: NDArray[np.intp]
) -> LabelledVolume:
    """Means of pairs of slices; a label of either is a label of both."""
    geometry, hu = scan.volume.geometry, all_hu(scan.volume)
    origin = (geometry.origin_mm[below] + geometry.origin_mm[above]) / 2
    position = (geometry.slice_position_mm[below] + geometry.slice_position_mm[above]) / 2
    volume = replace(
        scan.volume,
        geometry=_resliced(geometry, origin, position),
        sop_instance_uid=("",) * len(below),
    )
    labelled = replace(
        scan,
        volume=volume,
        calcium=np.maximum(scan.calcium[below], scan.calcium[above]),
        other=np.maximum(scan.other[below], scan.other[above]),
    )
    return with_hu(labelled, (hu[below] + hu[above]) * np.float32(0.5))


def _resliced(geometry: Geometry, origin_mm: Float64, position_mm: Float64) -> Geometry:
    increment = float(np.diff(position_mm).mean())
    return replace(
        geometry,
        origin_mm=origin_mm,
        slice_position_mm=position_mm,
        slice_increment_mm=increment,
        slice_extent_mm=np.full(len(position_mm), increment),
    )


STRESSES: dict[str, Stress] = {
    "none": lambda scan: scan,
    "hu_plus_8": partial(shift_hu, by_hu=8.0),
    "hu_minus_8": partial(shift_hu, by_hu=-8.0),
    "noise_10": partial(add_ct_noise, sigma_hu=10.0),
    "noise_20": partial(add_ct_noise, sigma_hu=20.0),
    "noise_30": partial(add_ct_noise, sigma_hu=30.0),
    "crop_180": partial(crop_field, width_mm=180.0),
    "no_caudal_20": partial(drop_slices, length_mm=20.0, caudal=True),
    "no_cranial_20": partial(drop_slices, length_mm=20.0, caudal=False),
    "slab_average": average_slabs,
    "half_slice": shift_half_a_slice,
}

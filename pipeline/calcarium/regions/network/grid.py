"""From a scan to the input of a network: its axes, its spacing, its scale."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calcarium.errors import ScanExcluded
from calcarium.regions.labelmap import Affine
from calcarium.regions.network.spec import NetworkSpec
from calcarium.volume.model import Float64, Geometry, Volume

Float32 = NDArray[np.float32]

# Patient directions in DICOM's LPS.
DIRECTIONS = {
    "L": (1.0, 0.0, 0.0),
    "R": (-1.0, 0.0, 0.0),
    "P": (0.0, 1.0, 0.0),
    "A": (0.0, -1.0, 0.0),
    "S": (0.0, 0.0, 1.0),
    "I": (0.0, 0.0, -1.0),
}


@dataclass(frozen=True)
class Sampling:
    """The grid of a network's input over a scan.

    Attributes
    ----------
    source : axis of the scan (0 slice, 1 row, 2 column) along each axis of the grid
    index : fractional voxel index of the scan for each plane, along each axis of the grid
    to_lps : affine of the grid
    """

    source: tuple[int, int, int]
    index: tuple[Float64, Float64, Float64]
    to_lps: Affine

    @classmethod
    def of(cls, geometry: Geometry, spec: NetworkSpec) -> Sampling:
        """The grid that covers a scan with a network's axes and spacing.

        Raises
        ------
        ScanExcluded
            ``not_axial`` if the scan is too oblique to tell which axis is which
        """
        row, column = np.asarray(geometry.row_direction), np.asarray(geometry.column_direction)
        scan_axes = np.stack([np.cross(row, column), column, row])
        match = np.array([DIRECTIONS[letter] for letter in spec.axes]) @ scan_axes.T
        z, y, x = (int(axis) for axis in np.abs(match).argmax(axis=1))
        if len({z, y, x}) != 3:
            raise ScanExcluded("not_axial", "the scan's axes do not match those of the network")
        source = (z, y, x)
        index = []
        for axis, a in enumerate(source):
            planes = _planes(_positions_mm(geometry, a), spec.spacing_mm[axis])
            index.append(planes if match[axis, a] > 0 else planes[::-1])
        to_lps = np.eye(4)
        to_lps[:3, 3] = first = _corner(geometry, source, index, last_along=None)
        for axis, planes in enumerate(index):
            if len(planes) > 1:
                step = _corner(geometry, source, index, last_along=axis) - first
                to_lps[:3, axis] = step / (len(planes) - 1)
            else:
                to_lps[:3, axis] = np.array(DIRECTIONS[spec.axes[axis]]) * spec.spacing_mm[axis]
        return cls(source, (index[0], index[1], index[2]), to_lps)

    def sample(self, volume: Volume) -> Float32:
        """Hounsfield units on the grid, by linear interpolation; one slice at a time in plane."""
        z, y, x = (self.index[self.source.index(axis)] for axis in range(3))
        slices = [
            _linear(_linear(volume.hu((slice(n, n + 1), slice(None), slice(None)))[0], y, 0), x, 1)
            for n in range(volume.geometry.shape[0])
        ]
        return np.ascontiguousarray(_linear(np.stack(slices), z, 0).transpose(self.source))


def scaled(hu: Float32, spec: NetworkSpec) -> Float32:
    """Hounsfield units as the network wants them."""
    low, high = spec.window_hu
    clipped = np.clip(hu, low, high)
    if spec.scale == "z_score":
        return np.asarray((clipped - spec.mean_hu) / spec.std_hu, dtype=np.float32)
    unit = (clipped - low) / (high - low)
    return np.asarray(unit if spec.scale == "zero_to_one" else 2 * unit - 1, dtype=np.float32)


def _positions_mm(geometry: Geometry, axis: int) -> Float64:
    """Where the planes of a scan lie along one of its axes, from its first."""
    if axis == 0:
        return np.asarray(geometry.slice_position_mm - geometry.slice_position_mm[0])
    spacing = geometry.row_spacing_mm if axis == 1 else geometry.column_spacing_mm
    return np.arange(geometry.shape[axis], dtype=np.float64) * spacing


def _planes(position_mm: Float64, spacing_mm: float) -> Float64:
    """Indices of evenly spaced planes, centred so that less than half a step is left over."""
    extent = float(position_mm[-1])
    # A scan that is a whole number of steps long must not lose one to a last bit.
    count = int(np.floor(extent / spacing_mm + 1e-4)) + 1
    lead = max(0.0, (extent - (count - 1) * spacing_mm) / 2)
    wanted = lead + np.arange(count) * spacing_mm
    return np.asarray(np.interp(wanted, position_mm, np.arange(len(position_mm))))


def _corner(
    geometry: Geometry, source: tuple[int, int, int], index: list[Float64], last_along: int | None
) -> Float64:
    """Patient coordinates of the grid's first voxel, or of the last one along one axis."""
    zyx = np.zeros((1, 3))
    for axis, a in enumerate(source):
        zyx[0, a] = index[axis][-1 if axis == last_along else 0]
    return np.asarray(geometry.to_patient_mm(zyx)[0])


def _linear(values: Float32, index: Float64, axis: int) -> Float32:
    """Linear interpolation along one axis at fractional indices, which lie inside."""
    low = np.floor(index).astype(np.intp)
    share = (index - low).astype(np.float32)
    if not share.any():
        return np.asarray(values.take(low, axis=axis))
    high = np.minimum(low + 1, values.shape[axis] - 1)
    share = share.reshape([-1 if a == axis else 1 for a in range(values.ndim)])
    return np.asarray(values.take(low, axis) * (1 - share) + values.take(high, axis) * share)

"""What lies within a radius of a mask."""

from __future__ import annotations

import numpy as np

from calcarium.regions.anatomy.grid import Mask


def dilated(mask: Mask, radius_mm: float, sampling_mm: tuple[float, float, float]) -> Mask:
    """Voxels of which the centre is at most so far from that of a voxel of the mask.

    The same as ``distance_transform_edt(~mask, sampling) <= radius_mm``, bit by bit, and many
    times as fast where the radius is a few voxels. A ball is made of stretches along its rows:
    the mask, widened to each half length of them, is moved to every row of the ball, as a flat
    array whose padding keeps rows and slices apart.
    """
    reach = [int(radius_mm / mm) for mm in sampling_mm]
    wide = np.pad(mask, [(n, n) for n in reach])
    z, y, x = np.ix_(*(np.arange(-n, n + 1) for n in reach))
    z_mm, y_mm, x_mm = (step * mm for step, mm in zip((z, y, x), sampling_mm, strict=True))
    within = np.sqrt(z_mm * z_mm + y_mm * y_mm + x_mm * x_mm) <= radius_mm
    half = np.where(within.any(axis=2), within.sum(axis=2) // 2, -1)
    _, rows, columns = wide.shape
    to_row = ((z * rows + y) * columns)[:, :, 0]
    out = np.zeros_like(wide)
    for length in range(reach[2] + 1):
        if length:
            narrow = wide.copy()
            _add_moved(wide, narrow, 1)
            _add_moved(wide, narrow, -1)
        for move in to_row[half == length]:
            _add_moved(out, wide, int(move))
    inner = tuple(slice(n, n + size) for n, size in zip(reach, mask.shape, strict=True))
    return out[inner]


def _add_moved(out: Mask, mask: Mask, move: int) -> None:
    """Add a mask that is moved along its flat array."""
    flat, source = out.reshape(-1), mask.reshape(-1)
    if move >= 0:
        flat[move:] |= source[: source.size - move]
    else:
        flat[:move] |= source[-move:]

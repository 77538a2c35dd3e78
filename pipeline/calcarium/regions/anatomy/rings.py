"""Bright discs of a known radius, and the best path of such discs through the slices."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise, product

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

from calcarium.regions.anatomy.grid import Float32, Float64, Mask
from calcarium.regions.boxes import Bounds, labelled_bounds

Complex64 = NDArray[np.complex64]

RADII_MM = (9.0, 11.0, 13.0, 15.0, 17.0, 19.0, 21.0)
CLIP_HU = (-110.0, 70.0)  # fat to blood; a vessel's edge, not its calcium, makes the ring
SOFTENING_HU_PER_MM = 5.0  # gradients well below this are noise
RING_WIDTH_MM = 1.8
STEP_COST = 0.02  # per voxel of sideways movement
STRAY = 3  # voxels beside positive scores; engineering choice: further ones only cost a path
RESOLUTION = 1 / 1024  # scores are rounded to this, so that no FFT's last bit decides


@dataclass(frozen=True)
class Path:
    """A path of discs, one per slice, in the indices of the searched part.

    Attributes
    ----------
    first : slice in which it begins
    rows, columns : centres
    radius : index into the searched radii
    total : sum of the scores along it
    """

    first: int
    rows: np.ndarray[tuple[int, ...], np.dtype[np.intp]]
    columns: np.ndarray[tuple[int, ...], np.dtype[np.intp]]
    radius: int
    total: float


def ring_response(hu: Float32, body: Mask, pixel_mm: float) -> Float32:
    """How much each voxel is the middle of a bright disc, for each radius of ``RADII_MM``.

    The mean, over a ring, of the saturated gradient along the inward normal: 1 for a
    perfect disc, about 0 elsewhere.

    Returns
    -------
    float32 array, shape (n_radii, slices, rows, columns), 0 to 1
    """
    shown = np.where(body, np.clip(hu, *CLIP_HU), CLIP_HU[0]).astype(np.float32)
    down = ndimage.gaussian_filter(shown, (0.7, 1, 1), order=(0, 1, 0)) / pixel_mm
    left = ndimage.gaussian_filter(shown, (0.7, 1, 1), order=(0, 0, 1)) / pixel_mm
    saturation = 1 / (np.sqrt(down * down + left * left) + SOFTENING_HU_PER_MM)
    down *= saturation
    left *= saturation
    margin = int(np.ceil(max(RADII_MM) / pixel_mm)) + 3
    rows, columns = hu.shape[1:]
    size = fft.next_fast_len(rows + margin, True), fft.next_fast_len(columns + margin, True)
    down_f, left_f = fft.rfft2(down, size), fft.rfft2(left, size)
    along_y, along_x = _inward_normals(size, pixel_mm)
    out = np.empty((len(RADII_MM), *hu.shape), np.float32)
    for k in range(len(hu)):  # slice by slice, which stays in the cache of a core
        spectrum = along_y * down_f[k] + along_x * left_f[k]
        out[:, k] = fft.irfft2(spectrum, size)[:, :rows, :columns]
    np.clip(out, 0, 1, out=out)
    out /= np.float32(RESOLUTION)
    np.rint(out, out=out)
    out *= np.float32(RESOLUTION)
    return out


def _inward_normals(size: tuple[int, int], pixel_mm: float) -> tuple[Complex64, Complex64]:
    """Spectra, per radius, of the inward normals on a ring, along rows and columns."""
    y_mm = fft.fftfreq(size[0], 1 / size[0])[:, None] * pixel_mm
    x_mm = fft.fftfreq(size[1], 1 / size[1])[None] * pixel_mm
    distance = np.hypot(y_mm, x_mm) + 1e-6
    radius = np.array(RADII_MM)[:, None, None]
    ring = np.exp(-0.5 * ((distance - radius) / RING_WIDTH_MM) ** 2)
    ring /= ring.sum(axis=(1, 2), keepdims=True)
    along_y, along_x = (
        np.conj(fft.rfft2(ring * -mm / distance)).astype(np.complex64) for mm in (y_mm, x_mm)
    )
    return along_y, along_x


def best_path(scores: Float32, *, to_right: float = 0.0, to_left: float = 0.0) -> Path:
    """The path of greatest sum, of one radius and with free ends.

    Parameters
    ----------
    scores : shape (n_radii, slices, rows, columns); negative where there is no support,
        so that a path begins and ends where its support does
    to_right, to_left : further cost of a step to the patient's right or left, going down
    """
    z, y, x = _around(scores.max(axis=0) > 0)
    scores = scores[:, z, y, x]
    radii, slices, rows, columns = scores.shape
    sums = np.full((slices, radii, rows + 2, columns + 2), -1e3, np.float32)
    sums[:, :, 1:-1, 1:-1] = scores.swapaxes(0, 1)
    for above, here in pairwise(sums):
        best = np.maximum(above[:, :-2], above[:, 2:])
        best -= np.float32(STEP_COST)
        np.maximum(best, above[:, 1:-1], out=best)
        from_right = best[:, :, 2:] - np.float32(STEP_COST + to_right)
        from_left = best[:, :, :-2] - np.float32(STEP_COST + to_left)
        best = np.maximum(np.maximum(from_left, from_right), best[:, :, 1:-1])
        here[:, 1:-1, 1:-1] += np.maximum(best, 0)
    path = _trace(sums, _moves(to_right, to_left))
    return replace(
        path, first=path.first + z.start, rows=path.rows + y.start, columns=path.columns + x.start
    )


def _around(positive: Mask) -> Bounds:
    """Where a path can be: between its ends, which are positive, and hardly beside them."""
    if not positive.any():
        positive = np.ones_like(positive)
    z, y, x = labelled_bounds(positive)
    y, x = (slice(max(0, part.start - STRAY), part.stop + STRAY) for part in (y, x))
    return z, y, x


def flat_top(distance: Float64, half_width: float, softness: float) -> Float64:
    """A prior: 1 within the half width, falling off like a Gaussian outside."""
    beyond = np.maximum(np.abs(distance) - half_width, 0) / softness
    return np.asarray(np.exp(-0.5 * beyond**2))


def _moves(to_right: float, to_left: float) -> list[tuple[int, int, float]]:
    sideways = {-1: to_right, 0: 0.0, 1: to_left}
    return [
        (dy, dx, STEP_COST * (abs(dy) + abs(dx)) + sideways[dx])
        for dy, dx in product((-1, 0, 1), repeat=2)
    ]


def _trace(sums: Float32, moves: list[tuple[int, int, float]]) -> Path:
    k, radius, y, x = (int(i) for i in np.unravel_index(int(sums.argmax()), sums.shape))
    total = float(sums[k, radius, y, x])
    centres = [(y - 1, x - 1)]
    while k > 0:
        before = [float(sums[k - 1, radius, y - dy, x - dx]) - cost for dy, dx, cost in moves]
        move = int(np.argmax(before))
        if before[move] <= 0:
            break
        k, y, x = k - 1, y - moves[move][0], x - moves[move][1]
        centres.append((y - 1, x - 1))
    rows, columns = np.array(centres[::-1], dtype=np.intp).T
    return Path(k, rows, columns, radius, total)

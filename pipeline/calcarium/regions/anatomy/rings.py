"""Bright discs of a known radius, and the best path of such discs through the slices."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy import fft, ndimage

from calcarium.regions.anatomy.grid import Float32, Float64, Mask

RADII_MM = (9.0, 11.0, 13.0, 15.0, 17.0, 19.0, 21.0)
CLIP_HU = (-110.0, 70.0)  # fat to blood; a vessel's edge, not its calcium, makes the ring
SOFTENING_HU_PER_MM = 5.0  # gradients well below this are noise
RING_WIDTH_MM = 1.8
STEP_COST = 0.02  # per voxel of sideways movement
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
    saturation = 1 / (np.hypot(down, left) + SOFTENING_HU_PER_MM)
    margin = int(np.ceil(max(RADII_MM) / pixel_mm)) + 3
    rows, columns = hu.shape[1:]
    size = fft.next_fast_len(rows + margin), fft.next_fast_len(columns + margin, True)
    down_f, left_f = fft.rfft2(down * saturation, size), fft.rfft2(left * saturation, size)
    y_mm = fft.fftfreq(size[0], 1 / size[0])[:, None] * pixel_mm
    x_mm = fft.fftfreq(size[1], 1 / size[1])[None] * pixel_mm
    distance = np.hypot(y_mm, x_mm) + 1e-6
    out = np.empty((len(RADII_MM), *hu.shape), np.float32)
    for i, radius in enumerate(RADII_MM):
        ring = np.exp(-0.5 * ((distance - radius) / RING_WIDTH_MM) ** 2)
        ring /= ring.sum()
        along_y = np.conj(fft.rfft2(ring * -y_mm / distance)).astype(np.complex64)
        along_x = np.conj(fft.rfft2(ring * -x_mm / distance)).astype(np.complex64)
        out[i] = fft.irfft2(down_f * along_y + left_f * along_x, size)[:, :rows, :columns]
    np.clip(out, 0, 1, out=out)
    out /= np.float32(RESOLUTION)
    np.rint(out, out=out)
    out *= np.float32(RESOLUTION)
    return out


def best_path(scores: Float32, *, to_right: float = 0.0, to_left: float = 0.0) -> Path:
    """The path of greatest sum, of one radius and with free ends.

    Parameters
    ----------
    scores : shape (n_radii, slices, rows, columns); negative where there is no support,
        so that a path begins and ends where its support does
    to_right, to_left : further cost of a step to the patient's right or left, going down
    """
    radii, slices, rows, columns = scores.shape
    sums = np.full((slices, radii, rows + 2, columns + 2), -1e3, np.float32)
    inner = (slice(None), slice(1, -1), slice(1, -1))
    moves = _moves(to_right, to_left)
    sums[0][inner] = scores[:, 0]
    best = np.empty((radii, rows, columns), np.float32)
    from_there = np.empty_like(best)
    for k in range(1, slices):
        best[:] = 0
        above = sums[k - 1]
        for dy, dx, cost in moves:
            np.subtract(
                above[:, 1 - dy : 1 - dy + rows, 1 - dx : 1 - dx + columns],
                np.float32(cost),
                out=from_there,
            )
            np.maximum(best, from_there, out=best)
        np.add(best, scores[:, k], out=sums[k][inner])
    return _trace(sums, moves)


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

"""Noise as filtered back projection leaves it: coloured in the slice, by the dose."""

from __future__ import annotations

import numpy as np

from calcarium.phantom.model import Float32, Grid

BANK_SLICES = 6


def add_noise(
    hu: Float32, grid: Grid, sigma_hu: float, cutoff_per_mm: float, rng: np.random.Generator
) -> None:
    """Add noise to a scan in place.

    The spectrum rises with frequency and is rolled off by the kernel, as that of a
    ramp filter; slices that overlap share noise. Slices are mixed from a small bank
    of independent ones at random offsets, which is some ten times faster than a
    transform per slice.

    Parameters
    ----------
    sigma_hu : standard deviation in the middle of the field
    cutoff_per_mm : frequency at which the kernel has fallen to 1/e in power
    """
    bank = _bank(grid, cutoff_per_mm, rng)
    level = _level(grid) * np.float32(sigma_hu)
    shared = max(0.0, 1 - grid.slice_increment_mm / grid.slice_thickness_mm)
    fresh = float(np.sqrt(1 - shared**2))
    previous = _mixed(bank, rng)
    for z in range(grid.shape[0]):
        previous = shared * previous + fresh * _mixed(bank, rng) if z else previous
        hu[z] += level * previous


def _mixed(bank: Float32, rng: np.random.Generator) -> Float32:
    """A slice of unit variance: two of the bank at random offsets."""
    first, second = rng.choice(len(bank), 2, replace=False)
    turn = rng.uniform(0, 2 * np.pi)
    rows, columns = bank.shape[1:]
    a = np.roll(bank[first], (int(rng.integers(rows)), int(rng.integers(columns))), (0, 1))
    b = np.roll(bank[second], (int(rng.integers(rows)), int(rng.integers(columns))), (0, 1))
    return np.asarray(np.float32(np.cos(turn)) * a + np.float32(np.sin(turn)) * b)


def _bank(grid: Grid, cutoff_per_mm: float, rng: np.random.Generator) -> Float32:
    _, rows, columns = grid.shape
    fy = np.fft.fftfreq(rows, grid.row_spacing_mm)[:, None]
    fx = np.fft.rfftfreq(columns, grid.column_spacing_mm)[None, :]
    f = np.hypot(fy, fx)
    amplitude = np.sqrt((f + 0.02) * np.exp(-((f / cutoff_per_mm) ** 2)))
    white = rng.standard_normal((BANK_SLICES, rows, columns))
    bank = np.fft.irfft2(np.fft.rfft2(white) * amplitude, s=(rows, columns))
    return np.asarray(bank / bank.std(), dtype=np.float32)


def _level(grid: Grid) -> Float32:
    """Strongest in the middle of the body, where the fewest photons arrive."""
    x = grid.axis_mm(2)[None, :]
    y = grid.axis_mm(1)[:, None] - 10
    return np.asarray(0.55 + 0.45 * np.exp(-((x / 150) ** 2) - (y / 110) ** 2), dtype=np.float32)

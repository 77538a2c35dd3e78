"""How a synthetic person is scanned: field, slices, kernel, noise, position."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from calcarium.phantom.anatomy import Anatomy
from calcarium.phantom.body import skin_of
from calcarium.phantom.heart import Heart
from calcarium.phantom.model import Grid

# thickness and increment in mm as they occur
GATED_SLICES = ((3.0, 3.0), (3.0, 3.0), (2.5, 2.5), (3.0, 2.5), (3.0, 1.5))
CTA_SLICES = ((0.5, 0.5), (0.6, 0.4), (0.625, 0.625), (0.75, 0.5))
NONGATED_SLICES = (
    (1.0, 1.0),
    (1.25, 1.25),
    (2.0, 2.0),
    (2.5, 2.5),
    (3.0, 2.0),
    (3.75, 3.27),
    (5.0, 5.0),
)
# name, in-plane blur (standard deviation, mm), cutoff of the noise (1/mm)
SOFT_KERNELS = (("Qr36d", 0.55, 0.42), ("FC12", 0.5, 0.5), ("STANDARD", 0.55, 0.45))
CTA_KERNELS = (("Bv36", 0.4, 0.55), ("Bv40", 0.36, 0.62), ("STANDARD", 0.4, 0.55))
CHEST_FIELD = (1.0, 1.25)  # as a share of the width of the trunk at the heart
SHARP_KERNEL = ("B50f", 0.4, 0.7)


@dataclass(frozen=True)
class ScanPlan:
    """One acquisition of one person.

    Attributes
    ----------
    grid : in the coordinates of the anatomy
    table_shift_mm : where the anatomy's origin lies in the scanner
    psf_sigma_mm, motion_sigma_mm : blur of everything; added blur of what beats
    noise_sigma_hu, noise_cutoff_per_mm : see :func:`calcarium.phantom.noise.add_noise`
    """

    gated: bool
    grid: Grid
    table_shift_mm: tuple[float, float, float]
    convolution_kernel: str
    psf_sigma_mm: float
    motion_sigma_mm: float
    noise_sigma_hu: float
    noise_cutoff_per_mm: float

    @property
    def canvas_step_mm(self) -> float:
        """Cells about twice as wide as pixels, fine enough for the point spread."""
        return float(np.clip(2.2 * self.grid.column_spacing_mm, 1.2, 1.6))

    def grid_in_scanner(self) -> Grid:
        """The grid in patient coordinates as the files give them."""
        moved = np.round(np.add(self.grid.origin_mm, self.table_shift_mm), 4)
        return replace(self.grid, origin_mm=(float(moved[0]), float(moved[1]), float(moved[2])))


def draw_plan(anatomy: Anatomy, rng: np.random.Generator, *, gated: bool, matrix: int) -> ScanPlan:
    """A gated heart scan with a narrow field, or a non-gated scan of the chest."""
    slices = GATED_SLICES if gated else NONGATED_SLICES
    thickness, increment = slices[rng.integers(len(slices))]
    sharp = not gated and rng.random() < 0.3
    kernel, psf, cutoff = SHARP_KERNEL if sharp else SOFT_KERNELS[rng.integers(3)]
    build = _heart_grid if gated else _chest_grid
    grid = build(anatomy, rng, matrix, thickness, increment)
    noise = rng.uniform(12, 26) if gated else rng.uniform(16, 36)
    moving = 0.0 if gated or rng.random() < 0.3 else float(rng.uniform(0.3, 1.4))
    return ScanPlan(
        gated,
        grid,
        (float(rng.normal(0, 15)), float(rng.normal(-150, 25)), float(rng.uniform(-900, 1200))),
        kernel,
        psf,
        moving,
        float(noise * (1.3 if sharp else 1.0)),
        cutoff,
    )


def draw_cta_plan(anatomy: Anatomy, rng: np.random.Generator, *, matrix: int) -> ScanPlan:
    """A gated scan of the heart as contrast CT is made: thin slices, narrow field, more noise."""
    thickness, increment = CTA_SLICES[rng.integers(len(CTA_SLICES))]
    kernel, psf, cutoff = CTA_KERNELS[rng.integers(len(CTA_KERNELS))]
    grid = _heart_grid(anatomy, rng, matrix, thickness, increment, field_mm=(180, 230))
    shift = (float(rng.normal(0, 15)), float(rng.normal(-150, 25)), float(rng.uniform(-900, 1200)))
    return ScanPlan(True, grid, shift, kernel, psf, 0.0, float(rng.uniform(20, 40)), cutoff)


def _grid(
    centre_xy: tuple[float, float],
    field_mm: float,
    low_high: tuple[float, float],
    matrix: int,
    thickness: float,
    increment: float,
) -> Grid:
    pixel = round(field_mm / matrix, 4)
    n = int((low_high[1] - low_high[0]) / increment) + 1
    corner = (matrix - 1) / 2 * pixel
    origin = (centre_xy[0] - corner, centre_xy[1] - corner, low_high[0])
    return Grid((n, matrix, matrix), origin, increment, pixel, pixel, thickness)


def _heart_grid(
    anatomy: Anatomy,
    rng: np.random.Generator,
    matrix: int,
    thickness: float,
    increment: float,
    field_mm: tuple[float, float] = (200, 250),
) -> Grid:
    """From below the apex to about the carina, centred on the heart."""
    low, high = Heart(anatomy).box
    middle = (low + high) / 2 + rng.normal(0, 6, 3)
    bottom = float(low[2] - rng.uniform(4, 16))
    top = float(high[2] + rng.uniform(0, 26))
    field = float(rng.uniform(*field_mm))
    return _grid(
        (float(middle[0]), float(middle[1]) + 6), field, (bottom, top), matrix, thickness, increment
    )


def _chest_grid(
    anatomy: Anatomy, rng: np.random.Generator, matrix: int, thickness: float, increment: float
) -> Grid:
    """From below the diaphragm to the lung apex; a few fields cut off a side of the trunk."""
    wide = 2 * float(skin_of(anatomy).section(0.0)[2])
    field = float(np.clip(wide * rng.uniform(*CHEST_FIELD), 280, 500))
    bottom = anatomy.height_scale * -130 + rng.uniform(-20, 25)
    top = anatomy.height_scale * 150 + rng.uniform(-20, 15)
    centre = (float(rng.normal(0, 5)), float(14 + rng.normal(0, 8)))
    return _grid(centre, field, (float(bottom), float(top)), matrix, thickness, increment)

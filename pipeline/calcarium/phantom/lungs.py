"""Airways and the branching vessels of the lungs."""

from __future__ import annotations

import numpy as np

from calcarium.phantom.canvas import Canvas
from calcarium.phantom.model import Float64
from calcarium.phantom.shapes import Capsule, smooth_path, tube
from calcarium.phantom.vessels import GreatVessels

AIRWAY_WALL_HU = 25.0
LUNG_VESSEL_HU = 38.0
GENERATIONS = 7


def carina(vessels: GreatVessels) -> Float64:
    """Where the trachea divides: under the arch, in front of the spine."""
    z = float(vessels.heart.origin[2]) + vessels.heart.anatomy.heart_scale * 68
    x, y = vessels.heart.anatomy.spine_front(z)
    return np.array([float(x) - 1, float(y) - 24, z])


def main_bronchi(vessels: GreatVessels) -> list[Float64]:
    """Left and right main bronchus with their lower lobe stems."""
    fork = carina(vessels)
    size = vessels.heart.anatomy.heart_scale
    left = fork + np.array([[0, 0, 0], [24, 7, -16], [44, 17, -30], [56, 34, -62]]) * size
    right = fork + np.array([[0, 0, 0], [-20, 4, -14], [-38, 14, -28], [-50, 32, -62]]) * size
    return [smooth_path(left), smooth_path(right)]


def paint_airways(canvas: Canvas, vessels: GreatVessels) -> None:
    """Trachea and bronchi: a soft wall and air."""
    fork = carina(vessels)
    top = fork + np.array([2, -14, 110])
    trachea = smooth_path(np.vstack([top, (top + fork) / 2 + np.array([0, 2, 0]), fork]))
    for path, radii in [
        (trachea, [9.0, 8.6]),
        *((b, [7.5, 5.5, 3.5]) for b in main_bronchi(vessels)),
    ]:
        canvas.paint(tube(path, np.array(radii) + 1.4), AIRWAY_WALL_HU)
    for path, radii in [
        (trachea, [9.0, 8.6]),
        *((b, [7.5, 5.5, 3.5]) for b in main_bronchi(vessels)),
    ]:
        canvas.paint(tube(path, radii), -990.0)


def paint_lung_vessels(canvas: Canvas, vessels: GreatVessels, rng: np.random.Generator) -> None:
    """Trees that grow from both hila and fork until they are thinner than a voxel."""
    fork = carina(vessels)
    size = vessels.heart.anatomy.heart_scale
    for side in (-1, 1):
        hilum = fork + np.array([side * 46.0, 20.0, -34.0]) * size
        for direction in _first_branches(side):
            start = hilum + rng.normal(0, 5, 3)
            for piece in _tree(start, direction, 4.2 * rng.uniform(0.8, 1.2), GENERATIONS, rng):
                canvas.paint(piece, LUNG_VESSEL_HU)


def _first_branches(side: int) -> list[Float64]:
    raw = [
        [0.5, -0.4, 0.9],
        [0.8, 0.5, 0.6],
        [0.6, -0.9, 0.1],
        [0.9, -0.3, -0.3],
        [0.5, 0.8, -0.1],
        [0.3, 0.5, -0.9],
        [0.7, 0.3, -0.8],
        [0.8, 0.6, -0.5],
    ]
    return [np.array(d) * [side, 1, 1] for d in raw]


def _tree(
    start: Float64, direction: Float64, radius: float, depth: int, rng: np.random.Generator
) -> list[Capsule]:
    """One branch and what forks from it; thinner by the cube law of a fork in two."""
    along = direction / np.linalg.norm(direction)
    length = 9.0 * radius**0.8 * rng.uniform(0.8, 1.25)
    stop = start + along * length
    thinner = radius * 0.79
    pieces = [Capsule(start, stop, radius, thinner)]
    if depth > 1 and thinner > 0.45:
        for _ in range(2):
            turned = along + rng.normal(0, 0.45, 3)
            pieces += _tree(stop, turned, thinner * rng.uniform(0.8, 1.05), depth - 1, rng)
    return pieces

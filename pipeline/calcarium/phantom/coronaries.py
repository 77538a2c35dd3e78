"""Courses of the four coronary arteries in the grooves of the heart."""

from __future__ import annotations

import numpy as np
from scipy.interpolate import PchipInterpolator

from calcarium.phantom.canvas import Canvas
from calcarium.phantom.epicardial_fat import EpicardialFat
from calcarium.phantom.model import Artery, Float64
from calcarium.phantom.shapes import Within, smooth_path, tube
from calcarium.phantom.vessels import GreatVessels

STEP_MM = 1.0
PERICORONARY_HU = -75.0  # the fat next to an artery is not pure
BETWEEN_MM = 0.6  # tissue between an artery and its vein
FORK = [13.0, 32.0, -7.0]

# heart coordinates (u, v, w); the surface of the heart decides the third dimension
COURSES: dict[Artery, list[list[float]]] = {
    "LM": [[1, 24, -12], [6, 28, -10], FORK],
    "LAD": [FORK, [9, 35, 6], [3, 35, 20], [-2, 33, 36], [-4, 28, 54], [-2, 18, 72], [4, 4, 84]],
    "LCX": [FORK, [28, 30, -4], [42, 16, -5], [46, -2, -7], [40, -18, -8], [26, -29, -8]],
    "RCA": [
        [-22, 25, -10],
        [-38, 26, -7],
        [-51, 13, -7],
        [-56, -4, -8],
        [-49, -20, -8],
        [-33, -29, -9],
        [-13, -31, -9],
        [-8, -33, 8],
        [-6, -33, 25],
        [-5, -28, 44],
    ],
}
RADIUS_MM: dict[Artery, tuple[float, ...]] = {
    "LM": (2.3, 2.1),
    "LAD": (1.9, 1.5, 0.8),
    "LCX": (1.7, 1.3, 0.8),
    "RCA": (1.9, 1.7, 1.3, 0.8),
}
# along its artery: the great cardiac vein, that becomes the coronary sinus, and the small one
VEIN_RADIUS_MM: dict[Artery, tuple[float, ...]] = {
    "LAD": (2.2, 1.9, 1.4),
    "LCX": (2.2, 2.8, 4.0),
    "RCA": (1.0, 1.3, 2.0, 1.8),
}


# how high in the fat an artery runs (0 on the muscle, 1 just below the pericardium): parameters of
# the beta distribution of a person's mean, its variation along the artery at some points, and
# from where on this holds; engineering choices, higher in the atrioventricular groove
LEVEL: dict[Artery, tuple[float, float]] = {
    "LM": (1.5, 4.0),
    "LAD": (1.6, 2.4),
    "LCX": (2.0, 2.0),
    "RCA": (2.0, 2.0),
}
LEVEL_SPREAD, LEVEL_KNOTS, LEVEL_FROM_MM = 0.15, 4, 12.0


def coronary_courses(
    vessels: GreatVessels, rng: np.random.Generator, level_rng: np.random.Generator
) -> dict[Artery, Float64]:
    """Centre lines, patient millimetres, about one point per millimetre.

    The control points vary a little from person to person; the courses are then settled in the
    epicardial fat, each at a level of its own.

    Parameters
    ----------
    rng, level_rng : decide the control points, and how high in the fat the arteries run
    """
    heart = vessels.heart
    fat = EpicardialFat.of(vessels)
    fork_shift = rng.normal(0, 1.5, 3)
    levels = {artery: _level_knots(artery, level_rng) for artery in COURSES}
    courses: dict[Artery, Float64] = {}
    for artery, control in COURSES.items():
        moved = np.array(control) + rng.normal(0, 1.2, (len(control), 3))
        at_fork = [i for i, point in enumerate(control) if point is FORK]
        moved[at_fork] = np.array(FORK) + fork_shift
        path = smooth_path(heart.at(moved), STEP_MM)
        start = levels["LM"][-1] if FORK is control[0] else 0.0
        level = _level(levels[artery], start, len(path))
        radius = _along(RADIUS_MM[artery], len(path))
        path = fat.settled(path, radius, level, rounds=4)
        for _ in range(3):
            if FORK is control[0]:
                path[0] = courses["LM"][-1]
            path = fat.settled(_relaxed(path), radius, level)
        courses[artery] = path
    courses["LAD"][0] = courses["LCX"][0] = courses["LM"][-1]
    return courses


def _level_knots(artery: Artery, rng: np.random.Generator) -> Float64:
    mean = rng.beta(*LEVEL[artery])
    return np.clip(mean + rng.normal(0, LEVEL_SPREAD, LEVEL_KNOTS), 0, 1)


def _level(knots: Float64, start: float, n: int) -> Float64:
    """Level at ``n`` points of a course: that of its start, and soon its own."""
    own = PchipInterpolator(np.linspace(0, n - 1, len(knots)), knots)(np.arange(n))
    return np.asarray(start + np.clip(np.arange(n) * STEP_MM / LEVEL_FROM_MM, 0, 1) * (own - start))


def _along(given: tuple[float, ...], n: int) -> Float64:
    """Values spread evenly along a course of ``n`` points."""
    return np.interp(np.linspace(0, 1, n), np.linspace(0, 1, len(given)), given)


def _relaxed(path: Float64) -> Float64:
    """A little straighter; the ends stay."""
    smooth = path.copy()
    smooth[1:-1] = (path[:-2] + 2 * path[1:-1] + path[2:]) / 4
    return smooth


def paint_coronaries(canvas: Canvas, vessels: GreatVessels, courses: dict[Artery, Float64]) -> None:
    """A sleeve of fat along each course, the vessel in it and the vein beside it."""
    heart = vessels.heart
    blood = heart.anatomy.blood_hu
    sleeve = 1.2 + 0.3 * heart.anatomy.epicardial_fat_mm
    for path in courses.values():
        within = [Within(part, heart.pericardium) for part in tube(path[::2], sleeve)]
        canvas.paint(within, PERICORONARY_HU, grain_hu=16.0)
    for artery in VEIN_RADIUS_MM:
        path, radius = vein_beside(vessels, artery, courses[artery])
        canvas.paint(tube(path[::2], radius[::2]), blood)
    for artery, path in courses.items():
        canvas.paint(tube(path[::2], RADIUS_MM[artery]), blood)


def vein_beside(vessels: GreatVessels, artery: Artery, path: Float64) -> tuple[Float64, Float64]:
    """The vein in the same groove, on the muscle: course, shape (n, 3), and radius, (n,), in mm."""
    forwards = np.gradient(path, axis=0)
    outwards = path - vessels.heart.at([0.0, 0.0, 15.0])
    across = np.cross(outwards, forwards)
    across /= np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-6)
    radius = _along(VEIN_RADIUS_MM[artery], len(path))
    apart = _along(RADIUS_MM[artery], len(path)) + BETWEEN_MM + radius
    beside = path + apart[:, None] * across
    return EpicardialFat.of(vessels).settled(beside, radius, level=0.0), radius

"""Courses of the four coronary arteries in the grooves of the heart."""

from __future__ import annotations

import numpy as np

from calcarium.phantom.canvas import Canvas
from calcarium.phantom.heart import Heart
from calcarium.phantom.model import Artery, Float64
from calcarium.phantom.shapes import Capsule, Shape, Union, smooth_path, tube
from calcarium.phantom.vessels import GreatVessels

ABOVE_MUSCLE_MM = 1.6
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


def coronary_courses(vessels: GreatVessels, rng: np.random.Generator) -> dict[Artery, Float64]:
    """Centre lines, patient millimetres, about one point per millimetre.

    The control points vary a little from person to person and are then settled on
    the surface of the chambers, so each course lies in the fat of its groove.
    """
    heart = vessels.heart
    surface = _surface(vessels)
    fork_shift = rng.normal(0, 1.5, 3)
    courses: dict[Artery, Float64] = {}
    for artery, control in COURSES.items():
        moved = np.array(control) + rng.normal(0, 1.2, (len(control), 3))
        at_fork = [i for i, point in enumerate(control) if point is FORK]
        moved[at_fork] = np.array(FORK) + fork_shift
        path = _settled(smooth_path(heart.at(moved), STEP_MM), surface, rounds=4)
        for _ in range(3):
            path = _settled(_relaxed(path), surface)
        courses[artery] = path
    courses["LM"][-1] = courses["LAD"][0] = courses["LCX"][0] = courses["LM"][-1]
    return courses


def _surface(vessels: GreatVessels) -> Shape:
    trunk = vessels.pulmonary[0]
    pieces: list[Capsule] = tube(trunk.path[::3], trunk.radii)
    pieces += tube(vessels.ascending.path[::4], vessels.ascending.radii)
    return Union((*vessels.heart.muscle.parts, *pieces), blend_mm=4.0)


def _settled(path: Float64, surface: Shape, rounds: int = 2) -> Float64:
    """Move each point along the surface normal until it lies just above the muscle."""
    for _ in range(rounds):
        here = surface.distance(*path.T)
        shifted = [surface.distance(*(path + 0.5 * axis).T) for axis in np.eye(3)]
        normal = (np.stack(shifted, axis=1) - here[:, None]) / 0.5
        normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-3)
        path = path + np.clip(ABOVE_MUSCLE_MM - here, -4, 4)[:, None] * normal
    return path


def _relaxed(path: Float64) -> Float64:
    """A little straighter; the ends stay."""
    smooth = path.copy()
    smooth[1:-1] = (path[:-2] + 2 * path[1:-1] + path[2:]) / 4
    return smooth


def paint_coronaries(canvas: Canvas, heart: Heart, courses: dict[Artery, Float64]) -> None:
    """A sleeve of fat along each course, the vessel in it and the vein beside it."""
    sleeve = 1.2 + 0.3 * heart.anatomy.epicardial_fat_mm
    for path in courses.values():
        canvas.paint(tube(path[::2], sleeve), PERICORONARY_HU, grain_hu=16.0)
    blood = heart.anatomy.blood_hu
    for artery, radii in VEIN_RADIUS_MM.items():
        canvas.paint(tube(_vein_beside(heart, artery, courses[artery])[::2], radii), blood)
    for artery, path in courses.items():
        canvas.paint(tube(path[::2], RADIUS_MM[artery]), blood)


def _vein_beside(heart: Heart, artery: Artery, path: Float64) -> Float64:
    """The course of the vein: in the same groove, on the heart's surface."""
    along = np.gradient(path, axis=0)
    outwards = path - heart.at([0.0, 0.0, 15.0])
    across = np.cross(outwards, along)
    across /= np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-6)
    share = np.linspace(0, 1, len(path))
    radius, vein_radius = (
        np.interp(share, np.linspace(0, 1, len(radii)), radii)
        for radii in (RADIUS_MM[artery], VEIN_RADIUS_MM[artery])
    )
    apart = radius + BETWEEN_MM + vein_radius
    return np.asarray(path + apart[:, None] * across)

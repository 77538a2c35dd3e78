"""Coronary calcium of one person: how much, where and how dense."""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np

from calcarium.phantom.deposits import Deposit, body_of
from calcarium.phantom.model import ARTERIES, ARTERY_LABELS, Artery, Float64
from calcarium.phantom.shapes import Capsule

PlaqueStyle: TypeAlias = Literal["natural", "apart"]

SHARE_WITHOUT_CALCIUM = 0.4
SHARE_OF_PLAQUES = (0.08, 0.44, 0.18, 0.30)
# lowest and highest number of plaques, and their size, from minimal to severe
BURDENS = ((1, 2, 0.75), (2, 5, 0.9), (4, 9, 1.05), (8, 20, 1.25))
DENSITY_MG_CM3 = (160.0, 780.0)
# plaques to be measured one by one: their number, least distance, size and density
N_APART, APART_MM, APART_SIZE, APART_MG_CM3 = 9, 6.0, (0.75, 1.25), (250.0, 1000.0)


def draw_plaques(
    courses: dict[Artery, Float64], rng: np.random.Generator, *, calcified: bool
) -> list[Deposit]:
    """Plaques along the courses, more of them near the origin; none if not calcified."""
    if not calcified:
        return []
    fewest, most, size = BURDENS[rng.integers(len(BURDENS))]
    chosen = rng.choice(4, int(rng.integers(fewest, most + 1)), p=SHARE_OF_PLAQUES)
    return [_plaque(ARTERIES[i], courses[ARTERIES[i]], size, DENSITY_MG_CM3, rng) for i in chosen]


def draw_apart(courses: dict[Artery, Float64], rng: np.random.Generator) -> list[Deposit]:
    """Nine plaques of which none touches another, so that each can be measured by itself."""
    found: list[Deposit] = []
    while len(found) < N_APART:
        artery = ARTERIES[int(rng.choice(4, p=SHARE_OF_PLAQUES))]
        size = float(rng.uniform(*APART_SIZE))
        plaque = _plaque(artery, courses[artery], size, APART_MG_CM3, rng)
        if all(_distance_mm(plaque, other) >= APART_MM for other in found):
            found.append(plaque)
    return found


def _distance_mm(one: Deposit, other: Deposit) -> float:
    """Between the boxes that hold them."""
    (low, high), (other_low, other_high) = one.solid.bounds(), other.solid.bounds()
    gap = np.maximum(low - other_high, other_low - high)
    return float(np.linalg.norm(np.maximum(gap, 0)))


def _plaque(
    artery: Artery,
    course: Float64,
    size: float,
    density_mg_cm3: tuple[float, float],
    rng: np.random.Generator,
) -> Deposit:
    """A knobbly string along the wall of its artery, longer than it is thick."""
    length = float(np.clip(rng.lognormal(1.2, 0.55) * size, 1.0, 18.0))
    radius = float(np.clip(rng.normal(1.0, 0.3) * size, 0.55, 2.0))
    middle = (0.04 + 0.8 * rng.beta(1.2, 1.9)) * len(course)
    count = max(2, round(length / 1.2))
    at = np.clip(middle + np.linspace(-length / 2, length / 2, count), 0, len(course) - 1)
    line = np.stack([np.interp(at, np.arange(len(course)), c) for c in course.T], axis=1)
    line = line + rng.normal(0, 0.5, 3) + rng.normal(0, 0.15, line.shape)
    radii = radius * rng.uniform(0.7, 1.1, count)
    parts = [
        Capsule(a, b, float(ra), float(rb))
        for a, b, ra, rb in zip(line[:-1], line[1:], radii[:-1], radii[1:], strict=True)
    ]
    density = float(rng.uniform(*density_mg_cm3))
    return Deposit("coronary", ARTERY_LABELS[artery], body_of(parts), density, artery)

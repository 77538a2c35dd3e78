"""Bright things near the heart that are not coronary calcium, by class."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from calcarium.phantom.deposits import Deposit, body_of
from calcarium.phantom.heart import PERICARDIUM_MM, Heart
from calcarium.phantom.lungs import carina, main_bronchi
from calcarium.phantom.model import Float64
from calcarium.phantom.shapes import Capsule, Ellipsoid, normals, tangents, tube
from calcarium.phantom.skeleton import cartilage_paths, vertebra_centre, vertebra_radii
from calcarium.phantom.vessels import GreatVessels, Vessel

DISTRACTOR_LABEL: dict[str, int] = {
    "aortic_wall": 11,
    "aortic_root": 12,
    "aortic_valve": 13,
    "mitral_annulus": 14,
    "pericardium": 15,
    "lymph_node": 16,
    "hilar_node": 17,
    "granuloma": 18,
    "costal_cartilage": 19,
    "osteophyte": 20,
}
# how many of a hundred 65-year-olds have it; engineering choices, high on purpose
PREVALENCE: dict[str, float] = {
    "aortic_wall": 0.6,
    "aortic_root": 0.25,
    "aortic_valve": 0.3,
    "mitral_annulus": 0.25,
    "pericardium": 0.12,
    "lymph_node": 0.25,
    "hilar_node": 0.25,
    "granuloma": 0.2,
    "costal_cartilage": 0.8,
    "osteophyte": 0.5,
}
Maker: TypeAlias = Callable[[GreatVessels, np.random.Generator], list[Deposit]]


def draw_distractors(vessels: GreatVessels, rng: np.random.Generator) -> list[Deposit]:
    """Each class with its prevalence, more often in the old."""
    age = vessels.heart.anatomy.age_years
    deposits: list[Deposit] = []
    for kind, maker in MAKERS.items():
        chance = PREVALENCE[kind] * np.clip(0.4 + 0.6 * (age - 40) / 25, 0.3, 1.5)
        if rng.random() < chance:
            deposits += maker(vessels, rng)
    return deposits


def _deposit(kind: str, parts: list[Capsule] | list[Ellipsoid], density: float) -> Deposit:
    return Deposit(kind, DISTRACTOR_LABEL[kind], body_of(parts), density)


def _patch(
    centre: Float64, normal: Float64, along: Float64, radii: tuple[float, float, float]
) -> Ellipsoid:
    """A flat body: ``radii`` along the surface, across it in the surface, and in depth."""
    normal = normal / np.linalg.norm(normal)
    along = along - (along @ normal) * normal
    along = along / max(float(np.linalg.norm(along)), 1e-6)
    return Ellipsoid(centre, np.array(radii), np.stack([along, np.cross(normal, along), normal]))


def _on_wall(vessel: Vessel, share: float, turn: float) -> tuple[Float64, Float64, Float64]:
    """Point, outward normal and direction of a vessel's wall."""
    i = round(share * (len(vessel.path) - 1))
    along = tangents(vessel.path)[i]
    side = np.cross(along, [0.3, 0.2, 0.93] if abs(along[2]) < 0.9 else [1.0, 0.1, 0.0])
    side /= np.linalg.norm(side)
    normal = np.cos(turn) * side + np.sin(turn) * np.cross(along, side)
    return vessel.path[i] + normal * (float(vessel.radius_at(share)) - 0.8), normal, along


def _aortic_wall(vessels: GreatVessels, rng: np.random.Generator) -> list[Deposit]:
    deposits = []
    for _ in range(int(rng.integers(1, 7))):
        vessel = vessels.aorta[rng.choice(3, p=(0.25, 0.4, 0.35))]
        # of the descending aorta only the part in the chest
        top, bottom = (0.0, 0.6) if vessel is vessels.descending else (0.2, 0.9)
        point, normal, along = _on_wall(vessel, rng.uniform(top, bottom), rng.uniform(0, 6.28))
        radii = (float(rng.uniform(1.2, 5)), float(rng.uniform(1, 3)), float(rng.uniform(0.6, 1.1)))
        deposits.append(
            _deposit("aortic_wall", [_patch(point, normal, along, radii)], rng.uniform(250, 800))
        )
    return deposits


def _aortic_root(vessels: GreatVessels, rng: np.random.Generator) -> list[Deposit]:
    root = vessels.heart.root
    deposits = []
    for _ in range(int(rng.integers(1, 3))):
        normal = rng.normal(0, 1, 3) * [1, 1, 0.4]
        normal /= np.linalg.norm(normal)
        patch = _patch(
            root.centre + normal * (root.radii[0] - 0.8),
            normal,
            np.array([0.0, 0.0, 1.0]),
            (float(rng.uniform(1.0, 2.5)), float(rng.uniform(1.0, 2.5)), 0.8),
        )
        deposits.append(_deposit("aortic_root", [patch], rng.uniform(250, 700)))
    return deposits


def _aortic_valve(vessels: GreatVessels, rng: np.random.Generator) -> list[Deposit]:
    root = vessels.heart.root
    deposits = []
    for cusp in rng.choice(3, int(rng.integers(1, 4)), replace=False):
        turn = 2.1 * cusp + rng.normal(0, 0.2)
        local = np.array([np.cos(turn), np.sin(turn), 0.0]) * root.radii[0] * 0.5
        middle = root.centre + local @ vessels.heart.axes
        reach = rng.normal(0, 2.2, 3)
        part = Capsule(middle - reach, middle + reach, float(rng.uniform(0.6, 1.4)), 0.8)
        deposits.append(_deposit("aortic_valve", [part], rng.uniform(300, 800)))
    return deposits


def _mitral_annulus(vessels: GreatVessels, rng: np.random.Generator) -> list[Deposit]:
    """An arc of the ring between left atrium and ventricle, mostly at the back."""
    heart: Heart = vessels.heart
    start = rng.uniform(-2.2, -0.6)
    turn = start + np.linspace(0, rng.uniform(0.2, 1.5), 8)
    ring = np.stack([12 + 23 * np.cos(turn), 1 + 23 * np.sin(turn), np.full(8, -7.0)], axis=1)
    radii = rng.uniform(1.0, 2.4) * rng.uniform(0.8, 1.1, 8)
    return [_deposit("mitral_annulus", tube(heart.at(ring), radii), rng.uniform(350, 850))]


def _pericardium(vessels: GreatVessels, rng: np.random.Generator) -> list[Deposit]:
    """Plates in the sac itself, except where a great vessel passes through it."""
    heart = vessels.heart
    passing = [
        part
        for vessel in (*vessels.aorta, *vessels.pulmonary, *vessels.veins)
        for part in tube(vessel.path, vessel.radii)
    ]
    deposits = []
    for _ in range(int(rng.integers(1, 4))):
        outward = rng.normal(0, 1, 3)
        outward /= np.linalg.norm(outward)
        start = heart.at([0.0, 0.0, 15.0])
        reach = np.linspace(20, 120, 400)
        ray = start + reach[:, None] * outward
        inside = heart.pericardium.distance(*ray.T) < 0
        inner = ray[np.flatnonzero(inside)[-1]]
        normal = normals(heart.pericardium, inner[None])[0]
        radii = (float(rng.uniform(1.5, 6)), float(rng.uniform(1, 3)), 0.8)
        middle = inner + PERICARDIUM_MM / 2 * normal
        patch = _patch(middle, normal, rng.normal(0, 1, 3), radii)
        density = rng.uniform(250, 700)
        if min(float(part.distance(*middle)) for part in passing) > PERICARDIUM_MM:
            deposits.append(_deposit("pericardium", [patch], density))
    return deposits


def _node(kind: str, centre: Float64, rng: np.random.Generator) -> Deposit:
    """A lump of clumped calcium."""
    size = rng.uniform(1.2, 3.2)
    parts = [
        Ellipsoid(centre + rng.normal(0, size * 0.6, 3), size * rng.uniform(0.6, 1.1, 3))
        for _ in range(int(rng.integers(1, 4)))
    ]
    return _deposit(kind, parts, rng.uniform(200, 700))


def _lymph_node(vessels: GreatVessels, rng: np.random.Generator) -> list[Deposit]:
    fork = carina(vessels)
    stations = ([0, 2, -16], [-14, -4, 14], [18, -2, 12], [0, 12, -34])
    chosen = rng.choice(len(stations), int(rng.integers(1, 3)), replace=False)
    return [_node("lymph_node", fork + np.array(stations[i]), rng) for i in chosen]


def _hilar_node(vessels: GreatVessels, rng: np.random.Generator) -> list[Deposit]:
    bronchus = main_bronchi(vessels)[int(rng.integers(2))]
    at = bronchus[round(len(bronchus) * rng.uniform(0.6, 0.95))]
    return [
        _node("hilar_node", at + rng.normal(0, 1, 3) + np.array([0, 8, 0]), rng)
        for _ in range(int(rng.integers(1, 3)))
    ]


def _granuloma(vessels: GreatVessels, rng: np.random.Generator) -> list[Deposit]:
    cage = vessels.heart.anatomy.rib_cage()
    z = rng.uniform(-50, 100)
    x, y, half_x, half_y = (float(v) for v in cage.section(z))
    side = rng.choice([-1, 1])
    centre = np.array(
        [x + side * half_x * rng.uniform(0.65, 0.9), y + half_y * rng.uniform(-0.3, 0.5), z]
    )
    return [
        _deposit(
            "granuloma",
            [Ellipsoid(centre, rng.uniform(1.2, 3.5, 1) * np.ones(3))],
            rng.uniform(300, 800),
        )
    ]


def _costal_cartilage(vessels: GreatVessels, rng: np.random.Generator) -> list[Deposit]:
    """Rims and specks in the cartilages, worse with age."""
    deposits = []
    for path in cartilage_paths(vessels.heart.anatomy):
        if rng.random() < 0.55:
            first, last = sorted(rng.uniform(0, len(path) - 1, 2))
            index = np.linspace(first, last, 5)
            line = np.stack([np.interp(index, np.arange(len(path)), c) for c in path.T], axis=1)
            line = line + np.array([0, 0, rng.choice([-4.5, 4.5])])
            deposits.append(
                _deposit(
                    "costal_cartilage", tube(line, rng.uniform(0.8, 2.2)), rng.uniform(150, 450)
                )
            )
    return deposits


def _osteophyte(vessels: GreatVessels, rng: np.random.Generator) -> list[Deposit]:
    """Spurs at the front rims of vertebrae, more on the right."""
    anatomy = vessels.heart.anatomy
    deposits = []
    for level in rng.choice(np.arange(3, 11), int(rng.integers(1, 5)), replace=False):
        wide, deep = vertebra_radii(anatomy, int(level))
        turn = rng.normal(-2.0, 0.4)
        rim = [wide * np.cos(turn), deep * np.sin(turn), -anatomy.height_scale * 11]
        spur = Ellipsoid(
            vertebra_centre(anatomy, int(level)) + np.array(rim),
            np.array([rng.uniform(3, 7), rng.uniform(2, 4), rng.uniform(2, 5)]),
        )
        deposits.append(_deposit("osteophyte", [spur], rng.uniform(250, 500)))
    return deposits


MAKERS: dict[str, Maker] = {
    "aortic_wall": _aortic_wall,
    "aortic_root": _aortic_root,
    "aortic_valve": _aortic_valve,
    "mitral_annulus": _mitral_annulus,
    "pericardium": _pericardium,
    "lymph_node": _lymph_node,
    "hilar_node": _hilar_node,
    "granuloma": _granuloma,
    "costal_cartilage": _costal_cartilage,
    "osteophyte": _osteophyte,
}

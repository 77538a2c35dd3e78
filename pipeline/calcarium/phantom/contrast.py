"""Contrast agent in the blood of a synthetic thorax, and what comes with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from calcarium.phantom.canvas import Canvas
from calcarium.phantom.coronaries import RADIUS_MM
from calcarium.phantom.deposits import TISSUE_HU, Cells
from calcarium.phantom.model import Artery, Float32, Float64, Grid
from calcarium.phantom.plan import ScanPlan
from calcarium.phantom.shapes import Shape, smooth_path, tube
from calcarium.phantom.vessels import GreatVessels

BLOOD_STEP_MM = 0.6  # finer than tissue: coronary lumens are 2 to 4 mm wide
AORTIC_WALL_MM = 1.4
LEAD_RADIUS_MM, LEAD_HU = 0.7, 9000.0
N_STREAKS, STREAK_REACH_MM, STREAK_DEG = 14, 60.0, 3.0
# From a bolus that has left the right heart to one that is still in it; engineering choices.
LEFT_HU, RIGHT_HU, DISTAL_SHARE = (250.0, 500.0), (120.0, 700.0), (0.7, 0.95)
SHARE_WITH_STREAKS, GREATEST_STREAK_HU, SHARE_WITH_LEAD = 0.4, 80.0, 0.15


@dataclass(frozen=True)
class Bolus:
    """How bright the blood of one scan is, and what the agent does to the picture.

    Attributes
    ----------
    left_hu : left heart, aorta; coronary arteries at their origin
    right_hu : right heart, pulmonary arteries and the veins from the arm; those from below
        carry none yet
    grain_hu : standard deviation of a smooth unevenness of the blood
    distal_share : brightness at the end of a coronary artery, as a share of ``left_hu``
    streak_hu : height of bright and dark streaks from the superior vena cava
    has_lead : whether a pacing lead lies in the right heart
    """

    left_hu: float
    right_hu: float
    grain_hu: float = 8.0
    distal_share: float = 0.8
    streak_hu: float = 0.0
    has_lead: bool = False


def draw_bolus(rng: np.random.Generator) -> Bolus:
    """The agent of one scan: early or late, with streaks and a lead in some."""
    left_hu, right_hu, distal = (
        float(rng.uniform(*limits)) for limits in (LEFT_HU, RIGHT_HU, DISTAL_SHARE)
    )
    streak_hu = float(rng.uniform(0, GREATEST_STREAK_HU))
    has_streaks, has_lead = rng.random(2) < (SHARE_WITH_STREAKS, SHARE_WITH_LEAD)
    return Bolus(
        round(left_hu),
        round(right_hu),
        distal_share=distal,
        streak_hu=streak_hu if has_streaks else 0.0,
        has_lead=bool(has_lead),
    )


@dataclass(frozen=True)
class Blood:
    """All blood of one person with a bolus in it, in front of the tissue of a canvas.

    Attributes
    ----------
    courses : centre lines of the coronary arteries
    tissue : what was painted without the agent
    """

    vessels: GreatVessels
    courses: Mapping[Artery, Float64]
    tissue: Canvas
    bolus: Bolus

    def fill(self, hu: Float32, plan: ScanPlan, rng: np.random.Generator) -> None:
        """Add the agent, and what it brings with it, to a scan in place."""
        canvas = Canvas.over(plan.grid, BLOOD_STEP_MM, rng)
        canvas.hu.fill(0)
        self._paint(canvas, self.bolus.grain_hu)
        if self.bolus.has_lead:
            canvas.paint(tube(self._lead(), LEAD_RADIUS_MM), LEAD_HU)
        hu += canvas.seen_by(plan.grid, plan.psf_sigma_mm)
        if self.bolus.streak_hu:
            hu += self._streaks(plan.grid, rng)

    def excess_hu(self, cells: Cells) -> Float32:
        """Brightness above soft tissue where a deposit comes to lie, on its cells.

        A deposit takes the place of blood and tissue: it is as bright as its material,
        however bright the blood beside it.
        """
        z, y, x = cells
        shape = (len(z), len(y), len(x))
        low, step = np.array([x[0], y[0], z[0]]), float(z[1] - z[0])
        nothing, unlabelled = np.zeros(shape, np.float32), np.zeros(shape, np.uint8)
        local = Canvas(low, step, nothing, unlabelled, self.tissue.texture)
        self._paint(local, grain_hu=0.0)
        return self.tissue.hu_at(cells) + local.hu - np.float32(TISSUE_HU)

    def _paint(self, canvas: Canvas, grain_hu: float) -> None:
        for solids, hu in self._parts():
            canvas.paint(solids, hu, grain_hu=grain_hu if hu else 0.0)

    def _parts(self) -> Iterator[tuple[Sequence[Shape], float]]:
        """Solids with the brightness that is added, back to front; muscle takes up none."""
        heart = self.vessels.heart
        plain = heart.anatomy.blood_hu
        left, right = self.bolus.left_hu - plain, self.bolus.right_hu - plain
        cava, arm, _inferior, _azygos, *pulmonary_veins = self.vessels.veins
        yield (heart.right_atrium, heart.right_ventricle, heart.outflow), right
        yield (heart.left_atrium, heart.appendage), left
        yield (heart.left_ventricle,), 0.0
        yield (heart.left_cavity,), left
        for vessel in (cava, arm, *self.vessels.pulmonary):
            yield tube(vessel.path, vessel.radii), right
        for vessel in (*pulmonary_veins, *self.vessels.branches):
            yield tube(vessel.path, vessel.radii), left
        for vessel in self.vessels.aorta:
            yield tube(vessel.path, np.asarray(vessel.radii)), 0.0
            yield tube(vessel.path, np.asarray(vessel.radii) - AORTIC_WALL_MM), left
        yield (heart.root,), left
        for artery, path in self.courses.items():
            pieces = tube(path[::2], RADIUS_MM[artery])
            shares = np.linspace(1, self.bolus.distal_share, len(pieces))
            for piece, share in zip(pieces, shares, strict=True):
                yield (piece,), self.bolus.left_hu * share - plain

    def _lead(self) -> Float64:
        """From the superior vena cava through the right atrium to the tip of the ventricle."""
        heart, cava = self.vessels.heart, self.vessels.veins[0].path
        inside = [heart.right_atrium.centre, heart.at([-30, -8, 8]), heart.at([-22, -8, 55])]
        return smooth_path(np.vstack([cava[-1], cava[len(cava) // 2], *inside]), 2.0)

    def _streaks(self, grid: Grid, rng: np.random.Generator) -> Float32:
        """Bright and dark rays in the plane, from the axis of the superior vena cava."""
        cava = self.vessels.veins[0].path
        order = np.argsort(cava[:, 2])
        z = grid.axis_mm(0)
        near = np.interp(z, *cava[order].T[[2, 0]]), np.interp(z, *cava[order].T[[2, 1]])
        height = self.bolus.streak_hu * (z > cava[:, 2].min())
        angles, signs = rng.uniform(-180, 180, N_STREAKS), rng.choice([-1.0, 1.0], N_STREAKS)
        found = np.zeros(grid.shape, np.float32)
        for k in np.flatnonzero(height):
            dx, dy = grid.axis_mm(2)[None] - near[0][k], grid.axis_mm(1)[:, None] - near[1][k]
            turn = np.rad2deg(np.arctan2(dy, dx)).astype(np.float32)
            rays = np.zeros(turn.shape, np.float32)
            for angle, sign in zip(angles, signs, strict=True):
                rays += sign * np.exp(-(((turn - np.float32(angle)) / STREAK_DEG) ** 2))
            found[k] = height[k] * rays * np.exp(-np.hypot(dx, dy) / STREAK_REACH_MM)
        return found

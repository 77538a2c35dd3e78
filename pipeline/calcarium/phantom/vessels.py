"""Great vessels, oesophagus and the fat of the mediastinum."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from calcarium.phantom.anatomy import Anatomy
from calcarium.phantom.body import FAT_HU
from calcarium.phantom.canvas import Canvas
from calcarium.phantom.heart import Heart
from calcarium.phantom.model import Float64
from calcarium.phantom.shapes import Loft, Within, smooth_path, tube

LOWEST_Z_MM = -260.0


@dataclass(frozen=True)
class Vessel:
    """A path with radii spread evenly along it."""

    path: Float64
    radii: tuple[float, ...]

    def radius_at(self, share: Float64 | float) -> Float64:
        """Radius at a share 0..1 of the path."""
        given = np.asarray(self.radii)
        return np.asarray(np.interp(share, np.linspace(0, 1, len(given)), given))


@dataclass(frozen=True)
class GreatVessels:
    """Vessels that join the heart, placed on it and on the spine."""

    heart: Heart

    @property
    def _anatomy(self) -> Anatomy:
        return self.heart.anatomy

    def _near_heart(self, *points: tuple[float, float, float]) -> Float64:
        return np.asarray(self.heart.origin + np.array(points) * self.heart.anatomy.heart_scale)

    @cached_property
    def top_mm(self) -> float:
        """Height of the aortic arch above the atrioventricular plane."""
        return 96.0 + self._anatomy.arch_height_mm

    def _beside_spine(self, z: float) -> list[float]:
        """Centre of the descending aorta: left of and half in front of the vertebra."""
        x, y = self._anatomy.spine_front(z)
        toward_middle = 10 * np.clip((-z - 20) / 120, 0, 1)
        return [float(x) + 24 - toward_middle, float(y) - 1 - 0.6 * toward_middle, z]

    @cached_property
    def ascending(self) -> Vessel:
        """From the root to the arch."""
        root = self.heart.root.centre
        path = self._near_heart(
            (-24, -20, 52), (-21, -14, self.top_mm - 16), (-9, -2, self.top_mm - 4)
        )
        r = 16.5 * self._anatomy.aorta_scale
        return Vessel(smooth_path(np.vstack([root, path])), (r * 1.02, r, r, r * 0.92))

    @cached_property
    def arch(self) -> Vessel:
        """Over the left main bronchus, back to the spine."""
        start = self.ascending.path[-1]
        middle = self._near_heart((10, 22, self.top_mm))
        end_z = float(self.heart.origin[2]) + self.top_mm - 34
        end = np.array(self._beside_spine(end_z)) + np.array([2, -2, 0])
        high = (middle[0] + end) / 2 + np.array([3, 4, 12])
        r = 14.5 * self._anatomy.aorta_scale
        return Vessel(smooth_path(np.vstack([start, middle, high, end])), (r * 1.04, r, r * 0.92))

    @cached_property
    def descending(self) -> Vessel:
        """Along the spine, towards the middle further down."""
        top = float(self.arch.path[-1][2])
        heights = np.linspace(top, LOWEST_Z_MM, 8)
        path = np.array([self._beside_spine(float(z)) for z in heights])
        path[0] = self.arch.path[-1]
        r = 12.3 * self._anatomy.aorta_scale
        return Vessel(smooth_path(path), (r * 1.05, r, r * 0.92))

    @cached_property
    def aorta(self) -> tuple[Vessel, Vessel, Vessel]:
        """All of the thoracic aorta."""
        return self.ascending, self.arch, self.descending

    @cached_property
    def pulmonary(self) -> tuple[Vessel, ...]:
        """Trunk, left and right pulmonary artery."""
        valve = self.heart.at([-10, 33, -4])
        fork = self._near_heart((19, 2, 54))
        trunk = np.vstack([valve, self._near_heart((10, -22, 38)), fork])
        left = np.vstack([fork, self._near_heart((38, 22, 58), (58, 34, 46), (62, 44, 24))])
        right = np.vstack([fork, self._near_heart((2, 11, 50), (-28, 12, 47), (-56, 22, 36))])
        return (
            Vessel(smooth_path(trunk), (14.5, 14.0)),
            Vessel(smooth_path(left), (11.5, 9.5, 6.5)),
            Vessel(smooth_path(right), (12.0, 10.5, 8.0)),
        )

    @cached_property
    def veins(self) -> tuple[Vessel, ...]:
        """Venae cavae, brachiocephalic, azygos and pulmonary veins."""
        atrium = self.heart.right_atrium.centre
        high = self._near_heart((-44, -8, 64), (-42, -10, 104))
        left_arm = self._near_heart((-42, -12, 104), (-8, -30, 116), (40, -16, 138))
        # behind the groove, in which the right coronary artery passes
        low = atrium + np.array([[-6.0, 24, -20], [2, 30, -70], [12, 28, -150]])
        inferior = smooth_path(np.vstack([self.heart.at([-42, -6, -36]), low]))
        x, y = self._anatomy.spine_front(np.array([90.0, -200.0]))
        azygos = np.stack([x - 6, y - 4, [90.0, -200.0]], axis=1)
        cava = Vessel(
            smooth_path(np.vstack([atrium + np.array([0, 2, 14]), high])), (11.0, 9.5, 9.5)
        )
        pulmonary = [
            Vessel(smooth_path(np.vstack([self.heart.at(start), self.heart.at(end)])), (7.0, 5.5))
            for start, end in (
                ([36, 18, -34], [58, 34, -42]),
                ([34, -6, -40], [52, -18, -62]),
                ([-14, 16, -40], [-44, 34, -52]),
                ([-8, -6, -44], [-34, -20, -70]),
            )
        ]
        return (
            cava,
            Vessel(smooth_path(left_arm), (6.5, 6.0)),
            Vessel(inferior, (13.0, 12.0)),
            Vessel(azygos, (4.0, 4.0)),
            *pulmonary,
        )

    @cached_property
    def branches(self) -> tuple[Vessel, ...]:
        """Brachiocephalic, left carotid and left subclavian artery."""
        tops = []
        for share, end, radius in (
            (0.12, (-26, -6, 150), 6.5),
            (0.38, (10, 8, 152), 4.2),
            (0.62, (36, 26, 152), 5.2),
        ):
            start = self.arch.path[round(share * (len(self.arch.path) - 1))]
            path = np.vstack([start, self._near_heart(end)])
            tops.append(Vessel(smooth_path(path), (radius, radius)))
        return tuple(tops)


def paint_mediastinal_fat(canvas: Canvas, vessels: GreatVessels) -> None:
    """Fat round the vessels, the wedge behind the sternum, the seam at the spine."""
    anatomy = vessels.heart.anatomy
    amount = 4.0 + 0.5 * anatomy.epicardial_fat_mm
    for vessel in (*vessels.aorta, *vessels.pulmonary, *vessels.veins[:3], *vessels.branches):
        radii = np.asarray(vessel.radii) + amount
        canvas.paint(tube(vessel.path, radii), FAT_HU + 12, grain_hu=18.0)
    cage = anatomy.rib_cage().grown(-1.0)
    z = cage.z
    _, y, _, half_y = cage.section(z)
    front = y - half_y
    spine_y = anatomy.spine_front(z)[1]
    x0 = vessels.heart.origin[0] * np.clip(1 - np.abs(z) / 120, 0, 1)
    wedge = Loft(z, x0 * 0.6, front + 14, np.full(len(z), 6 + amount), np.full(len(z), 24.0), 0.0)
    middle_y = spine_y - 22
    core = Loft(z, x0 * 0.3, middle_y, np.full(len(z), 17 + amount), np.full(len(z), 26.0), 0.2)
    for part in (wedge, core):
        canvas.paint(Within(part, cage), FAT_HU + 14, grain_hu=22.0)


def paint_great_vessels(canvas: Canvas, vessels: GreatVessels) -> None:
    """Blood in thin walls."""
    blood = vessels.heart.anatomy.blood_hu
    for vessel in (*vessels.veins, *vessels.pulmonary, *vessels.branches):
        canvas.paint(tube(vessel.path, vessel.radii), blood - 1)
    for vessel in vessels.aorta:
        canvas.paint(tube(vessel.path, np.asarray(vessel.radii)), blood + 8)
        canvas.paint(tube(vessel.path, np.asarray(vessel.radii) - 1.4), blood)
    _paint_oesophagus(canvas, vessels)


def _paint_oesophagus(canvas: Canvas, vessels: GreatVessels) -> None:
    heights = np.linspace(150.0, -70.0, 8)
    x, y = vessels.heart.anatomy.spine_front(heights)
    path = smooth_path(np.stack([x + 6, y - 9, heights], axis=1))
    canvas.paint(tube(path, 6.5), 34.0, grain_hu=8.0)
    canvas.paint(tube(path[::-1][: len(path) // 3], 1.6), -300.0)

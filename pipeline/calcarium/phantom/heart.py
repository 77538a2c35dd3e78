"""The heart in its own coordinates: chambers, pericardium and the fat between them.

``u`` runs from the septum to the lateral wall of the left ventricle, ``v`` from the
inferior to the anterior wall, ``w`` along the long axis from the atrioventricular
plane (0) to the apex. Measures are millimetres of an average man's heart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from calcarium.phantom.anatomy import Anatomy
from calcarium.phantom.body import FAT_HU
from calcarium.phantom.canvas import Canvas, Layer
from calcarium.phantom.model import Float64
from calcarium.phantom.shapes import Bounds, Ellipsoid, Union, smooth_path, tube

MYOCARDIUM_ABOVE_BLOOD_HU = 7.0
PERICARDIUM_MM, PERICARDIUM_HU = 1.5, 15.0
# within what distance of a groove its walls merge: in the septa, and between atria and ventricles
VENTRICLES_MERGE_MM, ATRIA_MERGE_MM, GROOVE_MERGES_MM = 14.0, 16.0, 5.0
# engineering choices, see Heart.pericardium: millimetres, and a share of ``epicardial_fat_mm`` on
# top, of fat on a free wall; and by how much more the sac merges over a groove than its walls do
ON_RIGHT_VENTRICLE, ON_LEFT_VENTRICLE, ON_ATRIA = (0.3, 0.55), (0.3, 0.2), (0.2, 0.05)
OVER_VENTRICLES, OVER_GROOVE = (6.0, 3.4), (15.0, 2.7)
ROOM_MM = 5.5  # round the fat, in the box that scan and diaphragm are placed by


@dataclass(frozen=True)
class Heart:
    """Position and size of one heart."""

    anatomy: Anatomy

    @cached_property
    def origin(self) -> Float64:
        """Centre of the atrioventricular plane."""
        return np.array([*self.anatomy.heart_shift_mm])

    @cached_property
    def axes(self) -> Float64:
        """Unit vectors u, v, w as rows, in patient coordinates."""
        turn = np.deg2rad(self.anatomy.heart_azimuth_deg)
        dip = np.deg2rad(self.anatomy.heart_elevation_deg)
        w = np.array([np.sin(turn) * np.cos(dip), -np.cos(turn) * np.cos(dip), -np.sin(dip)])
        u = np.array([np.cos(turn), np.sin(turn), 0.0])
        return np.stack([u, np.cross(w, u), w])

    def at(self, uvw: Sequence[float] | Sequence[Sequence[float]] | Float64) -> Float64:
        """Patient coordinates of heart coordinates; shape (..., 3)."""
        local = np.asarray(uvw, dtype=np.float64) * self.anatomy.heart_scale
        return np.asarray(self.origin + local @ self.axes)

    def _chamber(self, uvw: list[float], radii: list[float]) -> Ellipsoid:
        return Ellipsoid(self.at(uvw), np.array(radii) * self.anatomy.heart_scale, self.axes)

    @cached_property
    def left_ventricle(self) -> Ellipsoid:
        """Outer surface of its myocardium."""
        return self._chamber([12, 0, 26], [36, 36, 60])

    @cached_property
    def left_cavity(self) -> Ellipsoid:
        """Blood of the left ventricle."""
        return self._chamber([12, 0, 23], [25, 25, 49])

    @cached_property
    def right_ventricle(self) -> Ellipsoid:
        """Outer surface; its wall is too thin to show."""
        return self._chamber([-24, 3, 22], [31, 35, 50])

    @cached_property
    def outflow(self) -> Ellipsoid:
        """Outflow tract of the right ventricle, up to the pulmonary valve."""
        return self._chamber([-14, 27, 4], [17, 21, 21])

    @cached_property
    def left_atrium(self) -> Ellipsoid:
        """In front of the oesophagus."""
        return self._chamber([13, 7, -29], [34, 27, 23])

    @cached_property
    def appendage(self) -> Ellipsoid:
        """Left atrial appendage, beside the pulmonary trunk."""
        return self._chamber([37, 27, -13], [12, 13, 14])

    @cached_property
    def right_atrium(self) -> Ellipsoid:
        """At the right border."""
        return self._chamber([-42, -4, -25], [25, 32, 29])

    @cached_property
    def root(self) -> Ellipsoid:
        """Aortic root with its sinuses."""
        r = 17.5 * self.anatomy.aorta_scale
        return self._chamber([-10, 14, -12], [r, r, r])

    @property
    def _ventricles(self) -> tuple[Ellipsoid, ...]:
        return self.left_ventricle, self.right_ventricle, self.outflow

    @property
    def _base(self) -> tuple[Ellipsoid, ...]:
        return self.left_atrium, self.right_atrium, self.appendage, self.root

    @cached_property
    def muscle(self) -> Union:
        """Outer surface of all chambers: what the coronary arteries lie on.

        The ventricles merge in their septum, so the groove between them is shallow, as that
        between the atria is; the one between atria and ventricles is deep.
        """
        ventricles = Union(self._ventricles, VENTRICLES_MERGE_MM)
        atria = Union((self.left_atrium, self.right_atrium), ATRIA_MERGE_MM)
        return Union((ventricles, atria, self.appendage, self.root), GROOVE_MERGES_MM)

    @cached_property
    def pericardium(self) -> Union:
        """Inner face of the sac: it bridges the grooves, which are full of fat.

        On unenhanced CT fat in the sac has 104 +- 51 ml (30 patients, PMC5537129), 126 +- 56 ml
        (192 patients, Tran 2014), in the healthy a median of 33 ml per m2 of body surface
        (quartiles 25 and 46, range 11 to 97; 226 people, Shmilovich 2011). It is 4 to 7 mm thick
        on the free wall of the right ventricle (means of two groups, Eroglu 2009), 9 mm in the
        anterior and 7 mm in the posterior interventricular groove (means of 80 hearts, J
        Cardiovasc Transl Res, "Ventricular Epicardial Adipose Distribution on Human Hearts") and
        10 to 18 mm round the coronary arteries (means of three groups, Farag 2023). How much
        thinner it is on the other walls, and how far the sac spans a groove, are engineering
        choices: with the thickness of all these means the volume would be too large.
        """
        fat = self.anatomy.epicardial_fat_mm

        def covered(parts: Sequence[Ellipsoid], on_wall: tuple[float, float]) -> list[Ellipsoid]:
            return [part.grown(on_wall[0] + on_wall[1] * fat) for part in parts]

        right = covered((self.right_ventricle, self.outflow), ON_RIGHT_VENTRICLE)
        left = covered((self.left_ventricle,), ON_LEFT_VENTRICLE)
        over_ventricles, over_groove = (
            mm + share * fat for mm, share in (OVER_VENTRICLES, OVER_GROOVE)
        )
        ventricles = Union((*left, *right), VENTRICLES_MERGE_MM + over_ventricles)
        atria = Union(tuple(covered(self._base, ON_ATRIA)), ATRIA_MERGE_MM)
        return Union((ventricles, atria), GROOVE_MERGES_MM + over_groove)

    @cached_property
    def box(self) -> Bounds:
        """Lowest and highest corner of a box round the sac, with some room."""
        low, high = Union((*self._ventricles, *self._base), blend_mm=4.0).bounds()
        room = ROOM_MM + self.anatomy.epicardial_fat_mm
        return low - room, high + room


def paint_heart(canvas: Canvas, heart: Heart) -> None:
    """Pericardium, epicardial fat, chambers; vessels are painted later.

    On CT the pericardium is 1.8 +- 0.5 mm thick (50 patients, Choi 1998), blur included.
    """
    blood = heart.anatomy.blood_hu
    sac = heart.pericardium
    _paint_surrounding_fat(canvas, heart)
    layers = [Layer(0.0, PERICARDIUM_HU, 15.0), Layer(PERICARDIUM_MM, FAT_HU + 14, 14.0)]
    canvas.paint_layers(Union(sac.parts, sac.blend_mm, PERICARDIUM_MM), layers)
    canvas.paint(heart.muscle, blood + MYOCARDIUM_ABOVE_BLOOD_HU, grain_hu=2.0)
    for chamber in (heart.right_atrium, heart.left_atrium, heart.appendage):
        canvas.paint(chamber, blood, grain_hu=2.0)
    for chamber in (heart.right_ventricle, heart.outflow):
        canvas.paint(chamber, blood + 2, grain_hu=3.0)
    canvas.paint(heart.left_ventricle, blood + MYOCARDIUM_ABOVE_BLOOD_HU, grain_hu=2.0)
    canvas.paint(heart.left_cavity, blood, grain_hu=2.0)
    canvas.paint(heart.root, blood)
    septum = smooth_path(heart.at([[-6, -22, -6], [-14, 0, -10], [-12, 20, -4]]), 3.0)
    canvas.paint(tube(septum, 3.0), FAT_HU + 70, grain_hu=15.0)


def _paint_surrounding_fat(canvas: Canvas, heart: Heart) -> None:
    """Fat in the angles between heart, diaphragm and sternum."""
    amount = 0.75 + 0.05 * heart.anatomy.epicardial_fat_mm
    low = heart.origin + np.array([0.0, 0.0, -46.0]) * heart.anatomy.heart_scale
    pads = (
        ([48.0, -46.0, 2.0], [30.0, 20.0, 20.0]),
        ([-48.0, -40.0, 6.0], [24.0, 22.0, 22.0]),
        ([0.0, -66.0, 26.0], [36.0, 16.0, 52.0]),
    )
    for centre, radii in pads:
        canvas.paint(
            Ellipsoid(low + np.array(centre) * heart.anatomy.heart_scale, np.array(radii) * amount),
            FAT_HU,
            grain_hu=10.0,
        )

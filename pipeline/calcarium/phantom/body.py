"""Trunk: skin, fat, muscle, breasts, the lungs' space, and the table below it."""

from __future__ import annotations

import numpy as np

from calcarium.phantom.anatomy import Anatomy
from calcarium.phantom.canvas import AIR_HU, Canvas, Layer
from calcarium.phantom.shapes import Ellipsoid, Loft, Within

FAT_HU = -102.0
MUSCLE_HU = 52.0
SKIN_HU = 15.0
TABLE_LABEL = 22


def paint_trunk(canvas: Canvas, anatomy: Anatomy) -> None:
    """Everything outside the rib cage, and the lungs' air inside it."""
    cage = anatomy.rib_cage()
    muscle = _muscle_wall(anatomy)
    skin = skin_of(anatomy)
    canvas.paint_layers(skin, [Layer(0.0, SKIN_HU), Layer(2.0, FAT_HU, 9.0)])
    if anatomy.sex == "F":
        _paint_breasts(canvas, anatomy, skin)
    # muscle, a seam of fat, the wall with its ribs, the fat below the pleura, lung
    canvas.paint_layers(muscle, [Layer(0.0, MUSCLE_HU - 14, 30.0), Layer(3.5, MUSCLE_HU, 13.0)])
    canvas.paint_layers(
        cage.grown(15.0),
        [Layer(0.0, -62.0, 45.0), Layer(3.5, 28.0, 30.0), Layer(12.0, -25.0, 45.0)],
    )
    canvas.paint(cage, anatomy.lung_hu, grain_hu=16.0)
    _paint_back(canvas, anatomy)


def _muscle_wall(anatomy: Anatomy) -> Loft:
    """Rib cage plus muscle: thicker at the shoulders, where the cage is narrow."""
    cage = anatomy.rib_cage()
    shoulders = 60 / (1 + np.exp(-(cage.z - 95 * anatomy.height_scale) / 16))
    thick = 9 + anatomy.muscle_mm
    return Loft(
        np.r_[cage.z[0] - 60, cage.z[1:-1], cage.z[-1] + 60],
        cage.x,
        cage.y + 4,
        cage.half_x + thick + shoulders * 1.1,
        cage.half_y + thick + 4 + shoulders * 0.35,
        0.45,
    )


def skin_of(anatomy: Anatomy) -> Loft:
    """Outer surface of the trunk, without breasts."""
    muscle, fat = _muscle_wall(anatomy), anatomy.subcutaneous_mm
    return Loft(
        muscle.z,
        muscle.x,
        muscle.y,
        muscle.half_x + fat + 2,
        muscle.half_y + 0.75 * fat + 2,
        0.45,
    )


def _paint_breasts(canvas: Canvas, anatomy: Anatomy, skin: Loft) -> None:
    size = 0.8 + 0.7 * anatomy.bmi_like
    for side in (-1, 1):
        front = float(skin.y[3] - skin.half_y[3])
        centre = np.array([side * 78.0 * anatomy.width_scale, front + 12, 0.0])
        radii = np.array([66.0, 27, 60]) * size
        canvas.paint_layers(
            Ellipsoid(centre, radii), [Layer(0.0, SKIN_HU), Layer(2.0, FAT_HU, 14.0)]
        )
        canvas.paint(Ellipsoid(centre - [0, 4, 0], radii * 0.5), FAT_HU + 45, grain_hu=45.0)


def _paint_back(canvas: Canvas, anatomy: Anatomy) -> None:
    """What lies between the lungs behind the vertebrae: muscles and their fat seams."""
    heights = np.linspace(-220.0, 220.0, 12)
    x, y = anatomy.spine_front(heights)
    deep = anatomy.depth_scale
    n = np.ones(12)
    hollow = Loft(heights, x, y + 52 * deep, 33 * n, 30 * n * deep, 0.15)
    canvas.paint_layers(hollow, [Layer(0.0, 10.0, 25.0), Layer(2.0, -60.0, 40.0)])
    for side in (-1, 1):
        muscle = Loft(heights, x + side * 24, y + 66 * deep, 22 * n, 17 * n * deep, 0.25)
        canvas.paint_layers(
            muscle.grown(2.5), [Layer(0.0, -70.0, 25.0), Layer(2.5, MUSCLE_HU - 4, 20.0)]
        )


def paint_table(canvas: Canvas, anatomy: Anatomy) -> None:
    """A curved board of carbon fibre with a dense rim below the back."""
    skin = skin_of(anatomy)
    back = float((skin.y + skin.half_y).max())
    z = np.array([-400.0, 400.0])

    def shell(depth: float) -> Ellipsoid:
        return Ellipsoid(np.array([0.0, back - 130 + depth, 0.0]), np.array([330.0, 150.0, 1e4]))

    floor = Loft(z, np.zeros(2), np.full(2, back + 40.0), np.full(2, 205.0), np.full(2, 34.0), 0.8)
    canvas.paint(Within(shell(6), floor), 420.0, label=TABLE_LABEL)
    canvas.paint(Within(shell(3.0), floor), -930.0)
    canvas.paint(Within(shell(-14), floor), 120.0, label=TABLE_LABEL)
    canvas.paint(Within(shell(-16), floor), AIR_HU)

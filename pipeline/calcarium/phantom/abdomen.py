"""What bulges into the chest from below: liver, stomach and spleen under the diaphragm."""

from __future__ import annotations

import numpy as np

from calcarium.phantom.body import FAT_HU
from calcarium.phantom.canvas import AIR_HU, Canvas
from calcarium.phantom.heart import Heart
from calcarium.phantom.shapes import Ellipsoid, Within

LIVER_HU = 58.0
SPLEEN_HU = 50.0


def paint_abdomen(canvas: Canvas, heart: Heart) -> None:
    """Organs with domed tops; the heart rests on the middle of the diaphragm.

    The domes follow the lowest point of the heart, as both do with breathing.
    """
    anatomy = heart.anatomy
    cage = anatomy.rib_cage().grown(-2.0)
    wide, deep = anatomy.width_scale, anatomy.depth_scale
    rest = float(heart.box[0][2])
    middle = rest + 13
    dome = rest + 20 + 0.7 * anatomy.diaphragm_mm

    def organ(centre: list[float], radii: list[float], hu: float, grain: float) -> None:
        solid = Ellipsoid(np.array(centre), np.array(radii))
        canvas.paint(Within(solid, cage), hu, grain_hu=grain)

    organ([5 * wide, 0, middle - 60], [92 * wide, 88 * deep, 60], FAT_HU + 10, 25.0)
    organ([72 * wide, 18 * deep, dome - 85], [66 * wide, 92 * deep, 79], FAT_HU, 12.0)
    organ([-64 * wide, 12 * deep, dome - 74], [76 * wide, 98 * deep, 82], LIVER_HU, 5.0)
    organ([-2 * wide, -26 * deep, middle - 63], [82 * wide, 56 * deep, 60], LIVER_HU, 5.0)
    organ([92 * wide, 55 * deep, dome - 88], [30 * wide, 42 * deep, 62], SPLEEN_HU, 5.0)
    organ([60 * wide, 5 * deep, dome - 84], [40 * wide, 55 * deep, 66], 35.0, 8.0)
    organ([60 * wide, 0, dome - 82], [36 * wide, 50 * deep, 62], 15.0, 20.0)
    organ([60 * wide, -22 * deep, dome - 66], [30 * wide, 26 * deep, 40], AIR_HU + 60, 0.0)

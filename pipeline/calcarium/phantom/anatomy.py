"""One invented person's measures, drawn from a seed.

Coordinates are patient LPS millimetres (x left, y posterior, z cranial) with the
centre of the atrioventricular plane of an average heart near the origin, so that
the drawings in the other files can be read like an atlas.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from calcarium.phantom.model import Float64
from calcarium.phantom.shapes import Loft

VERTEBRA_PITCH_MM = 25.0
FIRST_THORACIC_Z_MM = 150.0


@dataclass(frozen=True)
class Anatomy:
    """Measures of one person; ``scale`` factors are relative to an average man.

    Attributes
    ----------
    heart_scale, width_scale, depth_scale, height_scale : size of heart and rib cage
    subcutaneous_mm, epicardial_fat_mm, muscle_mm : thickness of fat and muscle
    lung_hu : mean density of the lungs
    diaphragm_mm : how much deeper (negative) or higher the diaphragm stands
    heart_azimuth_deg, heart_elevation_deg : long axis to the left of front, below level
    heart_shift_mm : the heart against its average place
    aorta_scale, arch_height_mm : calibre and unfolding of the aorta
    marrow_hu : trabecular bone
    """

    sex: Literal["F", "M"]
    age_years: int
    heart_scale: float
    width_scale: float
    depth_scale: float
    height_scale: float
    subcutaneous_mm: float
    muscle_mm: float
    epicardial_fat_mm: float
    lung_hu: float
    diaphragm_mm: float
    heart_azimuth_deg: float
    heart_elevation_deg: float
    heart_shift_mm: tuple[float, float, float]
    aorta_scale: float
    arch_height_mm: float
    spine_shift_mm: float
    marrow_hu: float
    blood_hu: float

    @property
    def bmi_like(self) -> float:
        """Fatness from 0 (lean) to 1 (obese)."""
        return float(np.clip((self.subcutaneous_mm - 8) / 40, 0, 1))

    def spine_front(self, z: Float64 | float) -> tuple[Float64, Float64]:
        """Front of the vertebrae (x, y) at height ``z``: the thoracic curve."""
        t = (np.asarray(z, dtype=np.float64) + 10) / 160
        x = self.spine_shift_mm * np.cos(1.5 * t)
        return np.asarray(x), np.asarray(self.depth_scale * (70 - 30 * t * t))

    def rib_cage(self) -> Loft:
        """Inner surface of the chest wall."""
        z = self.height_scale * np.array([-165.0, -140, -60, 0, 60, 100, 130, 150, 168])
        front = np.array([-72.0, -80, -86, -79, -66, -52, -36, -22, -4]) * self.depth_scale
        back = np.array([103.0, 109, 119, 118, 111, 99, 85, 71, 51]) * self.depth_scale
        half_x = np.array([118.0, 126, 137, 133, 118, 98, 77, 58, 30]) * self.width_scale
        return Loft(z, np.zeros(9), (front + back) / 2, half_x, (back - front) / 2)


def draw_anatomy(rng: np.random.Generator) -> Anatomy:
    """A person; spreads are wide enough to include the uncommon."""
    sex: Literal["F", "M"] = "F" if rng.random() < 0.48 else "M"
    woman = sex == "F"
    age = int(rng.integers(40, 86))
    heart = float(np.clip(rng.normal(0.90 if woman else 1.0, 0.05), 0.78, 1.15))
    fatness = float(np.clip(rng.beta(2.2, 3.2), 0.02, 1.0))
    return Anatomy(
        sex=sex,
        age_years=age,
        heart_scale=heart,
        width_scale=float(rng.normal(0.94 if woman else 1.03, 0.05)),
        depth_scale=heart * float(np.clip(rng.normal(0.99, 0.04), 0.93, 1.1)),
        height_scale=float(rng.normal(0.94 if woman else 1.02, 0.04)),
        subcutaneous_mm=(10 if woman else 6) + 34 * fatness,
        muscle_mm=(11 if woman else 15) + 6 * float(rng.random()),
        epicardial_fat_mm=1.3 + 5.2 * float(np.clip(fatness + rng.normal(0, 0.2), 0, 1)),
        lung_hu=float(rng.normal(-855, 22)),
        diaphragm_mm=float(rng.normal(0, 9)),
        heart_azimuth_deg=float(np.clip(rng.normal(46, 7), 30, 62)),
        heart_elevation_deg=float(np.clip(rng.normal(29, 7), 12, 45)),
        heart_shift_mm=(
            float(rng.normal(12, 4)),
            float(rng.normal(-5, 2.5)),
            float(rng.normal(0, 6)),
        ),
        aorta_scale=float(
            np.clip(rng.normal(0.92 if woman else 1.0, 0.08) + (age - 60) * 0.003, 0.8, 1.3)
        ),
        arch_height_mm=float(rng.normal(0, 6)),
        spine_shift_mm=float(rng.normal(0, 3)),
        marrow_hu=float(np.clip(rng.normal(250 - 1.7 * age, 30), 70, 240)),
        blood_hu=float(rng.normal(42, 4)),
    )

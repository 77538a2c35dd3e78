"""The QRM cardiac calcification insert in its body ring, as an ideal scanner sees it.

Nine cylinders of hydroxyapatite on three arms, 120 degrees apart: length = diameter
of 5, 3 and 1 mm at 200, 400 and 800 mg/cm3 (QRM-CCI manual). Arms and distances were
measured on a public scan of the phantom. ``configs/shapes/qrm-cci.toml`` holds the
same layout as regions.
"""

from __future__ import annotations

import numpy as np

from calcarium.phantom.deposits import Deposit, add_deposit
from calcarium.phantom.model import Float32, Grid, PhantomScan, Plaque, Point
from calcarium.phantom.noise import add_noise
from calcarium.phantom.shapes import Drum

ARM_DEG: dict[str, float] = {"HD": 177.3, "MD": 297.3, "LD": 57.3}
DENSITY_MG_CM3: dict[str, float] = {"HD": 800.0, "MD": 400.0, "LD": 200.0}
DISTANCE_MM: dict[str, float] = {"Large": 37.0, "Medium": 24.9, "Small": 12.7}
DIAMETER_MM: dict[str, float] = {"Large": 5.0, "Medium": 3.0, "Small": 1.0}
INSERT_LABEL: dict[str, int] = {
    f"{size}_{density}": 1 + 3 * i + j
    for i, density in enumerate(DENSITY_MG_CM3)
    for j, size in enumerate(DIAMETER_MM)
}
TISSUE_HU = 40.0
LUNG_HU = -800.0
INSERT_RADIUS_MM = 50.0
BODY_HALF_MM = (150.0, 100.0)
PSF_SIGMA_MM = 0.65
NOISE_CUTOFF_PER_MM = 0.45


def insert_centre(name: str) -> Point:
    """Centre of an insert such as ``Large_HD``, relative to the middle of the phantom."""
    size, density = name.split("_")
    angle = np.deg2rad(ARM_DEG[density])
    return (
        float(DISTANCE_MM[size] * np.cos(angle)),
        float(DISTANCE_MM[size] * np.sin(angle)),
        0.0,
    )


def qrm_scan(
    seed: int, *, matrix: int = 512, noise_sigma_hu: float = 20.0, slices: int = 25
) -> PhantomScan:
    """A scan of the phantom, 250 mm field, 3 mm slices.

    The seed decides the noise and where the inserts lie between slice centres.

    Parameters
    ----------
    noise_sigma_hu : 0 for none; about 20 HU in published scans
    """
    rng = np.random.default_rng(seed)
    pixel = 250.0 / matrix
    corner = pixel * (matrix - 1) / 2
    middle: Point = (-3.2, 0.3, float(600 + rng.uniform(-1.5, 1.5)))
    origin = (middle[0] - corner, middle[1] - corner, 600.0 - 3.0 * (slices // 2))
    grid = Grid((slices, matrix, matrix), origin, 3.0, pixel, pixel, 3.0)
    hu = np.repeat(_cross_section(grid, middle)[None], slices, axis=0)
    labels = np.zeros(grid.shape, dtype=np.uint8)
    plaques = []
    for name, label in INSERT_LABEL.items():
        deposit = _insert(name, label, middle)
        built = add_deposit(hu, labels, grid, deposit, PSF_SIGMA_MM)
        plaques.append(
            Plaque(
                name,
                built.centre_mm,
                built.volume_mm3,
                built.mass_mg,
                deposit.density_mg_cm3,
                built.peak_hu,
            )
        )
    if noise_sigma_hu:
        add_noise(hu, grid, noise_sigma_hu, NOISE_CUTOFF_PER_MM, rng)
    return PhantomScan(
        grid=grid, hu=hu, calcium=labels, plaques=tuple(plaques), vessel_labels=INSERT_LABEL
    )


def _insert(name: str, label: int, middle: Point) -> Deposit:
    size, density = name.split("_")
    radius = DIAMETER_MM[size] / 2
    centre = np.add(insert_centre(name), middle)
    solid = Drum(centre, (radius, radius), radius)
    return Deposit("insert", label, solid, DENSITY_MG_CM3[density], vessel=name)


def _cross_section(grid: Grid, middle: Point) -> Float32:
    """Body, lungs and the round insert; the same in every slice."""
    x = grid.axis_mm(2)[None, :] - middle[0]
    y = grid.axis_mm(1)[:, None] - middle[1] - 5

    def ellipse(cx: float, cy: float, half_x: float, half_y: float) -> Float32:
        f = np.hypot((x - cx) / half_x, (y - cy) / half_y)
        cover = np.clip(0.5 - (f - 1) * min(half_x, half_y) / grid.column_spacing_mm, 0, 1)
        return np.asarray(cover, dtype=np.float32)

    hu = np.full((grid.shape[1], grid.shape[2]), -1000.0, dtype=np.float32)
    layers = (
        (ellipse(0, 0, *BODY_HALF_MM), TISSUE_HU),
        (ellipse(-68, 0, 62, 74), LUNG_HU),
        (ellipse(68, 0, 62, 74), LUNG_HU),
        (ellipse(0, 78, 22, 20), 300.0),
        (ellipse(0, 78, 18, 16), 150.0),
        (ellipse(0, -5, INSERT_RADIUS_MM, INSERT_RADIUS_MM), TISSUE_HU),
    )
    for cover, value in layers:
        hu += cover * (np.float32(value) - hu)
    return hu

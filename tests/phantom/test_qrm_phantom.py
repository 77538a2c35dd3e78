"""The QRM insert: masses of its manual, and regions that hold exactly one insert each."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from calcarium.phantom.deposits import MASS_FACTOR
from calcarium.phantom.model import Grid
from calcarium.phantom.qrm import INSERT_LABEL, insert_centre, qrm_scan
from calcarium.regions.shapes import Cylinder, load_shapes

# QRM-CCI manual: mass in mg of the 5, 3 and 1 mm inserts
MANUAL_MASS_MG = {
    "Large_HD": 78.5,
    "Medium_HD": 17.0,
    "Small_HD": 0.6,
    "Large_MD": 39.3,
    "Medium_MD": 8.5,
    "Small_MD": 0.3,
    "Large_LD": 19.6,
    "Medium_LD": 4.2,
    "Small_LD": 0.2,
}
INVISIBLE = {"Small_MD", "Small_LD"}


def regions(grid: Grid) -> NDArray[np.uint8]:
    """The shipped shapes on a grid, by a plain reading of the file."""
    labels = np.zeros(grid.shape, dtype=np.uint8)
    shapes = load_shapes("qrm-cci")
    for shape in shapes.shapes:
        assert isinstance(shape, Cylinder)
        x, y, z = np.add(shape.centre_mm, shapes.origin_mm)
        across = np.hypot(grid.axis_mm(2)[None, :] - x, grid.axis_mm(1)[:, None] - y)
        along = np.abs(grid.axis_mm(0) - z) <= shape.length_mm / 2
        inside = along[:, None, None] & (across <= shape.radius_mm)[None]
        assert not labels[inside].any(), "regions overlap"
        labels[inside] = shape.label
    return labels


def test_inserts_have_the_masses_of_the_manual() -> None:
    built = {plaque.vessel: plaque.mass_mg for plaque in qrm_scan(1, matrix=256).plaques}
    for name, mass in MANUAL_MASS_MG.items():
        assert built[name] == pytest.approx(mass, rel=0.03, abs=0.05), name


def test_shipped_regions_are_the_layout() -> None:
    shapes = {shape.name: shape for shape in load_shapes("qrm-cci").shapes}
    assert {name: shape.label for name, shape in shapes.items()} == INSERT_LABEL
    for name, shape in shapes.items():
        np.testing.assert_allclose(shape.centre_mm, insert_centre(name), atol=0.01)


def test_each_region_weighs_its_own_insert() -> None:
    scan = qrm_scan(4, noise_sigma_hu=0.0)
    labels = regions(scan.grid)
    voxel_cm3 = 3.0 * scan.grid.row_spacing_mm * scan.grid.column_spacing_mm / 1000
    for plaque in scan.plaques:
        inside = labels == scan.vessel_labels[plaque.vessel]
        weighed = (scan.hu[inside].astype(float) - 40).sum() * voxel_cm3 * MASS_FACTOR
        assert weighed == pytest.approx(plaque.mass_mg, rel=0.02), plaque.vessel


def test_regions_hold_the_inserts_of_a_real_scan(test_data: Path) -> None:
    hu, grid = _real_scan(test_data / "qrm_phantom_canon" / "dicom")
    labels = regions(grid)
    bright, _ = ndimage.label(hu >= 130, np.ones((3, 3, 3)))
    for name, label in INSERT_LABEL.items():
        if name in INVISIBLE:
            continue
        inside = labels == label
        sizes = np.bincount(bright[inside])
        sizes[0] = 0
        insert = bright == sizes.argmax()
        assert (insert & ~inside).sum() == 0, name
        assert sizes.max() > 5, name


def _real_scan(folder: Path) -> tuple[NDArray[np.float64], Grid]:
    slices = sorted(
        (pydicom.dcmread(path) for path in folder.iterdir()),
        key=lambda tags: float(tags.ImagePositionPatient[2]),
    )
    hu = np.stack(
        [s.pixel_array * float(s.RescaleSlope) + float(s.RescaleIntercept) for s in slices]
    )
    x, y, z = (float(v) for v in slices[0].ImagePositionPatient)
    row, column = (float(v) for v in slices[0].PixelSpacing)
    increment = float(slices[1].ImagePositionPatient[2]) - z
    return hu, Grid(hu.shape, (x, y, z), increment, row, column, increment)

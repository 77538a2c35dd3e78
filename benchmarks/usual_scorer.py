"""The usual open scorer, to compare with: written as the public ones are, and no slower.

pydicom on every file with its pixel decoder, a float volume, per-slice scipy labels, a
Python loop over components.
"""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
from numpy.typing import NDArray
from scipy import ndimage

EIGHT = np.ones((3, 3), dtype=bool)


def usual_score(folder: Path, mask_file: Path) -> float:
    """Agatston score of a folder of slices inside a mask: >= 130 HU, 8-connected, > 1 mm2."""
    files = [pydicom.dcmread(path) for path in sorted(folder.iterdir())]
    files.sort(key=lambda one: float(one.ImagePositionPatient[2]))
    volume = np.stack([_hu(one) for one in files])
    mask = np.asarray(nib.load(mask_file).dataobj).transpose(2, 1, 0) > 0  # type: ignore[attr-defined]
    spacing = [float(s) for s in files[0].PixelSpacing]
    increment = float(files[1].ImagePositionPatient[2]) - float(files[0].ImagePositionPatient[2])
    total = 0.0
    for z in range(len(volume)):
        total += _slice_score(volume[z], mask[z], spacing[0] * spacing[1])
    return total * increment / 3


def _hu(dataset: pydicom.Dataset) -> NDArray[np.float64]:
    stored = dataset.pixel_array
    return stored * float(dataset.RescaleSlope) + float(dataset.RescaleIntercept)


def _slice_score(hu: NDArray[np.float64], mask: NDArray[np.bool_], area_mm2: float) -> float:
    label, n = ndimage.label((hu >= 130), EIGHT)
    score = 0.0
    for component in range(1, n + 1):
        inside = (label == component) & mask
        area = float(inside.sum()) * area_mm2
        if area > 1:
            peak = hu[inside].max()
            score += area * (1 if peak < 200 else 2 if peak < 300 else 3 if peak < 400 else 4)
    return score

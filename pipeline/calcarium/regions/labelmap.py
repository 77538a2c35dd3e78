"""What every kind of mask is read into: labelled voxels on a grid of their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from calcarium.errors import ScanFailed
from calcarium_kernels.contract import Labels

Affine = NDArray[np.float64]
MAX_LABEL = int(np.iinfo(np.uint16).max)


@dataclass(frozen=True)
class LabelMap:
    """Labelled voxels on a grid of their own.

    Attributes
    ----------
    labels : uint16 array, indexed ``(i, j, k)``; 0 is background
    to_lps : (4, 4), from ``(i, j, k, 1)`` to patient millimetres (DICOM LPS); ``None``: the
        grid is the scan's own, indexed ``(z, y, x)``
    names : name of a label value, where the file says it
    sha256 : hash of the file's bytes, as stored
    """

    labels: Labels
    to_lps: Affine | None
    names: Mapping[int, str] = field(default_factory=dict)
    sha256: str = ""


def as_labels(values: NDArray[np.generic], url: str) -> Labels:
    """Voxels of a file as labels.

    Raises
    ------
    ScanFailed
        if they are not whole numbers from 0 to 65535 in three dimensions
    """
    if values.ndim > 3 and values.size == np.prod(values.shape[:3]):
        values = values.reshape(values.shape[:3], order="A")
    if values.ndim != 3 or values.dtype.kind not in "biuf":
        raise ScanFailed(f"the mask {url} must be one label map of three dimensions")
    if values.dtype.kind == "b" or values.dtype in (np.uint8, np.uint16):
        return values.astype(np.uint16)
    if values.size and not 0 <= values.min() <= values.max() <= MAX_LABEL:
        raise ScanFailed(f"the mask {url} has labels outside 0..{MAX_LABEL}")
    labels = values.astype(np.uint16)
    if values.dtype.kind == "f" and (labels != values).any():
        raise ScanFailed(f"the mask {url} has fractions where labels are expected")
    return labels

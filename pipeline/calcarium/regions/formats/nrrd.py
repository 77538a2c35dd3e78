"""NRRD label maps, with the names that 3D Slicer gives its segments."""

from __future__ import annotations

import io
from collections.abc import Mapping

import nrrd
import numpy as np

from calcarium.errors import ScanExcluded, ScanFailed
from calcarium.regions.labelmap import LabelMap, as_labels

# Flips from the axes of a `space` (NRRD format definition, section 5) to DICOM's LPS.
TO_LPS = {
    "left-posterior-superior": (1, 1, 1),
    "lps": (1, 1, 1),
    "right-anterior-superior": (-1, -1, 1),
    "ras": (-1, -1, 1),
    "left-anterior-superior": (1, -1, 1),
    "las": (1, -1, 1),
}


def read_nrrd(content: bytes, url: str) -> LabelMap:
    """A ``.nrrd`` file with its voxels in it.

    Raises
    ------
    ScanExcluded
        ``mask_mismatch`` if the file does not say where it lies in the patient
    ScanFailed
        if its voxels are elsewhere, or it has layers
    """
    stream = io.BytesIO(content)
    header = nrrd.read_header(stream)
    if "data file" in header or "datafile" in header:
        raise ScanFailed(f"the mask {url} keeps its voxels in another file; give a plain .nrrd")
    flips = TO_LPS.get(str(header.get("space", "")).lower())
    directions, origin = header.get("space directions"), header.get("space origin")
    if flips is None or directions is None or origin is None:
        raise ScanExcluded("mask_mismatch", f"{url} does not say where it lies in the patient")
    if np.shape(directions) != (3, 3):
        raise ScanFailed(f"the mask {url} must be one label map of three dimensions")
    affine = np.eye(4)
    affine[:3, :3] = np.asarray(directions, dtype=np.float64).T
    affine[:3, 3] = np.asarray(origin, dtype=np.float64)
    values = nrrd.read_data(header, stream, index_order="F")
    return LabelMap(as_labels(values, url), np.diag([*flips, 1.0]) @ affine, _names(header))


def _names(header: Mapping[str, object]) -> Mapping[int, str]:
    values = {
        key.removesuffix("_LabelValue"): value
        for key, value in header.items()
        if key.startswith("Segment") and key.endswith("_LabelValue")
    }
    return {
        int(str(v)): str(header[f"{s}_Name"]) for s, v in values.items() if f"{s}_Name" in header
    }

"""NRRD label maps, with the names that 3D Slicer gives its segments."""

from __future__ import annotations

import io
from collections.abc import Mapping

import nrrd
import numpy as np

from calcarium.errors import ScanExcluded, ScanFailed
from calcarium.regions.formats.stream import (
    REVERSED,
    LabelRows,
    Reader,
    Rows,
    array_rows,
    grid_shape,
    gunzipped,
    raw_rows,
)

# Flips from the axes of a `space` (NRRD format definition, section 5) to DICOM's LPS.
TO_LPS = {
    "left-posterior-superior": (1, 1, 1),
    "lps": (1, 1, 1),
    "right-anterior-superior": (-1, -1, 1),
    "ras": (-1, -1, 1),
    "left-anterior-superior": (1, -1, 1),
    "las": (1, -1, 1),
}
STREAMED = ("raw", "gzip", "gz")
SKIPS = {"line skip", "lineskip", "byte skip", "byteskip"}


def read_nrrd(file: Reader, url: str) -> LabelRows:
    """A ``.nrrd`` file with its voxels in it.

    Raises
    ------
    ScanExcluded
        ``mask_mismatch`` if the file does not say where it lies in the patient
    ScanFailed
        if its voxels are elsewhere, or it has layers
    """
    header = nrrd.read_header(iter(file.readline, b""))
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
    to_lps = (np.diag([*flips, 1.0]) @ affine)[:, REVERSED]
    if header["encoding"] in STREAMED and not SKIPS & header.keys():
        dtype = _dtype(header)
        shape = grid_shape(header["sizes"], dtype, url)
        rows = _rows(file, header["encoding"], shape, dtype)
    else:  # rare, and read as a whole
        values = nrrd.read_data(header, io.BytesIO(file.read()), index_order="C")
        shape = grid_shape(header["sizes"], values.dtype, url)
        rows = array_rows(values.reshape(shape))
    return LabelRows(shape, to_lps, rows, _names(header))


def _rows(
    file: Reader, encoding: str, shape: tuple[int, int, int], dtype: np.dtype[np.generic]
) -> Rows:
    voxels = file if encoding == "raw" else gunzipped(file)
    yield from raw_rows(voxels, shape, dtype)
    if voxels is not file and voxels.read(1):
        raise ValueError("it has more voxels than its header says")


def _dtype(header: Mapping[str, object]) -> np.dtype[np.generic]:
    """What pynrrd takes the voxels for: it is asked about one."""
    one = {"encoding": "raw", "sizes": np.ones(1, dtype=np.int64), "dimension": 1}
    value = nrrd.read_data({**header, **one}, io.BytesIO(bytes(8)), index_order="C")
    return np.asarray(value).dtype


def _names(header: Mapping[str, object]) -> dict[int, str]:
    values = {
        key.removesuffix("_LabelValue"): value
        for key, value in header.items()
        if key.startswith("Segment") and key.endswith("_LabelValue")
    }
    return {
        int(str(v)): str(header[f"{s}_Name"]) for s, v in values.items() if f"{s}_Name" in header
    }

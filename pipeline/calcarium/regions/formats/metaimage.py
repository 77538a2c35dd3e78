"""MetaImage label maps (``.mha``, ``.mhd``): what ITK and the challenges of the field write."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import numpy as np

from calcarium.errors import ScanExcluded, ScanFailed
from calcarium.regions.formats.stream import (
    REVERSED,
    LabelRows,
    Reader,
    Rows,
    drain,
    grid_shape,
    inflated,
    raw_rows,
)

Opened = AbstractContextManager[Reader]
LONGEST_LINE = 1 << 16

ELEMENT_TYPES = {
    "MET_UCHAR": "u1",
    "MET_CHAR": "i1",
    "MET_USHORT": "u2",
    "MET_SHORT": "i2",
    "MET_UINT": "u4",
    "MET_INT": "i4",
    "MET_FLOAT": "f4",
    "MET_DOUBLE": "f8",
}


def read_metaimage(file: Reader, url: str, open_beside: Callable[[str], Opened]) -> LabelRows:
    """A ``.mha`` file, or a ``.mhd`` header with its voxels in the file that it names.

    Parameters
    ----------
    open_beside : opens a file in the same folder, by its name

    Raises
    ------
    ScanExcluded
        ``mask_mismatch`` if the file does not say where it lies in the patient
    ScanFailed
        if it is no label map of three dimensions
    """
    header = _header(file)
    if header.get("NDims") != "3" or header.get("ElementNumberOfChannels", "1") != "1":
        raise ScanFailed(f"the mask {url} must be one label map of three dimensions")
    spacing = header.get("ElementSpacing", header.get("ElementSize"))
    origin = header.get("Offset", header.get("Position", header.get("Origin")))
    if spacing is None or origin is None:
        raise ScanExcluded("mask_mismatch", f"{url} does not say where it lies in the patient")
    # MetaIO writes the direction of one axis after the other; ITK's world is LPS.
    turn = header.get("TransformMatrix", header.get("Rotation", "1 0 0 0 1 0 0 0 1"))
    affine = np.eye(4)
    affine[:3, :3] = (_numbers(turn).reshape(3, 3) * _numbers(spacing)[:, None]).T
    affine[:3, 3] = _numbers(origin)
    big = header.get("BinaryDataByteOrderMSB", header.get("ElementByteOrderMSB", "False"))
    dtype = np.dtype(ELEMENT_TYPES[header["ElementType"]]).newbyteorder(
        ">" if big.lower() == "true" else "<"
    )
    shape = grid_shape([int(size) for size in header["DimSize"].split()], dtype, url)
    source = header["ElementDataFile"]
    opened = nullcontext(file) if source.upper() == "LOCAL" else open_beside(source)
    is_packed = header.get("CompressedData", "False").lower() == "true"
    return LabelRows(shape, affine[:, REVERSED], _rows(opened, is_packed, shape, dtype))


def _rows(
    opened: Opened, is_packed: bool, shape: tuple[int, int, int], dtype: np.dtype[np.generic]
) -> Rows:
    with opened as file:
        voxels = inflated(file) if is_packed else file
        yield from raw_rows(voxels, shape, dtype)
        if is_packed:
            drain(voxels)


def _header(file: Reader) -> dict[str, str]:
    """Keys up to ``ElementDataFile``, which ends the header."""
    header: dict[str, str] = {}
    while "ElementDataFile" not in header:
        line = file.readline(LONGEST_LINE)
        key, equals, value = line.decode("ascii").partition("=")
        if not equals or not line.endswith(b"\n"):
            raise ValueError("its header is not that of a MetaImage")
        header[key.strip()] = value.strip()
    return header


def _numbers(text: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.array([float(part) for part in text.split()])

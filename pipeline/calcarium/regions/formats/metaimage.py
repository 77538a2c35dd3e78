"""MetaImage label maps (``.mha``, ``.mhd``): what ITK and the challenges of the field write."""

from __future__ import annotations

import zlib
from collections.abc import Callable

import numpy as np

from calcarium.errors import ScanExcluded, ScanFailed
from calcarium.regions.labelmap import LabelMap, as_labels

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


def read_metaimage(content: bytes, url: str, read_beside: Callable[[str], bytes]) -> LabelMap:
    """A ``.mha`` file, or a ``.mhd`` header with its voxels in the file that it names.

    Parameters
    ----------
    content : bytes of the file
    read_beside : bytes of a file in the same folder, by its name

    Raises
    ------
    ScanExcluded
        ``mask_mismatch`` if the file does not say where it lies in the patient
    ScanFailed
        if it is no label map of three dimensions
    """
    header, voxels = _header(content)
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
    source = header["ElementDataFile"]
    raw = voxels if source.upper() == "LOCAL" else read_beside(source)
    if header.get("CompressedData", "False").lower() == "true":
        raw = zlib.decompress(raw)
    big = header.get("BinaryDataByteOrderMSB", header.get("ElementByteOrderMSB", "False"))
    dtype = np.dtype(ELEMENT_TYPES[header["ElementType"]]).newbyteorder(
        ">" if big.lower() == "true" else "<"
    )
    shape = [int(size) for size in header["DimSize"].split()]
    values = np.frombuffer(raw, dtype, count=int(np.prod(shape))).reshape(shape, order="F")
    return LabelMap(as_labels(values, url), affine)


def _header(content: bytes) -> tuple[dict[str, str], bytes]:
    """Keys up to ``ElementDataFile``, which ends the header, and the bytes after it."""
    header: dict[str, str] = {}
    while "ElementDataFile" not in header:
        line, newline, content = content.partition(b"\n")
        key, equals, value = line.decode("ascii").partition("=")
        if not equals or not newline:
            raise ValueError("its header is not that of a MetaImage")
        header[key.strip()] = value.strip()
    return header, content


def _numbers(text: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.array([float(part) for part in text.split()])

"""Label maps as people store them: NIfTI and NRRD, read without a temporary file."""

from __future__ import annotations

import gzip
import hashlib
import io
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import fsspec
import nibabel as nib
import nrrd
import numpy as np
from numpy.typing import NDArray

from calcarium.errors import ResourceError, ScanExcluded, ScanFailed
from calcarium_kernels.contract import Labels

Affine = NDArray[np.float64]
MAX_LABEL = int(np.iinfo(np.uint16).max)

# What the libraries raise on bytes that are cut short or are something else.
DAMAGED = (
    OSError,
    EOFError,
    ValueError,
    StopIteration,
    zlib.error,
    nrrd.NRRDError,
    nib.wrapstruct.WrapStructError,
    nib.spatialimages.HeaderDataError,
)

# Flips from the axes of a NRRD `space` (its definition, section 5) to DICOM's LPS.
NRRD_TO_LPS = {
    "left-posterior-superior": (1, 1, 1),
    "lps": (1, 1, 1),
    "right-anterior-superior": (-1, -1, 1),
    "ras": (-1, -1, 1),
    "left-anterior-superior": (1, -1, 1),
    "las": (1, -1, 1),
}


@dataclass(frozen=True)
class LabelMap:
    """Labelled voxels on a grid of their own.

    Attributes
    ----------
    labels : uint16 array, indexed ``(i, j, k)``; 0 is background
    to_lps : (4, 4), from ``(i, j, k, 1)`` to patient millimetres (DICOM LPS)
    sha256 : hash of the file's bytes, as stored
    names : name of a label value, where the file says it
    """

    labels: Labels
    to_lps: Affine
    sha256: str = ""
    names: Mapping[int, str] = field(default_factory=dict)


def read_bytes(url: str) -> bytes:
    """All bytes of a file, wherever it lies.

    Raises
    ------
    ScanExcluded
        ``missing_mask`` if it does not exist
    ResourceError
        if storage gives way
    """
    try:
        with fsspec.open(url, "rb") as file:
            return bytes(file.read())
    except FileNotFoundError as error:
        raise ScanExcluded("missing_mask", f"{url} does not exist") from error
    except OSError as error:
        raise ResourceError(f"cannot read the mask {url}: {error}") from error


def read_label_map(url: str) -> LabelMap:
    """Read a NIfTI (``.nii``, ``.nii.gz``) or NRRD (``.nrrd``) label map.

    Raises
    ------
    ScanExcluded
        ``mask_mismatch`` if the file does not say where it lies in the patient
    ScanFailed
        if it is damaged or holds something else than labels
    """
    content = read_bytes(url)
    read = _read_nrrd if url.lower().endswith(".nrrd") else _read_nifti
    try:
        values, to_lps, names = read(content, url)
    except DAMAGED as error:
        raise ScanFailed(f"the mask {url} cannot be read: {error}") from error
    return LabelMap(_as_labels(values, url), to_lps, hashlib.sha256(content).hexdigest(), names)


def _read_nifti(content: bytes, url: str) -> tuple[NDArray[np.generic], Affine, Mapping[int, str]]:
    if content[:2] == b"\x1f\x8b":
        content = gzip.decompress(content)
    is_nifti_2 = int.from_bytes(content[:4], "little") == 540 or content[:4] == b"\0\0\x02\x1c"
    image = (nib.Nifti2Image if is_nifti_2 else nib.Nifti1Image).from_bytes(content)
    if image.header["sform_code"] == 0 and image.header["qform_code"] == 0:
        raise ScanExcluded("mask_mismatch", f"{url} has neither sform nor qform")
    to_lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ image.affine
    return np.asanyarray(image.dataobj), to_lps, {}


def _read_nrrd(content: bytes, url: str) -> tuple[NDArray[np.generic], Affine, Mapping[int, str]]:
    stream = io.BytesIO(content)
    header = nrrd.read_header(stream)
    if "data file" in header or "datafile" in header:
        raise ScanFailed(f"the mask {url} keeps its voxels in another file; give a plain .nrrd")
    flips = NRRD_TO_LPS.get(str(header.get("space", "")).lower())
    directions, origin = header.get("space directions"), header.get("space origin")
    if flips is None or directions is None or origin is None:
        raise ScanExcluded("mask_mismatch", f"{url} does not say where it lies in the patient")
    if np.shape(directions) != (3, 3):
        raise ScanFailed(f"the mask {url} must be one label map of three dimensions")
    affine = np.eye(4)
    affine[:3, :3] = np.asarray(directions, dtype=np.float64).T
    affine[:3, 3] = np.asarray(origin, dtype=np.float64)
    values = nrrd.read_data(header, stream, index_order="F")
    return values, np.diag([*flips, 1.0]) @ affine, {}


def _as_labels(values: NDArray[np.generic], url: str) -> Labels:
    if values.ndim > 3 and values.size == np.prod(values.shape[:3]):
        values = values.reshape(values.shape[:3], order="A")
    if values.ndim != 3 or values.dtype.kind not in "biuf":
        raise ScanFailed(f"the mask {url} must be one label map of three dimensions")
    if values.dtype.kind == "b":
        return values.astype(np.uint16)
    if values.size and not 0 <= values.min() <= values.max() <= MAX_LABEL:
        raise ScanFailed(f"the mask {url} has labels outside 0..{MAX_LABEL}")
    labels = values.astype(np.uint16)
    if values.dtype.kind == "f" and (labels != values).any():
        raise ScanFailed(f"the mask {url} has fractions where labels are expected")
    return labels

"""NIfTI label maps, with the names that TotalSegmentator writes into the header."""

from __future__ import annotations

import re

import nibabel as nib
import numpy as np
from nibabel.arrayproxy import ArrayProxy
from nibabel.volumeutils import apply_read_scaling

from calcarium.errors import ScanExcluded
from calcarium.regions.formats.stream import (
    REVERSED,
    LabelRows,
    Reader,
    Rows,
    drain,
    grid_shape,
    gunzipped,
    raw_rows,
    skip,
)

# NIfTI's patient coordinates are RAS, DICOM's are LPS.
RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
NIFTI_2_HEADER_BYTES = 540
GZIP_MAGIC = b"\x1f\x8b"
# TotalSegmentator's multi-label output names its labels in a Caret extension of the header.
LABEL_NAME = re.compile(rb'<Label Key="(\d+)"[^>]*>\s*<!\[CDATA\[(.*?)\]\]>')


def read_nifti(file: Reader, url: str) -> LabelRows:
    """A ``.nii`` or ``.nii.gz`` file.

    Raises
    ------
    ScanExcluded
        ``mask_mismatch`` if the file does not say where it lies in the patient
    """
    if file.peek(2)[:2] == GZIP_MAGIC:
        file = gunzipped(file)
    size = NIFTI_2_HEADER_BYTES
    is_nifti_2 = file.peek(4)[:4] in (size.to_bytes(4, "little"), size.to_bytes(4, "big"))
    kind = nib.Nifti2Header if is_nifti_2 else nib.Nifti1Header
    header = kind.from_fileobj(file)  # type: ignore[no-untyped-call]
    if header["sform_code"] == 0 and header["qform_code"] == 0:
        raise ScanExcluded("mask_mismatch", f"{url} has neither sform nor qform")
    voxels = ArrayProxy(file, header)  # type: ignore[no-untyped-call]
    shape = grid_shape(voxels.shape, voxels.dtype, url)
    to_lps = RAS_TO_LPS @ header.get_best_affine()
    return LabelRows(shape, to_lps[:, REVERSED], _rows(file, voxels, shape), _names(header))


def _rows(file: Reader, voxels: ArrayProxy, shape: tuple[int, int, int]) -> Rows:
    """The voxels as nibabel would read and scale them, a few rows at a time."""
    slope, intercept = np.float64(voxels.slope), np.float64(voxels.inter)
    skip(file, voxels.offset - file.tell())
    for first, rows in raw_rows(file, shape, voxels.dtype):
        yield first, apply_read_scaling(rows, slope, intercept)
    drain(file)


def _names(header: nib.Nifti1Header) -> dict[int, str]:
    text = b"".join(extension.content for extension in header.extensions)
    return {int(value): name.decode("utf-8", "replace") for value, name in LABEL_NAME.findall(text)}

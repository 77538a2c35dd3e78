"""NIfTI label maps, with the names that TotalSegmentator writes into the header."""

from __future__ import annotations

import gzip
import re
from collections.abc import Mapping

import nibabel as nib
import numpy as np

from calcarium.errors import ScanExcluded
from calcarium.regions.labelmap import LabelMap, as_labels

# NIfTI's patient coordinates are RAS, DICOM's are LPS.
RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
NIFTI_2_HEADER_BYTES = 540
# TotalSegmentator's multi-label output names its labels in a Caret extension of the header.
LABEL_NAME = re.compile(rb'<Label Key="(\d+)"[^>]*>\s*<!\[CDATA\[(.*?)\]\]>')


def read_nifti(content: bytes, url: str) -> LabelMap:
    """A ``.nii`` or ``.nii.gz`` file.

    Raises
    ------
    ScanExcluded
        ``mask_mismatch`` if the file does not say where it lies in the patient
    """
    if content[:2] == b"\x1f\x8b":
        content = gzip.decompress(content)
    size = NIFTI_2_HEADER_BYTES
    is_nifti_2 = content[:4] in (size.to_bytes(4, "little"), size.to_bytes(4, "big"))
    image = (nib.Nifti2Image if is_nifti_2 else nib.Nifti1Image).from_bytes(content)
    if image.header["sform_code"] == 0 and image.header["qform_code"] == 0:
        raise ScanExcluded("mask_mismatch", f"{url} has neither sform nor qform")
    labels = as_labels(np.asanyarray(image.dataobj), url)
    return LabelMap(labels, RAS_TO_LPS @ image.affine, _names(image.header.extensions))


def _names(extensions: nib.nifti1.Nifti1Extensions) -> Mapping[int, str]:
    text = b"".join(extension.content for extension in extensions)
    return {int(value): name.decode("utf-8", "replace") for value, name in LABEL_NAME.findall(text)}

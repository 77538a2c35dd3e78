"""DICOM Segmentation objects, read by highdicom (the extra ``seg``)."""

from __future__ import annotations

import io
from typing import BinaryIO

import numpy as np
from pydicom import dcmread
from pydicom.errors import InvalidDicomError
from pydicom.tag import Tag

from calcarium.errors import ScanFailed, UsageError
from calcarium.regions.labelmap import LabelMap, as_labels


def read_seg(content: bytes, url: str) -> LabelMap:
    """A DICOM SEG object; each segment is one label, with its own name.

    Raises
    ------
    UsageError
        if highdicom is not installed
    ScanFailed
        if the segments overlap, or their frames do not make a regular volume
    """
    try:
        import highdicom
    except ImportError as error:
        raise UsageError("DICOM SEG masks need highdicom: pip install 'calcarium[seg]'") from error
    seg = highdicom.seg.segread(io.BytesIO(content))
    names = {int(s.SegmentNumber): str(s.SegmentLabel) for s in seg.SegmentSequence}
    try:
        volume = seg.get_volume(combine_segments=True)
    except (RuntimeError, ValueError) as error:
        raise ScanFailed(f"the mask {url} cannot be read: {error}") from error
    return LabelMap(as_labels(np.asarray(volume.array), url), volume.affine, names)


def referenced_series(file: BinaryIO) -> str | None:
    """SeriesInstanceUID of the images that a SEG was drawn on, from its header.

    ``None`` if the file is no DICOM or does not say.
    """
    try:
        header = dcmread(
            file, stop_before_pixels=True, specific_tags=[Tag("ReferencedSeriesSequence")]
        )
        return str(header.ReferencedSeriesSequence[0].SeriesInstanceUID)
    except (InvalidDicomError, AttributeError, IndexError):
        return None

"""DICOM Segmentation objects, read by highdicom (the extra ``seg``)."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
from pydicom import dcmread
from pydicom.errors import InvalidDicomError
from pydicom.tag import Tag

from calcarium.errors import ScanFailed, UsageError
from calcarium.regions.formats.stream import BLOCK_BYTES, LabelRows, Reader, Rows

if TYPE_CHECKING:
    import highdicom


def read_seg(file: Reader, url: str) -> LabelRows:
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
    # As stored a segment takes a bit for each voxel; its frames are unpacked when asked for.
    seg = highdicom.seg.segread(io.BytesIO(file.read()))
    names = {int(s.SegmentNumber): str(s.SegmentLabel) for s in seg.SegmentSequence}
    try:
        grid = seg.get_volume_geometry()
    except (RuntimeError, ValueError) as error:
        raise ScanFailed(f"the mask {url} cannot be read: {error}") from error
    if grid is None:
        raise ScanFailed(f"the mask {url} cannot be read: its frames do not make a volume")
    planes, rows, columns = grid.spatial_shape
    return LabelRows((planes, rows, columns), grid.affine, _rows(seg, grid.spatial_shape), names)


def _rows(seg: highdicom.seg.Segmentation, shape: tuple[int, int, int]) -> Rows:
    planes, rows, columns = shape
    at_once = max(1, BLOCK_BYTES // (rows * columns))
    for first in range(0, planes, at_once):
        some = seg.get_volume(
            slice_start=first,
            slice_end=min(first + at_once, planes),
            as_indices=True,
            combine_segments=True,
        )
        yield first * rows, np.asarray(some.array).reshape(-1, columns)


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

"""Small scans with unequal spacings and off-centre origins, so that no axis passes for another."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from calcarium.intake.records import Acquisition, FileHeader, Scan
from calcarium.volume.model import Geometry, Rescale, Volume

SHAPE = (5, 7, 9)


def geometry(
    shape: tuple[int, int, int] = SHAPE,
    *,
    increment_mm: float = 2.5,
    row_spacing_mm: float = 0.6,
    column_spacing_mm: float = 0.7,
    origin_mm: Sequence[float] = (-31.2, 47.3, -1020.25),
    row: Sequence[float] = (1.0, 0.0, 0.0),
    column: Sequence[float] = (0.0, 1.0, 0.0),
) -> Geometry:
    normal = np.cross(row, column)
    steps = np.arange(shape[0])[:, None] * increment_mm * normal
    origin = np.asarray(origin_mm, dtype=np.float64) + steps
    return Geometry(
        origin_mm=origin,
        row_direction=(row[0], row[1], row[2]),
        column_direction=(column[0], column[1], column[2]),
        row_spacing_mm=row_spacing_mm,
        column_spacing_mm=column_spacing_mm,
        rows=shape[1],
        columns=shape[2],
        slice_position_mm=origin @ normal,
        slice_increment_mm=increment_mm,
        slice_extent_mm=np.full(shape[0], increment_mm),
        shear_deg=0.0,
    )


def volume(stored: NDArray[np.int16], **options: float) -> Volume:
    depth = stored.shape[0]
    return Volume(
        np.ascontiguousarray(stored),
        Rescale((Fraction(1),) * depth, (Fraction(0),) * depth),
        geometry(stored.shape, **options),
        ("",) * depth,
    )


def scan(scan_id: str, series_instance_uid: str | None = None, url: str = "") -> Scan:
    """A scan of one file that says nothing but what it is called."""

    def empty(record: type) -> dict[str, object]:
        return dict.fromkeys(record.__dataclass_fields__)

    header = FileHeader(
        **{**empty(FileHeader), "url": url, "series_instance_uid": series_instance_uid}
    )
    return Scan(scan_id, "study", Acquisition(**empty(Acquisition)), (header,))


def centres_mm(of: Geometry) -> NDArray[np.float64]:
    """LPS of every voxel centre, (n_slices, rows, columns, 3), by the formula of DICOM C.7.6.2."""
    z, y, x = np.indices(of.shape)
    return (
        of.origin_mm[z]
        + x[..., None] * of.column_spacing_mm * np.asarray(of.row_direction)
        + y[..., None] * of.row_spacing_mm * np.asarray(of.column_direction)
    )


def lps_affine(of: Geometry) -> NDArray[np.float64]:
    """Affine of ``(z, y, x)`` from three neighbours of the first voxel."""
    centres = centres_mm(of)
    affine = np.eye(4)
    affine[:3, 0] = centres[1, 0, 0] - centres[0, 0, 0]
    affine[:3, 1] = centres[0, 1, 0] - centres[0, 0, 0]
    affine[:3, 2] = centres[0, 0, 1] - centres[0, 0, 0]
    affine[:3, 3] = centres[0, 0, 0]
    return affine

"""Regions of interest in OsiriX's XML (a property list), as the COCA data set has them.

``Images`` is a list of ``{ImageIndex, ROIs}``, each ROI a polygon ``Point_px`` of strings
``"(x, y)"`` with a ``Name``. ``Point_mm`` has the same points in patient millimetres, and tells
the slice; without it ``ImageIndex`` does, which counts slices from 0 towards the head. OsiriX
measures from the corner of the first pixel, whose centre is at (0.5, 0.5).
"""

from __future__ import annotations

import plistlib
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from xml.parsers.expat import ExpatError

import numpy as np
from numpy.typing import NDArray

from calcarium.errors import ScanExcluded, ScanFailed
from calcarium.regions.boxes import to_voxel
from calcarium.regions.label_runs import LabelRuns, runs_of_rows
from calcarium.regions.labelmap import LabelMap
from calcarium.volume.model import Float64, Geometry

NUMBER = re.compile(r"-?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?")
# An outline is walked in steps of this many pixels to find the pixels that it runs through.
OUTLINE_STEP = 0.2


class _Roi(NamedTuple):
    name: str
    points: Float64
    z: int


def read_plist(content: bytes, url: str, geometry: Geometry) -> LabelMap:
    """Polygons on the slices of a scan; each name is one label.

    A pixel belongs to a polygon if its centre lies inside or the outline runs through it:
    polygons are drawn round calcium, and a small one holds no pixel's centre. ROIs without
    points, or whose ``Area`` is 0, are left out. Where polygons overlap, the one that the file
    names last counts.

    Raises
    ------
    ScanExcluded
        ``mask_mismatch`` if a slice or a point is not of this scan
    ScanFailed
        if the file is not such a list
    """
    try:
        images = plistlib.loads(content, fmt=plistlib.FMT_XML)["Images"]
        rois = [
            _Roi(str(roi["Name"]), _points(roi["Point_px"], 2), _slice_of(roi, image, geometry))
            for image in images
            for roi in image["ROIs"]
            if roi["Point_px"] and float(roi.get("Area", 1)) > 0
        ]
    except (plistlib.InvalidFileException, ExpatError, KeyError, TypeError, ValueError) as error:
        raise ScanFailed(f"the mask {url} is no list of ROIs: {error!r}") from error
    numbers = {name: n for n, name in enumerate(sorted({roi.name for roi in rois}), start=1)}
    runs = [
        _runs_of_slice(
            z, [(roi.points, numbers[roi.name]) for roi in rois if roi.z == z], geometry, url
        )
        for z in sorted({roi.z for roi in rois})
    ]
    names = {n: name for name, n in numbers.items()}
    return LabelMap(LabelRuns.joined(runs), geometry.shape, None, names)


def _runs_of_slice(
    z: int, rois: Sequence[tuple[Float64, int]], geometry: Geometry, url: str
) -> LabelRuns:
    depth, rows, columns = geometry.shape
    labels = np.zeros((rows, columns), dtype=np.uint16)
    for points, number in rois:
        inside = (points >= 0).all() and (points <= [columns, rows]).all()
        if not (0 <= z < depth and inside):
            raise ScanExcluded("mask_mismatch", f"{url} has a polygon that is outside the scan")
        _draw(labels, points, number)
    return runs_of_rows(labels, z * rows, rows)


def _points(texts: list[str], n: int) -> Float64:
    points = np.array([[float(number) for number in NUMBER.findall(text)] for text in texts])
    if points.ndim != 2 or points.shape[1] != n:
        raise ValueError(f"a point has not {n} coordinates")
    return points


def _slice_of(roi: Mapping[str, Any], image: Mapping[str, Any], geometry: Geometry) -> int:
    """Index of the slice that an ROI lies on; outside the scan it may be any other number."""
    if not roi.get("Point_mm"):
        # A volume may count down.
        index = int(image["ImageIndex"])
        upward = geometry.origin_mm[-1, 2] >= geometry.origin_mm[0, 2]
        return index if upward else geometry.shape[0] - 1 - index
    return int(np.rint(to_voxel(geometry, _points(roi["Point_mm"], 3)[:1])[0, 0]))


def _draw(labels: NDArray[np.uint16], points: Float64, number: int) -> None:
    rows, columns = labels.shape
    low = np.floor(points.min(axis=0)).astype(int)
    high = np.minimum(np.floor(points.max(axis=0)).astype(int) + 1, [columns, rows])
    part = labels[low[1] : high[1], low[0] : high[0]]
    part[_holds(points - low, part.shape)] = number
    outline = np.minimum(_outline(points - low).astype(int), np.array(part.shape)[::-1] - 1)
    part[outline[:, 1], outline[:, 0]] = number


def _holds(points: Float64, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Pixels whose centres lie inside a polygon: an odd number of edges to their right."""
    y, x = (axis + 0.5 for axis in np.indices(shape, dtype=np.float64))
    odd = np.zeros(shape, dtype=np.bool_)
    for (x0, y0), (x1, y1) in zip(points, np.roll(points, -1, axis=0), strict=True):
        if y0 != y1:
            crosses = (y0 > y) != (y1 > y)
            odd ^= crosses & (x < x0 + (y - y0) * (x1 - x0) / (y1 - y0))
    return odd


def _outline(points: Float64) -> Float64:
    """Points along the edges of a polygon, close enough to miss no pixel by much."""
    edges = []
    for start, end in zip(points, np.roll(points, -1, axis=0), strict=True):
        steps = max(1, int(np.ceil(np.abs(end - start).max() / OUTLINE_STEP)))
        edges.append(start + np.linspace(0, 1, steps + 1)[:, None] * (end - start))
    return np.concatenate(edges)

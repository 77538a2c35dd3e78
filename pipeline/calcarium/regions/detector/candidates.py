"""Bright components in and around the heart: everything that could be coronary calcium."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from itertools import product

import numpy as np
from scipy import ndimage

from calcarium.config.detector_evidence import CandidateRules
from calcarium.errors import ScanExcluded
from calcarium.regions.anatomy.grid import Float32, Float64, Grid, Mask
from calcarium.regions.boxes import labelled_bounds
from calcarium.volume.model import Volume
from calcarium.volume.thresholds import stored_threshold
from calcarium_kernels.contract import Box, Int32, Int64, Labels
from calcarium_kernels.host.lesion_voxels import LesionVoxels, lesion_voxels
from calcarium_kernels.host.runs import Plane
from calcarium_kernels.sparse import SparseArray

MOST_LABELS = int(np.iinfo(np.uint16).max)
MARGIN_MM = 12.0  # around the heart, so that a rib that reaches into it is seen as a rib


@dataclass(frozen=True)
class Candidates:
    """3-D components (26-connected) above the threshold, as a list of voxels.

    Voxels are sorted by candidate; candidates are numbered in raster order.

    Attributes
    ----------
    box : native voxels that were looked at
    z, y, x, hu : voxels: indices of the whole volume, Hounsfield units
    start : shape (n + 1,): candidate ``i`` owns the voxels ``start[i]`` to ``start[i + 1]``
    """

    box: Box
    z: Int64
    y: Int64
    x: Int64
    hu: Float32
    start: Int64

    def __len__(self) -> int:
        return len(self.start) - 1

    @property
    def size(self) -> Int64:
        """Voxels of each candidate."""
        return np.diff(self.start)

    @property
    def owner(self) -> Int64:
        """Candidate of each voxel."""
        return np.repeat(np.arange(len(self)), self.size)

    @property
    def label(self) -> Labels:
        """Label of each voxel: 1 for those of the first candidate, and so on.

        Raises
        ------
        ScanExcluded
            ``too_noisy`` if the candidates are more than labels have numbers for
        """
        if len(self) > MOST_LABELS:
            raise ScanExcluded("too_noisy", f"{len(self)} bright spots")
        return (self.owner + 1).astype(np.uint16)

    def mean(self, values: Float64 | Float32 | Int64 | Mask) -> Float64:
        """Mean of a value over the voxels of each candidate."""
        sums = np.bincount(self.owner, values.astype(np.float64), minlength=len(self))
        return np.asarray(sums / self.size)

    def peak(self) -> Float32:
        """Greatest HU of each candidate."""
        return np.maximum.reduceat(self.hu, self.start[:-1])

    def keep(self, wanted: Mask) -> Candidates:
        """Only some of the candidates, numbered anew."""
        kept = np.repeat(wanted, self.size)
        start = np.concatenate(([0], np.cumsum(self.size[wanted])))
        return Candidates(self.box, self.z[kept], self.y[kept], self.x[kept], self.hu[kept], start)


def find_candidates(volume: Volume, grid: Grid, heart: Mask, rules: CandidateRules) -> Candidates:
    """Components above the threshold of which enough lies in the heart's region.

    Parameters
    ----------
    volume, grid : the scan
    heart : the region on the grid
    rules : threshold, least area and least share in the region
    """
    box = grid.native_box(heart, MARGIN_MM)
    threshold = stored_threshold(volume.rescale, Fraction(str(rules.threshold_hu)), inclusive=True)
    near = _widened(heart, grid.pixels(MARGIN_MM))
    found = _lesions(volume, box, grid.planes_in_box(near, box), threshold)
    voxels = np.bincount(found.lesion, minlength=found.n_lesions)
    inside = heart[grid.nearest(0, found.z), grid.nearest(1, found.y), grid.nearest(2, found.x)]
    share = np.bincount(found.lesion[inside], minlength=found.n_lesions) / np.maximum(voxels, 1)
    wanted = voxels * volume.geometry.pixel_area_mm2 >= rules.least_area_mm2
    return _listed(volume, box, found, wanted & (share >= rules.least_share_in_region))


def _widened(mask: Mask, margin: int) -> Mask:
    """A mask and what lies within a square around each of its voxels, slice by slice."""
    z, *plane = labelled_bounds(mask)
    part = z, *(slice(max(0, p.start - margin), p.stop + margin) for p in plane)
    size = 2 * margin + 1
    near = np.zeros_like(mask)
    near[part] = ndimage.maximum_filter(mask[part], size=(1, size, size))
    return near


def bright_components(
    volume: Volume, box: Box, labels: Iterable[Plane], threshold: Int32
) -> Candidates:
    """Every component of bright voxels in the labelled part of a box.

    Parameters
    ----------
    labels : a plane for each slice of the box, so an array of ``box.shape`` too; components do
        not join different labels
    threshold : least bright stored value, per slice of the volume
    """
    found = _lesions(volume, box, labels, threshold)
    return _listed(volume, box, found, np.ones(found.n_lesions, bool))


def _lesions(volume: Volume, box: Box, labels: Iterable[Plane], threshold: Int32) -> LesionVoxels:
    return lesion_voxels(volume.stored, volume.rescale.sign, threshold, box=box, planes=labels)


def _listed(volume: Volume, box: Box, found: LesionVoxels, wanted: Mask) -> Candidates:
    """Some of the lesions; what is not wanted is left out before anything is sorted."""
    kept = np.flatnonzero(wanted[found.lesion])
    order = kept[np.argsort(found.lesion[kept], kind="stable")]
    z, y, x = found.z[order], found.y[order], found.x[order]
    slope = volume.rescale.slopes.astype(np.float32)
    intercept = volume.rescale.intercepts.astype(np.float32)
    hu = volume.stored[z, y, x].astype(np.float32) * slope[z] + intercept[z]
    voxels = np.bincount(found.lesion[kept], minlength=found.n_lesions)[wanted]
    return Candidates(box, z, y, x, hu, np.concatenate(([0], np.cumsum(voxels))))


def painted(candidates: Candidates) -> tuple[Box, SparseArray]:
    """Candidates as labels 1 to n in the box that holds them, each with a rim of one voxel.

    A score at a lower threshold finds the partial-volume voxels of a lesion in its rim, which
    lies in plane. Where two meet, a candidate comes before a rim.
    """
    box = _box_of(candidates)
    z, y, x = candidates.z - box.z0, candidates.y - box.y0, candidates.x - box.x0
    moves = [*product((-1, 0, 1), repeat=2), (0, 0)]  # the candidates themselves last
    index = [np.ravel_multi_index((z, y + dy, x + dx), box.shape, mode="clip") for dy, dx in moves]
    # Of each voxel, what was written last.
    place, last = np.unique(np.concatenate(index)[::-1], return_index=True)
    return box, SparseArray(box.shape, place, np.tile(candidates.label, len(moves))[::-1][last])


def _box_of(candidates: Candidates) -> Box:
    """The candidates with their rim, inside the box that was looked at."""
    if not len(candidates):
        return Box(0, 0, 0, 0, 0, 0)
    bounds = []
    for index, rim, part in zip(
        (candidates.z, candidates.y, candidates.x), (0, 1, 1), candidates.box.slices, strict=True
    ):
        bounds += [
            max(part.start, int(index.min()) - rim),
            min(part.stop, int(index.max()) + rim + 1),
        ]
    return Box(*bounds)

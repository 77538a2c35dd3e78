"""The ``select`` rule: a lesion counts whole, or not at all."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from calcarium.regions.model import Region
from calcarium.volume.model import Volume
from calcarium_kernels.contract import Box, Int32, Int64, Labels
from calcarium_kernels.host import LesionVoxels, lesion_voxels

# A lesion that leaves the region's box is followed this far at first (slices, pixels).
FIRST_MARGIN = (2, 16)


def select_lesions(volume: Volume, threshold: Int32, region: Region) -> Region:
    """Turn an artery or heart region into the lesions that lie in it.

    A lesion is a 26-connected component of foreground. If at least half of its voxels are in
    the region, all of them get the label that most of those have (the smallest of equals);
    all other voxels get 0.

    Parameters
    ----------
    volume : the scan
    threshold : int32, shape (n_slices,), least bright stored value that is foreground
    region : with rule ``select``; labels ``None`` mean 1 everywhere in its box

    Returns
    -------
    The same region with rule ``clip``, in a box that holds every selected lesion.
    """
    box, step = region.box, 0
    while True:
        voxels = lesion_voxels(volume.stored, volume.rescale.sign, threshold, box=box)
        inside = label_at(region, voxels.z, voxels.y, voxels.x)
        total = np.bincount(voxels.lesion, minlength=voxels.n_lesions)
        within = np.bincount(voxels.lesion[inside > 0], minlength=voxels.n_lesions)
        # Whatever it still joins outside, a lesion with twice the voxels that the region has in
        # all cannot come to lie half inside: bone that a loose region touches is not followed.
        undecided = (within > 0) & (total <= 2 * within.sum())
        if not (undecided & _cut_by(box, voxels, volume)).any():
            break
        step += 1
        box = _grown(region.box, step, volume)
    vessel = _most_frequent_label(voxels, inside)
    vessel[2 * within < total] = 0
    return _region_of(voxels, vessel, region)


def label_at(region: Region, z: Int64, y: Int64, x: Int64) -> Int64:
    """Label of a region at voxels of the volume; 0 outside."""
    box = region.box
    inside = (
        (z >= box.z0) & (z < box.z1) & (y >= box.y0) & (y < box.y1)
        & (x >= box.x0) & (x < box.x1)
    )  # fmt: skip
    label = inside.astype(np.int64)
    if region.labels is not None:
        at = z[inside] - box.z0, y[inside] - box.y0, x[inside] - box.x0
        label[inside] = region.labels[at]
    return label


def _cut_by(box: Box, voxels: LesionVoxels, volume: Volume) -> NDArray[np.bool_]:
    """Lesions that touch a face of the box that is not a face of the volume."""
    depth, rows, columns = volume.geometry.shape
    touching = np.zeros(len(voxels), dtype=np.bool_)
    for index, low, high, size in (
        (voxels.z, box.z0, box.z1, depth),
        (voxels.y, box.y0, box.y1, rows),
        (voxels.x, box.x0, box.x1, columns),
    ):
        if low > 0:
            touching |= index == low
        if high < size:
            touching |= index == high - 1
    cut = np.zeros(voxels.n_lesions, dtype=np.bool_)
    cut[voxels.lesion[touching]] = True
    return cut


def _grown(box: Box, step: int, volume: Volume) -> Box:
    depth, rows, columns = volume.geometry.shape
    slices, pixels = (margin << (step - 1) for margin in FIRST_MARGIN)
    return Box(
        max(0, box.z0 - slices), min(depth, box.z1 + slices),
        max(0, box.y0 - pixels), min(rows, box.y1 + pixels),
        max(0, box.x0 - pixels), min(columns, box.x1 + pixels),
    )  # fmt: skip


def _most_frequent_label(voxels: LesionVoxels, inside: Int64) -> Labels:
    """Per lesion, the label that most of its voxels have, the smallest of equals; else 0."""
    labelled = inside > 0
    span = int(inside.max(initial=0)) + 1
    pairs, votes = np.unique(voxels.lesion[labelled] * span + inside[labelled], return_counts=True)
    lesion, label = np.divmod(pairs, span)
    vessel = np.zeros(voxels.n_lesions, dtype=np.uint16)
    # Written from few votes to many, and from large labels to small: the last write stands.
    order = np.lexsort((-label, votes))
    vessel[lesion[order]] = label[order]
    return vessel


def _region_of(voxels: LesionVoxels, vessel: Labels, region: Region) -> Region:
    kept = vessel[voxels.lesion] > 0
    if not kept.any():
        return replace(region, box=Box(0, 0, 0, 0, 0, 0), labels=None, rule="clip")
    z, y, x = voxels.z[kept], voxels.y[kept], voxels.x[kept]
    box = Box(*(int(edge) for axis in (z, y, x) for edge in (axis.min(), axis.max() + 1)))
    labels = np.zeros(box.shape, dtype=np.uint16)
    labels[z - box.z0, y - box.y0, x - box.x0] = vessel[voxels.lesion[kept]]
    return replace(region, box=box, labels=labels, rule="clip")

"""What a convention sizes and weights, with the weight it gives."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from calcarium.scoring.conventions import Convention, Threshold
from calcarium.volume.model import Volume
from calcarium.volume.thresholds import stored_threshold
from calcarium_kernels.contract import Int64, Islands


@dataclass(frozen=True)
class Parts:
    """Islands that passed a convention's minimum size, with their weight.

    One element per island; all arrays have shape (n,).

    Attributes
    ----------
    slice, label, lesion : as in :class:`~calcarium_kernels.contract.Islands`
    area_px : pixels of the island
    total : sum of its stored values
    weight : 0 to 4, from the peak of what the convention weights
    """

    slice: Int64
    label: Int64
    lesion: Int64
    area_px: Int64
    total: Int64
    weight: Int64


def weighted_parts(
    islands: Islands, convention: Convention, threshold: Threshold, volume: Volume
) -> Parts:
    """Drop what is smaller than the convention's minimum, and weight the rest.

    The weight is the number of edges (130/200/300/400 HU and their like) that the peak
    reaches, and at least 1 for a voxel that passed a threshold; decided on stored integers,
    so exactly.
    """
    part = _part_of(islands, convention)
    n_parts = int(part.max()) + 1 if part.size else 0
    area = np.bincount(part, weights=islands.area_px, minlength=n_parts).astype(np.int64)
    keep = convention.minimum_size.keeps(area, volume.geometry.pixel_area_mm2)[part]
    reached = edges_reached(islands, threshold.edges, volume)
    if threshold.hu is not None:
        reached = np.maximum(reached, 1)
    group = _slice_and_label(islands) if convention.weight_from == "region_slice" else part
    weight = _group_maximum(reached, group)
    return Parts(
        slice=islands.slice[keep],
        label=islands.label[keep],
        lesion=islands.lesion[keep],
        area_px=islands.area_px[keep],
        total=islands.total[keep],
        weight=weight[keep],
    )


def _part_of(islands: Islands, convention: Convention) -> Int64:
    if convention.part == "component":
        return np.arange(len(islands), dtype=np.int64)
    if convention.part == "lesion":
        return islands.lesion
    n_lesions = int(islands.lesion.max()) + 1 if len(islands) else 1
    return _dense(islands.slice * n_lesions + islands.lesion)


def _slice_and_label(islands: Islands) -> Int64:
    return _dense(islands.slice * (np.int64(1) << 16) + islands.label)


def _dense(key: Int64) -> Int64:
    return np.asarray(np.unique(key, return_inverse=True)[1], dtype=np.int64)


def edges_reached(islands: Islands, edges: Iterable[Fraction], volume: Volume) -> Int64:
    """How many of some limits in HU the peak of each island reaches, decided on stored values."""
    sign = volume.rescale.sign.astype(np.int64)
    brightness = sign[islands.slice] * islands.peak
    limits = [sign * stored_threshold(volume.rescale, edge, inclusive=True) for edge in edges]
    reached = [brightness >= limit[islands.slice] for limit in limits]
    return np.asarray(np.sum(reached, axis=0), dtype=np.int64)


def _group_maximum(values: Int64, group: NDArray[np.int64]) -> Int64:
    highest = np.zeros(int(group.max(initial=-1)) + 1, dtype=np.int64)
    if highest.size == values.size:  # each is a group of its own
        return values
    np.maximum.at(highest, group, values)
    return highest[group]

"""What the contract says, written voxel by voxel in plain Python: slow and obvious.

Shares nothing with the kernels: a flood over voxels instead of runs and graphs.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import fields
from itertools import product

import numpy as np
from numpy.typing import NDArray

from calcarium_kernels.contract import Box, Cut, Islands, Labels, Stored

Voxel = tuple[int, int, int]
Offsets = frozenset[Voxel]

STEPS = tuple(product((-1, 0, 1), repeat=3))
IN_SLICE: dict[int, Offsets] = {
    4: frozenset(o for o in STEPS if o[0] == 0 and abs(o[1]) + abs(o[2]) == 1),
    8: frozenset(o for o in STEPS if o[0] == 0 and (o[1] or o[2])),
}
LINKED: dict[int, Offsets] = {
    6: frozenset(o for o in STEPS if sum(map(abs, o)) == 1),
    18: frozenset(o for o in STEPS if sum(map(abs, o)) in (1, 2)),
    26: frozenset(o for o in STEPS if any(o)),
}


def oracle_islands(
    stored: Stored,
    sign: NDArray[np.int8],
    cuts: tuple[Cut, ...],
    *,
    box: Box,
    labels: Labels | None,
    link: int,
) -> tuple[Islands, ...]:
    """Islands of each cut, in the order that the contract states."""
    return tuple(_islands_of_cut(stored, sign, cut, box, labels, link) for cut in cuts)


def oracle_block_sum(stored: Stored, factor: int) -> NDArray[np.int32]:
    """Sums of whole blocks, one block at a time."""
    n_slices, rows, columns = stored.shape
    sums = np.zeros((n_slices, rows // factor, columns // factor), dtype=np.int32)
    for z, y, x in np.ndindex(sums.shape):
        sums[z, y, x] = sum(
            int(stored[z, y * factor + dy, x * factor + dx])
            for dy, dx in product(range(factor), repeat=2)
        )
    return sums


def oracle_components(label_of: dict[Voxel, int], offsets: Offsets) -> dict[Voxel, int]:
    """Component of each voxel, numbered in raster order; equal labels only."""
    component: dict[Voxel, int] = {}
    number = 0
    for seed in sorted(label_of):
        if seed in component:
            continue
        component[seed] = number
        front = deque([seed])
        while front:
            here = front.popleft()
            for there in _neighbours(here, offsets):
                if (
                    there in label_of
                    and there not in component
                    and label_of[there] == label_of[seed]
                ):
                    component[there] = number
                    front.append(there)
        number += 1
    return component


def foreground(
    stored: Stored, sign: NDArray[np.int8], cut: Cut, box: Box, labels: Labels | None
) -> dict[Voxel, int]:
    """Label of each foreground voxel of the box."""
    label_of: dict[Voxel, int] = {}
    for z, y, x in product(range(box.z0, box.z1), range(box.y0, box.y1), range(box.x0, box.x1)):
        label = 1 if labels is None else int(labels[z - box.z0, y - box.y0, x - box.x0])
        bright = int(sign[z])
        if label and bright * int(stored[z, y, x]) >= bright * int(cut.threshold[z]):
            label_of[z, y, x] = label
    return label_of


def _neighbours(voxel: Voxel, offsets: Offsets) -> Iterator[Voxel]:
    return ((voxel[0] + dz, voxel[1] + dy, voxel[2] + dx) for dz, dy, dx in offsets)


def _islands_of_cut(
    stored: Stored, sign: NDArray[np.int8], cut: Cut, box: Box, labels: Labels | None, link: int
) -> Islands:
    label_of = foreground(stored, sign, cut, box, labels)
    island = oracle_components(label_of, IN_SLICE[cut.connectivity])
    lesion = oracle_components(label_of, IN_SLICE[cut.connectivity] | LINKED[link])
    members: dict[int, list[Voxel]] = {}
    for voxel in sorted(label_of):
        members.setdefault(island[voxel], []).append(voxel)
    records = [
        _record(voxels, stored, sign, label_of, lesion) for _, voxels in sorted(members.items())
    ]
    return Islands(
        **{
            field.name: np.array([record[field.name] for record in records], dtype=np.int64)
            for field in fields(Islands)
        }
    )


def _record(
    voxels: list[Voxel],
    stored: Stored,
    sign: NDArray[np.int8],
    label_of: dict[Voxel, int],
    lesion: dict[Voxel, int],
) -> dict[str, int]:
    z = voxels[0][0]
    rows, columns = [v[1] for v in voxels], [v[2] for v in voxels]
    value: Callable[[Voxel], int] = lambda voxel: int(stored[voxel])  # noqa: E731
    brightest = max(voxels, key=lambda voxel: int(sign[z]) * value(voxel))  # the first of equals
    return {
        "slice": z,
        "label": label_of[voxels[0]],
        "area_px": len(voxels),
        "peak": value(brightest),
        "peak_row": brightest[1],
        "peak_column": brightest[2],
        "total": sum(map(value, voxels)),
        "row_sum": sum(rows),
        "column_sum": sum(columns),
        "row_min": min(rows),
        "row_max": max(rows),
        "column_min": min(columns),
        "column_max": max(columns),
        "lesion": lesion[voxels[0]],
    }

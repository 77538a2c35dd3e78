"""A box in slabs of slices, for devices that cannot hold all of it at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace

import numpy as np

from calcarium_kernels.contract import Box, Islands
from calcarium_kernels.host.unite import components


def slabs(box: Box, depth: int) -> Iterator[Box]:
    """Slabs of at most ``depth`` slices, each beginning with the last slice of the one before.

    An island lies in one slice, so the shared slice has the same islands in both, and they
    say which lesions of the two are one.
    """
    z = box.z0
    while True:
        end = min(z + depth, box.z1)
        yield replace(box, z0=z, z1=end)
        if end == box.z1:
            return
        z = end - 1


def join_slabs(boxes: list[Box], parts: list[Islands]) -> Islands:
    """Islands of consecutive :func:`slabs` as if they had been found in one go."""
    n_lesions = [int(part.lesion.max(initial=-1)) + 1 for part in parts]
    before = np.cumsum([0, *n_lesions])
    node = [part.lesion + start for part, start in zip(parts, before[:-1], strict=True)]
    seams = [box.z0 for box in boxes[1:]]
    same = [
        (node[k][parts[k].slice == z], node[k + 1][parts[k + 1].slice == z])
        for k, z in enumerate(seams)
    ]
    lesion_of_node = components(int(before[-1]), same)
    new = [parts[0].slice >= boxes[0].z0]
    new += [part.slice > z for part, z in zip(parts[1:], seams, strict=True)]
    columns = {
        field.name: np.concatenate(
            [getattr(p, field.name)[keep] for p, keep in zip(parts, new, strict=True)]
        )
        for field in fields(Islands)
    }
    kept = np.concatenate([ids[keep] for ids, keep in zip(node, new, strict=True)])
    return Islands(**{**columns, "lesion": lesion_of_node[kept]})

"""Runs that touch become islands, islands that touch become lesions."""

from __future__ import annotations

import numpy as np

from calcarium_kernels.contract import InSlice, Int64, Link
from calcarium_kernels.host.runs import Runs


def island_of_run(runs: Runs, connectivity: InSlice) -> Int64:
    """Id of the island of each run: 4- or 8-connected in the slice, of one label.

    Returns
    -------
    int64 array, shape (n_runs,), numbered from 0 in raster order
    """
    return components(len(runs), [_touching(runs, 0, 1, reach=connectivity == 8)])


def lesion_of_island(runs: Runs, island: Int64, link: Link) -> Int64:
    """Id of the lesion of each island: joined in 3-D by ``link``, of one label.

    The neighbourhoods 18 and 26 hold the diagonals within a slice, so they join
    islands that touch at a corner. Runs may stand for islands: a link joins them in the slice
    as well.

    Returns
    -------
    int64 array, shape (n_islands,), numbered from 0 in raster order
    """
    pairs = [
        (island[later], island[earlier])
        for slices, rows, reach in _link_offsets(link)
        for later, earlier in [_touching(runs, slices, rows, reach=reach)]
    ]
    return components(int(island.max(initial=-1)) + 1, pairs)


def _link_offsets(link: Link) -> list[tuple[int, int, bool]]:
    """Slices back, rows back, and whether columns may differ by one, for half of ``link``."""
    if link == 6:
        return [(0, 1, False), (1, 0, False)]
    diagonal = link == 26
    return [(0, 1, True), (1, 0, True), (1, 1, diagonal), (1, -1, diagonal)]


def _touching(runs: Runs, slices: int, rows: int, *, reach: bool) -> tuple[Int64, Int64]:
    """Pairs of runs of one label, the second ``slices`` and ``rows`` before the first.

    They touch where their columns overlap, or with ``reach`` at a corner too.
    """
    if not len(runs):
        empty = np.empty(0, dtype=np.int64)
        return empty, empty
    # One column and one row of padding, so that nothing wraps round an edge.
    row_stride = int(runs.last.max()) + 2
    slice_stride = row_stride * (int(runs.row.max()) + 2)
    row_start = runs.slice * slice_stride + runs.row * row_stride
    first, last = row_start + runs.first, row_start + runs.last
    back = slices * slice_stride + rows * row_stride
    later, earlier = overlapping(first, last, back, reach=reach)
    same = runs.label[later] == runs.label[earlier]
    return (later, earlier) if same.all() else (later[same], earlier[same])


def overlapping(
    first: Int64, last: Int64, back: int, *, reach: bool = False
) -> tuple[Int64, Int64]:
    """Pairs of stretches of a line, the second of which overlaps the first moved ``back``.

    Parameters
    ----------
    first, last : ends of the stretches, inclusive; ascending
    reach : whether it is enough that they touch
    """
    begin = np.searchsorted(last, first - (back + reach))
    end = np.searchsorted(first, last - (back - reach), side="right")
    count = end - begin
    later = np.repeat(np.arange(len(first)), count)
    earlier = np.arange(later.size) - np.repeat(np.cumsum(count) - count - begin, count)
    return later, earlier


def components(n_nodes: int, pairs: list[tuple[Int64, Int64]]) -> Int64:
    """Component of each node of a graph, numbered from 0 by its first node.

    Parameters
    ----------
    n_nodes : number of nodes
    pairs : nodes that are joined, as pairs of equally long arrays; at least one pair of arrays
    """
    one = np.concatenate([pair[0] for pair in pairs])
    other = np.concatenate([pair[1] for pair in pairs])
    node = np.arange(n_nodes)
    if not one.size:
        return node
    root = node
    # A root that is joined to lower ones hangs itself at the lowest, and all move up to their
    # roots. On small graphs this is three times as fast as scipy's, on large ones alike.
    while one.size:
        root = root.copy()
        np.minimum.at(root, np.maximum(one, other), np.minimum(one, other))
        while ((above := root[root]) != root).any():
            root = above
        one, other = root[one], root[other]
        apart = one != other
        one, other = one[apart], other[apart]
    return np.asarray((np.cumsum(root == node) - 1)[root])

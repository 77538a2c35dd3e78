from __future__ import annotations

from collections import Counter, deque
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from small_scans import volume

from calcarium.regions.model import Label, Region
from calcarium.regions.select import select_lesions
from calcarium_kernels.contract import Box

BRIGHT = 130


def flooded(foreground: NDArray[np.bool_]) -> list[list[tuple[int, int, int]]]:
    """26-connected components, by flooding from voxel to voxel."""
    left = {(int(z), int(y), int(x)) for z, y, x in np.argwhere(foreground)}
    components = []
    while left:
        start = left.pop()
        component, queue = [start], deque([start])
        while queue:
            z, y, x = queue.popleft()
            for step in product((-1, 0, 1), repeat=3):
                near = (z + step[0], y + step[1], x + step[2])
                if near in left:
                    left.remove(near)
                    component.append(near)
                    queue.append(near)
        components.append(component)
    return components


def expected(foreground: NDArray[np.bool_], labels: NDArray[np.uint16]) -> NDArray[np.uint16]:
    selected = np.zeros_like(labels)
    for component in flooded(foreground):
        votes = Counter(int(labels[v]) for v in component if labels[v])
        if votes and 2 * sum(votes.values()) >= len(component):
            label = min(votes, key=lambda value: (-votes[value], value))
            for voxel in component:
                selected[voxel] = label
    return selected


def selected(
    foreground: NDArray[np.bool_], labels: NDArray[np.uint16], box: Box | None = None
) -> NDArray[np.uint16]:
    scan = volume(np.where(foreground, BRIGHT, 40).astype(np.int16))
    box = box or Box.whole(foreground.shape)
    region = Region(box, labels[box.slices], {1: Label("LAD")}, "select", "mask", "hash")
    threshold = np.full(len(foreground), BRIGHT, dtype=np.int32)
    chosen = select_lesions(scan, threshold, region)
    assert (chosen.rule, chosen.meaning, chosen.sha256) == ("clip", region.meaning, "hash")
    dense = np.zeros_like(labels)
    if chosen.labels is not None:
        dense[chosen.box.slices] = chosen.labels
    return dense


@settings(max_examples=150)
@given(st.data())
def test_a_lesion_is_in_whole_or_not_at_all(data: st.DataObject) -> None:
    shape = data.draw(st.tuples(st.integers(1, 6), st.integers(1, 24), st.integers(1, 45)))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**20)))
    foreground = rng.random(shape) < data.draw(st.sampled_from([0.02, 0.08, 0.15, 0.5]))
    edges = [sorted(data.draw(st.tuples(st.integers(0, n), st.integers(0, n)))) for n in shape]
    box = Box(*(edge for pair in edges for edge in pair))
    labels = np.zeros(shape, dtype=np.uint16)
    labels[box.slices] = rng.integers(0, data.draw(st.integers(2, 4)), box.shape)
    np.testing.assert_array_equal(selected(foreground, labels, box), expected(foreground, labels))


def test_half_is_enough_and_less_is_not() -> None:
    foreground = np.zeros((1, 3, 12), dtype=np.bool_)
    foreground[0, 1, 2:10] = True
    for inside, count in ((4, 8), (3, 0)):
        labels = np.zeros(foreground.shape, dtype=np.uint16)
        labels[0, :, : 2 + inside] = 1
        assert np.count_nonzero(selected(foreground, labels)) == count


def test_the_smaller_of_two_equal_labels() -> None:
    foreground = np.zeros((1, 1, 6), dtype=np.bool_)
    foreground[0, 0, 1:5] = True
    labels = np.array([[[0, 7, 7, 3, 3, 0]]], dtype=np.uint16)
    np.testing.assert_array_equal(selected(foreground, labels), [[[0, 3, 3, 3, 3, 0]]])


def test_a_lesion_is_followed_far_out_of_the_box_and_back() -> None:
    """A hook whose two ends lie in the box: neither end is selected nor rejected alone."""
    foreground = np.zeros((1, 300, 80), dtype=np.bool_)
    foreground[0, 10:200, 20] = foreground[0, 10:200, 30] = foreground[0, 199, 20:31] = True
    labels = np.zeros(foreground.shape, dtype=np.uint16)
    for rows, kept in ((108, True), (105, False)):
        labels[:] = 0
        labels[0, :rows, 15:40] = 2
        box = Box(0, 1, 0, rows, 15, 40)
        inside = 2 * (rows - 10)
        assert bool(2 * inside >= foreground.sum()) is kept
        assert np.count_nonzero(selected(foreground, labels, box)) == kept * foreground.sum()


def test_bone_that_the_region_touches_does_not_count() -> None:
    foreground = np.zeros((20, 64, 64), dtype=np.bool_)
    foreground[:, 40:, :] = True
    foreground[10, 20:23, 20:23] = True
    labels = np.zeros(foreground.shape, dtype=np.uint16)
    labels[8:12, 10:42, 10:40] = 1
    chosen = selected(foreground, labels, Box(8, 12, 10, 42, 10, 40))
    assert np.count_nonzero(chosen) == 9
    np.testing.assert_array_equal(chosen[10, 20:23, 20:23], 1)


def test_the_threshold_decides_what_hangs_together() -> None:
    stored = np.full((1, 1, 9), 40, dtype=np.int16)
    stored[0, 0, 1:8] = [300, 300, 300, 150, 300, 150, 150]
    scan = volume(stored)
    labels = np.array([[[0, 1, 1, 1, 0, 0, 0, 0, 0]]], dtype=np.uint16)
    region = Region(Box.whole(stored.shape), labels, {}, "select", "mask")
    at_200 = select_lesions(scan, np.array([200], dtype=np.int32), region)
    assert at_200.box == Box(0, 1, 0, 1, 1, 4)
    at_130 = select_lesions(scan, np.array([130], dtype=np.int32), region)
    assert at_130.labels is None
    assert at_130.box.shape == (0, 0, 0)


def test_a_region_without_labels_is_its_box() -> None:
    foreground = np.zeros((1, 4, 8), dtype=np.bool_)
    foreground[0, 1, 1:5] = foreground[0, 3, 5:8] = True
    scan = volume(np.where(foreground, BRIGHT, 40).astype(np.int16))
    region = Region(Box(0, 1, 0, 2, 0, 8), None, {1: Label("unassigned")}, "select", "detector")
    chosen = select_lesions(scan, np.array([BRIGHT], dtype=np.int32), region)
    assert chosen.box == Box(0, 1, 1, 2, 1, 5)


@pytest.mark.parametrize("sign", [1, -1])
def test_an_empty_region_selects_nothing(sign: int) -> None:
    scan = volume(np.full((2, 3, 4), sign * 500, dtype=np.int16))
    region = Region(Box(0, 0, 0, 0, 0, 0), None, {}, "select", "mask")
    chosen = select_lesions(scan, np.array([130, 130], dtype=np.int32), region)
    assert chosen.labels is None
    assert chosen.box.shape == (0, 0, 0)

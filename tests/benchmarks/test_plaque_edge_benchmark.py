"""The benchmark of a plaque's edge."""

from __future__ import annotations

import numpy as np
import pytest
from plaque_edge import MeasuredEdge, edges_of_heart, of_plaque, part_of_grid, told, touches_border

from calcarium.phantom.model import Grid


def test_a_part_of_a_grid_keeps_the_places_of_its_voxels() -> None:
    grid = Grid((40, 60, 50), (-20.0, 30.0, 5.0), 0.5, 0.4, 0.3, 0.6)
    low, high = np.array([-12.0, 36.0, 11.0]), np.array([-11.0, 40.0, 14.0])
    box, part = part_of_grid(grid, low, high, 2.0)
    for axis in (0, 1, 2):
        at_mm = part.axis_mm(axis)
        np.testing.assert_allclose(at_mm, grid.axis_mm(axis)[box[axis]])
        assert low[2 - axis] - 2 <= at_mm[0] < low[2 - axis] - 1.5
        assert high[2 - axis] + 1.5 <= at_mm[-1] <= high[2 - axis] + 2


def test_what_hangs_together_with_a_plaque_is_its_own_and_may_leave_the_view() -> None:
    bright = np.zeros((5, 9, 9), bool)
    bright[2, 2, 2:5] = bright[2, 6, 7:] = True
    cover = np.where(np.arange(9) == 3, 0.5, 0.0).astype(np.float32) * np.ones(bright.shape)
    mine, others = of_plaque(bright, np.asarray(cover, np.float32))
    assert np.argwhere(mine).tolist() == [[2, 2, 2], [2, 2, 3], [2, 2, 4]]
    assert np.array_equal(mine | others, bright)
    assert not touches_border(mine)
    assert touches_border(others)


def test_a_row_counts_what_is_within_a_quarter() -> None:
    found = [MeasuredEdge(10.0, counted, 1.0) for counted in (7.4, 7.6, 12.4, 12.6)]
    assert told("name", found).startswith("| name | 2 of 4 | ")
    assert told("none", []).startswith("| none | 0 of 0 | ")


@pytest.mark.slow
def test_most_plaques_of_a_heart_are_measured_well() -> None:
    asked = list(edges_of_heart(5, 4))
    found = [edge for edge in asked if edge.counted_mm3 > 0]
    assert len(found) >= max(8, 0.7 * len(asked))
    close = [edge for edge in found if abs(edge.ratio - 1) <= 0.25]
    assert len(close) >= 0.9 * len(found)

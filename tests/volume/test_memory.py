"""Memory is used again only when nothing lives in it."""

from __future__ import annotations

import gc

import numpy as np
import pytest

from calcarium.errors import ScanExcluded
from calcarium.volume.memory import ALIGNMENT, allocate_words


def address(array: np.ndarray) -> int:
    return int(array.ctypes.data)


def test_a_volume_that_is_gone_leaves_its_memory() -> None:
    first = allocate_words((3, 40, 50))
    where = address(first)
    assert where % ALIGNMENT == 0
    del first
    smaller = allocate_words((2, 40, 50))
    assert address(smaller) == where
    assert smaller.shape == (2, 40, 50)


def test_a_volume_in_use_is_left_alone() -> None:
    first = allocate_words((3, 40, 50))
    first[:] = 7
    second = allocate_words((3, 40, 50))
    second[:] = 9
    assert (first == 7).all()


@pytest.mark.parametrize("keep", [lambda w: w[1, 3:5], lambda w: w.view(np.int16)[2].T, memoryview])
def test_a_part_of_it_is_a_use(keep) -> None:
    first = allocate_words((3, 40, 50))
    first[:] = 7
    part = keep(first)
    del first
    gc.collect()
    allocate_words((3, 40, 50))[:] = 9
    assert (np.asarray(part) == 7).all()


def test_larger_than_any_ct() -> None:
    with pytest.raises(ScanExcluded, match="unsupported_pixels"):
        allocate_words((10**5, 4096, 4096))

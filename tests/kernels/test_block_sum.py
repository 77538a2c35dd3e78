"""The contract of ``block_sum``, on every backend."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import oracle_block_sum

from calcarium_kernels.contract import Kernels


@settings(max_examples=40)
@given(
    shape=st.tuples(st.integers(1, 3), st.integers(1, 20), st.integers(1, 40)),
    factor=st.integers(1, 9),
    dtype=st.sampled_from([np.int16, np.uint16]),
    seed=st.integers(0, 2**32 - 1),
)
def test_equals_oracle(kernels: Kernels, shape, factor: int, dtype, seed: int) -> None:
    limits = np.iinfo(dtype)
    rng = np.random.default_rng(seed)
    stored = rng.integers(limits.min, limits.max, size=shape, dtype=dtype, endpoint=True)
    sums = kernels.block_sum(stored, factor)
    np.testing.assert_array_equal(sums, oracle_block_sum(stored, factor), strict=True)


@pytest.mark.parametrize("value", [-32768, 32767])
def test_the_largest_block_of_the_extremes(kernels: Kernels, value: int) -> None:
    stored = np.full((1, 64, 130), value, dtype=np.int16)
    np.testing.assert_array_equal(kernels.block_sum(stored, 64), [[[4096 * value] * 2]])


def test_no_whole_block(kernels: Kernels) -> None:
    stored = np.ones((3, 7, 9), dtype=np.uint16)
    assert kernels.block_sum(stored, 8).shape == (3, 0, 1)
    assert kernels.block_sum(stored[:0], 2).shape == (0, 3, 4)


@pytest.mark.parametrize("factor", [0, -1, 65])
def test_factor_out_of_range(kernels: Kernels, factor: int) -> None:
    with pytest.raises(ValueError, match="factor must be 1 to 64"):
        kernels.block_sum(np.ones((1, 4, 4), dtype=np.int16), factor)


@pytest.mark.parametrize(
    "stored",
    [
        np.ones((1, 4, 4), dtype=np.int32),
        np.ones((4, 4), dtype=np.int16),
        np.ones((1, 4, 4), dtype=np.int16).transpose(0, 2, 1),
    ],
    ids=["int32", "two axes", "transposed"],
)
def test_layout(kernels: Kernels, stored) -> None:
    with pytest.raises(ValueError, match="stored must"):
        kernels.block_sum(stored, 2)

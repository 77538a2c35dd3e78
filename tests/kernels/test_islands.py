"""The contract of ``islands``, on every backend."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import oracle_islands
from same import assert_same_islands

from calcarium_kernels.contract import Box, Cut, Kernels
from calcarium_kernels.trials import PATTERNS, Trial, make_trial


def run(kernels: Kernels, trial: Trial):
    arguments, keywords = trial.arguments()
    return kernels.islands(*arguments, **keywords)


def assert_equals_oracle(kernels: Kernels, trial: Trial) -> None:
    arguments, keywords = trial.arguments()
    assert_same_islands(run(kernels, trial), oracle_islands(*arguments, **keywords), trial.name)


@settings(max_examples=60)
@given(
    pattern=st.sampled_from(sorted(PATTERNS)),
    seed=st.integers(0, 2**32 - 1),
    max_voxels=st.integers(1, 1200),
)
def test_equals_oracle(kernels: Kernels, pattern: str, seed: int, max_voxels: int) -> None:
    trial = make_trial(pattern, np.random.default_rng(seed), max_voxels=max_voxels)
    assert_equals_oracle(kernels, trial)


@pytest.mark.parametrize("link", [6, 18, 26])
@pytest.mark.parametrize("connectivity", [4, 8])
@pytest.mark.parametrize("pattern", sorted(PATTERNS))
def test_every_pattern_with_every_neighbourhood(
    kernels: Kernels, pattern: str, connectivity: int, link: int
) -> None:
    mask = PATTERNS[pattern]((3, 9, 35), np.random.default_rng(5))
    trial = plain(np.where(mask, 7, 6).astype(np.int16), 7, connectivity=connectivity, link=link)
    assert_equals_oracle(kernels, trial)


@pytest.mark.parametrize("dtype", [np.int16, np.uint16])
@pytest.mark.parametrize("bright", [1, -1])
def test_thresholds_at_and_beyond_the_limits_of_the_dtype(kernels, dtype, bright) -> None:
    limits = np.iinfo(dtype)
    values = [limits.min, limits.min + 1, 0, limits.max - 1, limits.max]
    stored = np.array(values, dtype=dtype).reshape(1, 1, 5).repeat(3, axis=1)
    far = np.iinfo(np.int32)
    at = [far.min, limits.min - 1, *values, limits.max + 1, far.max]
    cuts = tuple(Cut(np.array([value], dtype=np.int32), 8) for value in at)
    trial = replace(plain(stored, 0), sign=np.array([bright], dtype=np.int8), cuts=cuts)
    assert_equals_oracle(kernels, trial)
    areas = [int(islands.area_px.sum()) for islands in run(kernels, trial)]
    assert areas == [3 * sum(bright * v >= bright * value for v in values) for value in at]


def test_one_voxel_joins_two_islands_to_one_lesion(kernels: Kernels) -> None:
    stored = np.zeros((2, 3, 5), dtype=np.int16)
    stored[0, 1, [0, 1, 3, 4]] = 200, 500, 500, 300
    stored[1, 1, 1:4] = 150
    (islands,) = run(kernels, plain(stored, 130, connectivity=4, link=6))
    assert islands.slice.tolist() == [0, 0, 1]
    assert islands.area_px.tolist() == [2, 2, 3]
    assert islands.peak.tolist() == [500, 500, 150]
    assert islands.peak_column.tolist() == [1, 3, 1]
    assert islands.total.tolist() == [700, 800, 450]
    assert islands.row_sum.tolist() == [2, 2, 3]
    assert islands.column_sum.tolist() == [1, 7, 6]
    assert islands.column_min.tolist() == [0, 3, 1]
    assert islands.column_max.tolist() == [1, 4, 3]
    assert islands.lesion.tolist() == [0, 0, 0]


@pytest.mark.parametrize(("link", "lesions"), [(6, 2), (18, 1), (26, 1)])
def test_corners_in_a_slice_join_lesions_not_islands(kernels, link: int, lesions: int) -> None:
    stored = np.array([[[9, 0], [0, 9]]], dtype=np.uint16)
    (islands,) = run(kernels, plain(stored, 5, connectivity=4, link=link))
    assert len(islands) == 2
    assert len(set(islands.lesion.tolist())) == lesions


@pytest.mark.parametrize(
    ("step", "joined_by"), [((0, 0), {6, 18, 26}), ((0, 1), {18, 26}), ((1, 0), {18, 26}),
                            ((1, 1), {26}), ((-1, 1), {26}), ((0, 2), set())]
)  # fmt: skip
@pytest.mark.parametrize("link", [6, 18, 26])
def test_link_over_slices(kernels, step, joined_by, link: int) -> None:
    stored = np.zeros((2, 5, 5), dtype=np.int16)
    stored[0, 2, 2] = stored[1, 2 + step[0], 2 + step[1]] = 1
    (islands,) = run(kernels, plain(stored, 1, link=link))
    assert len(set(islands.lesion.tolist())) == (1 if link in joined_by else 2)


def test_islands_never_join_two_labels(kernels: Kernels) -> None:
    stored = np.full((2, 1, 4), 9, dtype=np.int16)
    labels = np.array([[[1, 1, 2, 0]], [[2, 2, 2, 2]]], dtype=np.uint16)
    (islands,) = run(kernels, replace(plain(stored, 5), labels=labels))
    assert islands.label.tolist() == [1, 2, 2]
    assert islands.area_px.tolist() == [2, 1, 4]
    assert islands.lesion.tolist() == [0, 1, 1]


def test_coordinates_are_those_of_the_volume(kernels: Kernels) -> None:
    stored = np.full((4, 6, 8), 9, dtype=np.uint16)
    (islands,) = run(kernels, replace(plain(stored, 5), box=Box(1, 2, 2, 5, 3, 4)))
    assert islands.slice.tolist() == [1]
    assert (islands.row_min[0], islands.row_max[0]) == (2, 4)
    assert (islands.column_min[0], islands.column_max[0]) == (3, 3)
    assert (islands.peak_row[0], islands.peak_column[0]) == (2, 3)


@pytest.mark.parametrize(
    "box",
    [Box(0, 0, 0, 0, 0, 0), Box(1, 1, 0, 4, 0, 4), Box(0, 2, 3, 1, 0, 4), Box(0, 2, 0, 4, 9, 2)],
)
def test_an_empty_box_has_no_islands(kernels: Kernels, box: Box) -> None:
    trial = replace(plain(np.full((2, 4, 4), 9, dtype=np.int16), 5), box=box)
    assert [len(islands) for islands in run(kernels, trial)] == [0]


def test_no_cuts_no_islands(kernels: Kernels) -> None:
    trial = replace(plain(np.full((2, 4, 4), 9, dtype=np.int16), 5), cuts=())
    assert run(kernels, trial) == ()


def test_inputs_are_left_as_they_are(kernels: Kernels) -> None:
    trial = make_trial("noise", np.random.default_rng(3), max_voxels=2000)
    (stored, sign, cuts), keywords = trial.arguments()
    arrays = [stored, sign, *(cut.threshold for cut in cuts)]
    if keywords["labels"] is not None:
        arrays.append(keywords["labels"])
    before = [array.copy() for array in arrays]
    for array in arrays:
        array.setflags(write=False)
    run(kernels, trial)
    for array, copy in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(array, copy)


GOOD = np.zeros((2, 4, 4), dtype=np.int16)
BAD_CALLS = {
    "float": {"stored": GOOD.astype(np.float32)},
    "foreign byte order": {"stored": GOOD.astype(GOOD.dtype.newbyteorder())},
    "not contiguous": {"stored": np.zeros((2, 4, 8), dtype=np.int16)[:, :, ::2]},
    "two axes": {"stored": GOOD[0], "sign": np.ones(4, dtype=np.int8)},
    "sign of another length": {"sign": np.ones(3, dtype=np.int8)},
    "sign of another dtype": {"sign": np.ones(2, dtype=np.int64)},
    "sign of zero": {"sign": np.zeros(2, dtype=np.int8)},
    "threshold of another dtype": {"cuts": (Cut(np.zeros(2, dtype=np.int64), 8),)},
    "threshold of another length": {"cuts": (Cut(np.zeros(1, dtype=np.int32), 8),)},
    "connectivity": {"cuts": (Cut(np.zeros(2, dtype=np.int32), 6),)},
    "link": {"link": 8},
    "box too deep": {"box": Box(0, 3, 0, 4, 0, 4)},
    "box before the volume": {"box": Box(0, 2, -1, 4, 0, 4)},
    "box too wide": {"box": Box(0, 2, 0, 4, 1, 5)},
    "labels of another dtype": {"labels": np.zeros((2, 4, 4), dtype=np.uint8)},
    "labels of another shape": {"labels": np.zeros((2, 4, 3), dtype=np.uint16)},
}


@pytest.mark.parametrize("bad", sorted(BAD_CALLS))
def test_what_the_contract_does_not_allow_is_refused(kernels: Kernels, bad: str) -> None:
    with pytest.raises(ValueError, match=r"must|leaves"):
        run(kernels, replace(plain(GOOD, 0), **BAD_CALLS[bad]))


def plain(stored, threshold: int, *, connectivity: int = 8, link: int = 26) -> Trial:
    cut = Cut(np.full(len(stored), threshold, dtype=np.int32), connectivity)
    sign = np.ones(len(stored), dtype=np.int8)
    return Trial("plain", stored, sign, (cut,), Box.whole(stored.shape), None, link)

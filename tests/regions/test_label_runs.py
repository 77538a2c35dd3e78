from __future__ import annotations

import gzip
import io
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from calcarium.errors import ScanFailed
from calcarium.regions.formats import stream
from calcarium.regions.formats.stream import buffered, grid_shape, gunzipped, inflated, raw_rows
from calcarium.regions.label_runs import LabelRuns, ranges, runs_of_rows
from calcarium.regions.labelmap import LabelMap
from calcarium_kernels.contract import Box

SHAPE = st.tuples(*[st.integers(1, 6)] * 3)


@settings(max_examples=60)
@given(arrays.arrays(np.uint8, SHAPE, elements=st.sampled_from([0, 0, 1, 1, 7])))
def test_runs_are_the_array_and_lie_in_one_row(labels: np.ndarray) -> None:
    runs = LabelMap.of(labels, None).runs
    painted = np.zeros_like(labels)
    runs.paint(painted, Box.whole(labels.shape))
    np.testing.assert_array_equal(painted, labels)
    assert len(runs) == 0 or int(runs.stop.max()) <= labels.shape[2]
    assert (runs.stop > runs.first).all()
    assert int((runs.stop - runs.first).sum()) == np.count_nonzero(labels)
    assert runs.values() == set(np.unique(labels).tolist()) - {0}


@settings(max_examples=40)
@given(arrays.arrays(np.uint8, SHAPE, elements=st.sampled_from([0, 0, 0, 3, 200])))
def test_the_box_holds_every_label_and_no_more(labels: np.ndarray) -> None:
    runs = LabelMap.of(labels, None).runs
    index = np.argwhere(labels)
    if not len(index):
        assert runs.box.shape == (0, 0, 0)
        return
    low, high = index.min(axis=0), index.max(axis=0) + 1
    assert runs.box == Box(low[0], high[0], low[1], high[1], low[2], high[2])
    some = runs.some_voxels(len(index))
    assert {tuple(one) for one in some.tolist()} == {tuple(one) for one in index.tolist()}
    assert len(runs.some_voxels(2)) <= 4


def test_ranges_follow_each_other() -> None:
    found = ranges(np.array([5, 0, 9]), np.array([2, 0, 3]))
    assert found.tolist() == [5, 6, 9, 10, 11]


@pytest.mark.parametrize("block_bytes", [1, 13, 64, 1 << 18])
def test_rows_come_in_blocks_of_any_size(monkeypatch: pytest.MonkeyPatch, block_bytes: int) -> None:
    monkeypatch.setattr(stream, "BLOCK_BYTES", block_bytes)
    labels = np.random.default_rng(1).integers(0, 3, (4, 5, 6)).astype(">u2")
    packed = gzip.compress(labels[:2].tobytes()) + b"\0" * 9 + gzip.compress(labels[2:].tobytes())
    file = gunzipped(buffered(io.BytesIO(packed)))
    runs = [runs_of_rows(rows, first, 5) for first, rows in raw_rows(file, (4, 5, 6), labels.dtype)]
    painted = np.zeros((4, 5, 6), dtype=np.uint16)
    LabelRuns.joined(runs).paint(painted, Box.whole((4, 5, 6)))
    np.testing.assert_array_equal(painted, labels)
    assert file.read(1) == b""


@pytest.mark.parametrize("cut", [1, 8, 30])
def test_a_compressed_stream_that_is_cut_short_says_so(cut: int) -> None:
    plain = bytes(range(256)) * 8
    for packed, unpacked in ((gzip.compress(plain), gunzipped), (zlib.compress(plain), inflated)):
        assert unpacked(buffered(io.BytesIO(packed))).read() == plain
        with pytest.raises(EOFError):
            unpacked(buffered(io.BytesIO(packed[:-cut]))).read()


@pytest.mark.parametrize("sizes", [(7, 8), (7, 8, 9, 2), (0, 8, 9), (40_000, 1, 1), (32_767,) * 3])
def test_no_header_can_ask_for_what_no_mask_has(sizes: tuple[int, ...]) -> None:
    with pytest.raises(ScanFailed, match=r"m\.nii"):
        grid_shape(sizes, np.dtype(np.uint8), "m.nii")
    assert grid_shape((7, 8, 9, 1), np.dtype(np.uint8), "m.nii") == (9, 8, 7)

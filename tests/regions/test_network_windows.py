"""The windows that a network sees, and how their answers are put together."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_scans import centres_mm, geometry

from calcarium.regions.network.grid import Sampling
from calcarium.regions.network.spec import NetworkSpec
from calcarium.regions.network.windows import patch_weight, predict, starts


@settings(max_examples=40)
@given(
    size=st.tuples(*[st.integers(1, 14)] * 3),
    patch=st.tuples(*[st.integers(1, 9)] * 3),
    overlap=st.sampled_from([0.0, 0.25, 0.5, 0.8]),
    weighting=st.sampled_from(["gaussian", "mean"]),
    seed=st.integers(0, 999),
)
def test_windows_do_not_show_in_what_is_local(
    size: tuple[int, int, int],
    patch: tuple[int, int, int],
    overlap: float,
    weighting: str,
    seed: int,
) -> None:
    image = np.random.default_rng(seed).normal(size=size).astype(np.float32)
    out = predict(
        image,
        lambda x: np.concatenate([x, 2 * x], axis=1),
        patch,
        overlap,
        weighting,
        0.0,  # type: ignore[arg-type]
    )
    assert out.shape == (2, *size)
    np.testing.assert_allclose(out[0], image, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(out[1], 2 * image, rtol=1e-5, atol=1e-5)


def test_patches_cover_an_axis_and_overlap_enough() -> None:
    for size, patch, overlap in product(range(1, 40), range(1, 12), (0.0, 0.3, 0.5, 0.75)):
        first = starts(size, patch, overlap)
        assert first[0] == 0
        assert first[-1] == max(0, size - patch)
        gaps = np.diff(first)
        assert (gaps >= 1).all()
        assert (gaps <= max(1, np.ceil(patch * (1 - overlap)))).all()


def test_the_middle_of_a_patch_weighs_more() -> None:
    weight = patch_weight((9, 17, 5), "gaussian")
    assert weight[4, 8, 2] == weight.max() == 1
    assert weight[0, 0, 0] == weight.min() > 0
    np.testing.assert_allclose(weight, weight[::-1, ::-1, ::-1])
    # One standard deviation, an eighth of the patch, from the middle.
    wide = patch_weight((80, 1, 1), "gaussian")[:, 0, 0]
    assert wide[50] / wide[40] == pytest.approx(np.exp(-0.5 * (1.05**2 - 0.05**2)), rel=1e-5)


def test_the_voters_that_see_a_voxel_in_their_middle_prevail() -> None:
    """A network that marks only the rim of its patch: weights must outvote it inside."""
    rim = np.ones((1, 1, 8, 8, 8), dtype=np.float32)
    rim[..., 2:6, 2:6, 2:6] = -1
    image = np.zeros((24, 24, 24), dtype=np.float32)
    inside = (slice(4, 20),) * 3
    gaussian = predict(image, lambda _: rim, (8, 8, 8), 0.5, "gaussian", 0.0)[0]
    mean = predict(image, lambda _: rim, (8, 8, 8), 0.5, "mean", 0.0)[0]
    assert (gaussian[inside] < 0).mean() > (mean[inside] < 0).mean()


def test_a_grid_reaches_from_edge_to_edge() -> None:
    of = geometry((9, 33, 21))
    for spacing in ((2.5, 0.6, 0.7), (7.0, 5.0, 3.0), (0.9, 0.25, 0.31), (99.0, 99.0, 99.0)):
        spec = NetworkSpec(
            axes="SPL",
            spacing_mm=spacing,
            window_hu=(0.0, 1.0),
            patch=(1, 1, 1),
            marks="calcium",
            labels={},
        )
        grid = Sampling.of(of, spec)
        for axis, (index, size) in enumerate(zip(grid.index, of.shape, strict=True)):
            native = (2.5, 0.6, 0.7)[axis]
            assert index[0] >= 0
            assert index[-1] <= size - 1
            assert max(index[0], size - 1 - index[-1]) * native <= spacing[axis] / 2
            np.testing.assert_allclose(np.diff(index) * native, spacing[axis])
        middle = grid.to_lps @ [*(0.5 * (len(i) - 1) for i in grid.index), 1]
        np.testing.assert_allclose(middle[:3], centres_mm(of).reshape(-1, 3).mean(axis=0))

"""What only the numpy backend has: the voxel list; and scipy as a second opinion."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import LINKED, foreground, oracle_components
from scipy import ndimage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from calcarium_kernels.contract import Box, Cut
from calcarium_kernels.host import HostKernels, lesion_voxels
from calcarium_kernels.host.unite import components
from calcarium_kernels.sparse import SparseArray
from calcarium_kernels.trials import PATTERNS, make_trial

STRUCTURE = {6: 1, 18: 2, 26: 3}


@settings(max_examples=50)
@given(pattern=st.sampled_from(sorted(PATTERNS)), seed=st.integers(0, 2**32 - 1))
def test_lesion_voxels_equal_the_oracle(pattern: str, seed: int) -> None:
    trial = make_trial(pattern, np.random.default_rng(seed), max_voxels=1000)
    found = lesion_voxels(
        trial.stored, trial.sign, trial.cuts[0].threshold, box=trial.box, link=trial.link
    )
    label_of = foreground(trial.stored, trial.sign, trial.cuts[0], trial.box, None)
    expected = oracle_components(label_of, LINKED[trial.link])
    voxels = list(zip(found.z.tolist(), found.y.tolist(), found.x.tolist(), strict=True))
    assert voxels == sorted(expected)
    assert found.lesion.tolist() == [expected[voxel] for voxel in voxels]
    assert found.n_lesions == len(set(expected.values()))
    assert len(found) == len(expected)


@settings(max_examples=50)
@given(pattern=st.sampled_from(sorted(PATTERNS)), seed=st.integers(0, 2**32 - 1))
def test_sparse_labels_give_the_islands_of_whole_ones(pattern: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    trial = make_trial(pattern, rng, max_voxels=1000)
    labels = rng.integers(0, 3, trial.box.shape).astype(np.uint16)
    index = np.flatnonzero(labels)
    sparse = SparseArray(trial.box.shape, index, labels.reshape(-1)[index])
    np.testing.assert_array_equal(np.asarray(sparse), labels)
    whole, few = (
        HostKernels().islands(
            trial.stored, trial.sign, trial.cuts, box=trial.box, labels=kind, link=trial.link
        )
        for kind in (labels, sparse)
    )
    for one, other in zip(whole, few, strict=True):
        for field in fields(one):
            np.testing.assert_array_equal(getattr(one, field.name), getattr(other, field.name))


@pytest.mark.parametrize("link", [6, 18, 26])
@pytest.mark.parametrize("connectivity", [4, 8])
@pytest.mark.parametrize("density", [0.03, 0.3, 0.7])
def test_scipy_finds_the_same_components(connectivity, link, density: float) -> None:
    rng = np.random.default_rng(11)
    stored = rng.integers(-1000, 1000, size=(12, 60, 75), dtype=np.int16)
    threshold = int(np.quantile(stored, 1 - density))
    cut = Cut(np.full(12, threshold, dtype=np.int32), connectivity)
    (islands,) = HostKernels().islands(
        stored,
        np.ones(12, dtype=np.int8),
        (cut,),
        box=Box.whole(stored.shape),
        labels=None,
        link=link,
    )
    in_slice = np.zeros((3, 3, 3), dtype=bool)
    in_slice[1] = ndimage.generate_binary_structure(2, 1 if connectivity == 4 else 2)
    mask = stored >= threshold
    island, n_islands = ndimage.label(mask, in_slice)
    lesion, n_lesions = ndimage.label(
        mask, ndimage.generate_binary_structure(3, STRUCTURE[link]) | in_slice
    )
    number = np.arange(1, n_islands + 1)
    np.testing.assert_array_equal(islands.area_px, np.bincount(island[mask])[1:])
    np.testing.assert_array_equal(islands.peak, ndimage.maximum(stored, island, number))
    np.testing.assert_array_equal(islands.total, ndimage.sum_labels(stored, island, number))
    np.testing.assert_array_equal(islands.lesion, ndimage.minimum(lesion, island, number) - 1)
    assert islands.lesion.max() + 1 == n_lesions


def test_components_are_those_of_scipy_on_stars_and_at_random() -> None:
    rng = np.random.default_rng(3)
    star = np.full(20_000, 20_000), np.arange(20_000)  # quick only if all leaves fall at once
    for n, one, other in (
        (20_001, *star),
        *((50, *rng.integers(0, 50, (2, m))) for m in range(60)),
    ):
        graph = coo_array((np.ones(one.size, bool), (one, other)), shape=(n, n))
        expected = connected_components(graph, directed=False)[1]
        _, first, number = np.unique(expected, return_index=True, return_inverse=True)
        rank = np.argsort(np.argsort(first))
        np.testing.assert_array_equal(components(n, [(one, other)]), rank[number])

"""The device backend on fibers: its schedules, its memory, its errors, and real CT."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pydicom
import pytest
from host_shim import ShimRuntime, build, require_compiler
from same import assert_same_islands
from shim_check import check

from calcarium_kernels.contract import Box, Cut
from calcarium_kernels.device import DeviceError, DeviceKernels
from calcarium_kernels.device.chain import max_slices
from calcarium_kernels.device.keys import KEY_MIN, NOTHING, Keys
from calcarium_kernels.device.slabs import slabs
from calcarium_kernels.host import HostKernels
from calcarium_kernels.trials import PATTERNS, Trial, make_trial


@pytest.fixture(scope="module")
def library() -> Path:
    require_compiler()
    return build()


def test_500_volumes_under_five_schedules(library: Path) -> None:
    check(library, 500)


@pytest.mark.slow
def test_5000_more_volumes(library: Path) -> None:
    check(library, 5000, seed=1)


def large_trial(pattern: str, shape=(9, 40, 130)) -> Trial:
    mask = PATTERNS[pattern](shape, np.random.default_rng(1))
    stored = np.where(mask, 5, -5).astype(np.int16)
    cuts = (Cut(np.zeros(len(stored), np.int32), 8), Cut(np.full(len(stored), 5, np.int32), 4))
    return Trial(pattern, stored, np.ones(len(stored), np.int8), cuts, Box.whole(shape), None, 26)


def run(kernels, trial: Trial):
    arguments, keywords = trial.arguments()
    return kernels.islands(*arguments, **keywords)


@pytest.mark.parametrize("link", [6, 18, 26])
@pytest.mark.parametrize(
    ("pattern", "limit"),
    [
        ("bridges", 270_000),
        ("serpentine", 270_000),
        ("empty", 270_000),
        ("noise", 700_000),
        ("diagonals", 700_000),
    ],
)
def test_slabs_join_to_the_same_lesions(library: Path, pattern: str, limit: int, link: int) -> None:
    trial = replace(large_trial(pattern), link=link, box=Box(1, 9, 2, 40, 3, 128))
    runtime = ShimRuntime(library, memory_limit_bytes=limit)
    assert_same_islands(run(DeviceKernels(runtime), trial), run(HostKernels(), trial))
    assert runtime.releases > 0


def test_block_sum_in_slabs(library: Path) -> None:
    stored = np.random.default_rng(0).integers(-999, 999, (9, 40, 64), dtype=np.int16)
    runtime = ShimRuntime(library, memory_limit_bytes=25_000)
    sums = DeviceKernels(runtime).block_sum(stored, 4)
    np.testing.assert_array_equal(sums, HostKernels().block_sum(stored, 4), strict=True)
    assert runtime.releases > 0


def test_memory_for_less_than_two_slices_is_an_error(library: Path) -> None:
    with pytest.raises(MemoryError):
        run(DeviceKernels(ShimRuntime(library, memory_limit_bytes=10_000)), large_trial("noise"))


@pytest.mark.parametrize(
    ("shape", "n_cuts", "labelled", "most"),
    [
        # The most runs that a slice of 512 x 512 can have: every second voxel, or every one.
        ((2048, 512, 512), 1, False, 2**30 // (512 * 256)),
        ((2048, 512, 512), 1, True, 2**30 // (512 * 512)),
        ((600, 1024, 1024), 4, True, 2**30 // (1024 * 1024 * 4)),
        ((9, 3, 33), 1, True, 2**30 // (3 * 64)),
    ],
)
def test_slabs_are_so_thin_that_runs_are_counted_in_32_bits(
    shape: tuple[int, int, int], n_cuts: int, labelled: bool, most: int
) -> None:
    assert max_slices(Box.whole(shape), n_cuts, labelled=labelled) == most


def test_a_slice_with_too_many_runs_is_refused() -> None:
    with pytest.raises(MemoryError, match="may hold more than"):
        max_slices(Box.whole((3, 30_000, 30_000)), 4, labelled=False)


@pytest.mark.parametrize("depth", [2, 3, 7, 20])
def test_slabs_cover_the_box_and_share_one_slice(depth: int) -> None:
    parts = list(slabs(Box(3, 14, 0, 1, 0, 1), depth))
    assert (parts[0].z0, parts[-1].z1) == (3, 14)
    assert all(one.z1 - 1 == other.z0 for one, other in pairwise(parts))
    assert all(part.z1 - part.z0 <= depth for part in parts)


def test_more_runs_than_expected_are_listed_again(library: Path) -> None:
    trial = large_trial("columns")
    runtime = ShimRuntime(library)
    assert_same_islands(run(DeviceKernels(runtime), trial), run(HostKernels(), trial))
    assert runtime.launched.count("pack") == 1
    assert runtime.launched.count("list_runs") == 2


def test_empty_boxes_launch_nothing(library: Path) -> None:
    runtime = ShimRuntime(library)
    kernels = DeviceKernels(runtime)
    assert len(run(kernels, replace(large_trial("full"), box=Box(0, 0, 0, 0, 0, 0)))[0]) == 0
    assert kernels.block_sum(np.zeros((2, 3, 3), np.int16), 4).size == 0
    assert runtime.launched == []


def test_buffers_are_kept_between_calls(library: Path) -> None:
    runtime = ShimRuntime(library)
    kernels = DeviceKernels(runtime)
    run(kernels, large_trial("noise"))
    before = {name: id(buffer) for name, buffer in runtime._buffers.items()}
    smaller = replace(large_trial("noise"), box=Box(0, 4, 0, 30, 0, 99))
    assert_same_islands(run(kernels, smaller), run(HostKernels(), smaller))
    assert {name: id(buffer) for name, buffer in runtime._buffers.items()} == before


def test_a_device_that_gives_way_is_not_hidden(library: Path) -> None:
    class Broken(ShimRuntime):
        def launch(self, kernel, grid, block, *arguments) -> None:
            if kernel == "measure":
                raise DeviceError("illegal address")
            super().launch(kernel, grid, block, *arguments)

    with pytest.raises(DeviceError, match="illegal address"):
        run(DeviceKernels(Broken(library)), large_trial("noise"))


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(2048, 512, 512), (600, 1024, 1024)])
def test_volumes_beyond_2_to_the_29_voxels(library: Path, shape: tuple[int, int, int]) -> None:
    stored = np.zeros(shape, np.int16)
    rng = np.random.default_rng(0)
    for z in (0, 1, shape[0] // 2, shape[0] - 2, shape[0] - 1):
        stored[z][rng.random(shape[1:]) < 0.05] = 200
        stored[z, -3:, -40:] = 300
    cuts = tuple(Cut(np.full(shape[0], value, np.int32), 8) for value in (130, 250))
    bright = np.ones(shape[0], np.int8)
    trial = Trial("large", stored, bright, cuts, Box.whole(shape), None, 26)
    found = run(DeviceKernels(ShimRuntime(library)), trial)
    assert_same_islands(found, run(HostKernels(), trial))
    assert len(found[1]) == 5


@pytest.mark.parametrize("dtype", [np.int16, np.uint16])
@pytest.mark.parametrize("bright", [1, -1])
def test_keys_order_all_stored_values_by_brightness(dtype, bright: int) -> None:
    stored = np.arange(65536).astype(np.uint16).view(dtype)
    sign = np.array([bright], np.int8)
    keys = Keys.of(stored, sign)
    flipped = (stored.view(np.uint16) ^ keys.flip[0].astype(np.uint16)).view(np.int16)
    np.testing.assert_array_equal(flipped, bright * stored.astype(int) + keys.bias[0])
    limits = np.iinfo(dtype)
    for threshold in (limits.min - 9, limits.min, -1, 0, 1, limits.max, limits.max + 9):
        cut = Cut(np.array([threshold], np.int32), 8)
        (limit,) = keys.limits((cut,), slice(0, 1))[0]
        assert KEY_MIN <= limit <= NOTHING
        passes = bright * stored.astype(int) >= bright * threshold
        np.testing.assert_array_equal(flipped >= limit, passes)


def test_a_trial_that_fills_every_bit_of_a_word(library: Path) -> None:
    trial = make_trial("full", np.random.default_rng(8), max_voxels=9000)
    assert_same_islands(run(DeviceKernels(ShimRuntime(library)), trial), run(HostKernels(), trial))


def ct_series(folder: Path) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Stored values, sign and the threshold of 130 HU of every CT series with even slices."""
    series: dict[tuple, list[pydicom.Dataset]] = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        try:
            header = pydicom.dcmread(path, stop_before_pixels=True)
        except pydicom.errors.InvalidDicomError:
            continue
        if header.get("Modality") != "CT" or "LOCALIZER" in header.get("ImageType", ()):
            continue
        key = (header.SeriesInstanceUID, header.Rows, header.Columns, header.PixelRepresentation)
        series.setdefault(key, []).append(path)
    for paths in series.values():
        slices = [pydicom.dcmread(path) for path in paths]
        slices.sort(key=lambda one: float(one.ImagePositionPatient[2]))
        slope = np.array([float(one.RescaleSlope) for one in slices])
        intercept = np.array([float(one.RescaleIntercept) for one in slices])
        stored = np.ascontiguousarray(np.stack([one.pixel_array for one in slices]))
        threshold = np.ceil((130 - intercept) / slope).astype(np.int32)
        yield stored, np.sign(slope).astype(np.int8), threshold


@pytest.mark.parametrize(
    "folder",
    [
        "nlst_101287_ldct",
        "acrin_nsclc_petct_042",
        "lung_pet_ct_dx",
        "rider_pilot_0117_contrast_partial",
        "qrm_phantom_canon",
    ],
)
def test_real_ct(library: Path, test_data: Path, folder: str) -> None:
    kernels, host, found = DeviceKernels(ShimRuntime(library)), HostKernels(), 0
    for stored, sign, threshold in ct_series(test_data / folder):
        depth, rows, columns = stored.shape
        labels = np.zeros((depth, rows // 2, columns // 2), np.uint16)
        labels[:, 9:, 20:] = 1 + np.arange(columns // 2 - 20) // 37
        box = Box(
            0, depth, rows // 4, rows // 4 + rows // 2, columns // 5, columns // 5 + columns // 2
        )
        cuts = (Cut(threshold, 8), Cut(threshold, 4), Cut(threshold - 17, 8))
        for box_, labels_ in ((Box.whole(stored.shape), None), (box, labels)):
            keywords = {"box": box_, "labels": labels_, "link": 26}
            got = kernels.islands(stored, sign, cuts, **keywords)
            expected = host.islands(stored, sign, cuts, **keywords)
            assert_same_islands(got, expected, folder)
            found += len(got[0])
        np.testing.assert_array_equal(kernels.block_sum(stored, 4), host.block_sum(stored, 4))
    assert found > 0

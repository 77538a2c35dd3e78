"""What the CuPy runtime asks of CuPy, and what becomes of CuPy's errors."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from fake_cupy import CompileException, CUDADriverError, CUDARuntimeError, FakeCupy
from host_shim import require_compiler
from same import assert_same_islands
from test_device_on_host import large_trial, run

from calcarium import study
from calcarium.config import load_protocol
from calcarium.errors import ResourceError
from calcarium.regions.inputs import RegionInputs
from calcarium_kernels.contract import Box, Cut
from calcarium_kernels.device import DeviceError, DeviceKernels
from calcarium_kernels.device.cupy_runtime import CupyRuntime
from calcarium_kernels.host import HostKernels
from calcarium_kernels.trials import trials


@pytest.fixture
def cupy(monkeypatch: pytest.MonkeyPatch) -> FakeCupy:
    require_compiler()
    fake = FakeCupy()
    monkeypatch.setitem(sys.modules, "cupy", fake)
    return fake


@pytest.mark.usefixtures("cupy")
def test_islands_and_block_sums_through_cupy() -> None:
    kernels = DeviceKernels()
    for trial in trials(60, seed=3):
        assert_same_islands(run(kernels, trial), run(HostKernels(), trial), trial.name)
    stored = np.arange(3 * 40 * 50, dtype=np.uint16).reshape(3, 40, 50)
    np.testing.assert_array_equal(
        kernels.block_sum(stored, 4), HostKernels().block_sum(stored, 4), strict=True
    )


def test_a_limit_is_kept_by_slabs_and_nothing_is_held_while_memory_is_given_back(
    cupy: FakeCupy,
) -> None:
    held = []

    class Watched(CupyRuntime):
        def release(self) -> None:
            super().release()
            held.append(cupy.pools[0].used)

    kernels = DeviceKernels(Watched(memory_limit_bytes=700_000))
    trial = large_trial("noise")
    assert_same_islands(run(kernels, trial), run(HostKernels(), trial))
    assert len(held) > 1
    assert set(held) == {0}


def test_what_an_earlier_scan_left_gives_way_before_slabs_are_tried(cupy: FakeCupy) -> None:
    """Two slices cannot be halved: only room that is made lets them through."""
    stored = np.random.default_rng(6).integers(0, 100, (2, 40, 200), dtype=np.int16)
    sign, cut = np.ones(2, dtype=np.int8), Cut(np.full(2, 99, dtype=np.int32), 8)
    box = Box.whole(stored.shape)
    narrow = Box(0, 2, 0, 40, 0, 60)
    labels = np.ones(narrow.shape, dtype=np.uint16)
    alone = DeviceKernels()
    alone.islands(stored, sign, (cut,), box=box, labels=None, link=26)
    kernels = DeviceKernels(CupyRuntime(memory_limit_bytes=cupy.pools[0].used))
    kernels.islands(stored, sign, (cut,), box=narrow, labels=labels, link=26)
    found = kernels.islands(stored, sign, (cut,), box=box, labels=None, link=26)
    assert_same_islands(
        found, HostKernels().islands(stored, sign, (cut,), box=box, labels=None, link=26)
    )


def test_a_buffer_that_grows_does_not_hold_the_old_one(cupy: FakeCupy) -> None:
    runtime = CupyRuntime(memory_limit_bytes=2000)
    small = runtime.buffer("a", 1000)
    assert runtime.buffer("a", 800) is small
    del small
    runtime.buffer("a", 1200)
    assert cupy.pools[0].used == 1500
    runtime.buffer("a", 1900)
    assert cupy.pools[0].used == 1900, "no spare where there is no room for it"


@pytest.mark.usefixtures("cupy")
def test_pinned_memory_grows_in_few_steps() -> None:
    """What is outgrown stays in CuPy's pool."""
    runtime = CupyRuntime()
    sizes = set()
    for n_bytes in range(1000, 9000, 100):
        staging = runtime.staging(n_bytes)
        assert staging.size == n_bytes
        sizes.add(staging.base.size)
    assert sizes == {1024, 2048, 4096, 8192, 16384}


@pytest.mark.parametrize("error", [CUDARuntimeError("gone"), CUDADriverError("gone")])
@pytest.mark.parametrize("call", ["launch", "memcpy", "compile"])
def test_a_lost_device_is_told_from_a_missing_one(
    cupy: FakeCupy, call: str, error: Exception
) -> None:
    cupy.faults[call] = error
    with pytest.raises(DeviceError, match=r"CUDA device .*gone"):
        run(DeviceKernels(), large_trial("noise"))


@pytest.mark.parametrize(
    "error", [CompileException("unknown arch"), OSError("no libnvrtc"), ImportError("no nvrtc")]
)
def test_a_compiler_that_fails_is_said_with_what_to_install(
    cupy: FakeCupy, error: Exception
) -> None:
    cupy.faults["compile"] = error
    with pytest.raises(RuntimeError, match=r"cannot compile.*pip install") as raised:
        DeviceKernels()
    assert not isinstance(raised.value, DeviceError)


def test_no_driver_is_said(cupy: FakeCupy) -> None:
    cupy.faults["getDeviceCount"] = CUDARuntimeError("cudaErrorInsufficientDriver")
    with pytest.raises(RuntimeError, match="nvidia-smi"):
        DeviceKernels()


def test_a_worker_whose_device_is_lost_at_start_is_replaced_and_one_without_is_not(
    cupy: FakeCupy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A DeviceError replaces the process; a ResourceError sends the study elsewhere."""
    monkeypatch.setattr(study, "claim_device", lambda: "0")
    start = study.ScorerSetup(load_protocol("auto"), RegionInputs(), b"secret", backend="cupy")
    assert start().kernels.name == "cupy"
    cupy.faults["compile"] = CUDADriverError("CUDA_ERROR_ECC_UNCORRECTABLE")
    with pytest.raises(DeviceError, match="ECC"):
        start()
    cupy.faults["getDeviceCount"] = CUDARuntimeError("cudaErrorNoDevice")
    with pytest.raises(ResourceError, match="cupy: no CUDA device is visible"):
        start()


@pytest.mark.parametrize(
    ("network_device", "listed", "claims"), [("cuda", "0,1", 1), ("cuda", "-1", 0), ("cpu", "0", 0)]
)
def test_a_network_on_cuda_takes_a_turn_at_the_devices_too(
    monkeypatch: pytest.MonkeyPatch, network_device: str, listed: str, claims: int
) -> None:
    claimed = []
    monkeypatch.setattr(study, "claim_device", lambda: claimed.append(1))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", listed)
    inputs = RegionInputs(network="net.onnx", network_device=network_device)
    study.ScorerSetup(load_protocol("auto"), inputs, b"secret", backend="numpy")()
    assert len(claimed) == claims

"""The self-check on the CPU, and on a GPU with ``--require-gpu``."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, replace
from functools import partial

import numpy as np
import pytest
from fake_cupy import FAKE_NDIMAGE, FakeCupy
from host_shim import require_compiler

from calcarium import doctor
from calcarium_kernels import selfcheck
from calcarium_kernels.device.bandwidth import measure_bandwidths
from calcarium_kernels.host import HostKernels

SCAN = np.random.default_rng(4).integers(-900, 900, (8, 60, 70), dtype=np.int16)


def test_without_a_gpu_none_is_reported() -> None:
    check = selfcheck.self_check("numpy", n_volumes=20, scan=SCAN)
    assert check.passed
    assert not check.gpu_was_measured
    assert check.device == ""
    assert "no GPU was measured" in selfcheck.summary(check)
    written = json.loads(json.dumps(asdict(check)))
    assert written["n_volumes"] == 20
    assert list(written["bandwidths_gb_per_s"].values()) == [None] * 5
    assert "GB/s" not in selfcheck.summary(check)


def test_the_device_sources_pass_and_a_wrong_peak_fails(
    monkeypatch: pytest.MonkeyPatch, shim
) -> None:
    monkeypatch.setattr(selfcheck, "load", lambda _: shim)
    assert selfcheck.self_check("numpy", n_volumes=30, scan=SCAN).passed

    class Wrong(HostKernels):
        def islands(self, *arguments, **keywords):
            found = super().islands(*arguments, **keywords)
            return tuple(replace(one, peak=one.peak + 1, lesion=one.lesion * 0) for one in found)

    monkeypatch.setattr(selfcheck, "load", lambda _: Wrong())
    check = selfcheck.self_check("numpy", n_volumes=30, scan=SCAN)
    assert not check.passed
    assert "the scan" in check.differences
    assert check.label_differences == ("link 6", "link 18", "link 26")
    assert "FAILED" in selfcheck.summary(check)


def test_wrong_block_sums_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    class Wrong(HostKernels):
        def block_sum(self, stored, factor):
            sums = super().block_sum(stored, factor)
            sums.flat[-1:] += 1
            return sums

    monkeypatch.setattr(selfcheck, "load", lambda _: Wrong())
    check = selfcheck.self_check("numpy", n_volumes=0, scan=SCAN)
    assert check.differences == ("the scan",)


def test_bandwidths_need_a_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cupy", None)
    with pytest.raises(RuntimeError, match="needs CuPy"):
        measure_bandwidths()


def test_each_bandwidth_is_measured_on_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a stand-in that takes its time for one kind of work: only that rate falls."""
    require_compiler()
    slow = {"HtoD": 1, "DtoH": 2, "DtoD": 3}
    rates = {}
    for name in ("", *slow):
        fake = FakeCupy()
        fake.slow_kind = slow.get(name, 0)
        monkeypatch.setitem(sys.modules, "cupy", fake)
        rates[name] = asdict(measure_bandwidths((4, 32, 64), repeats=3, launches=2))
    fallen = {
        name: {key for key, rate in rates[name].items() if rate < 0.1 * rates[""][key]}
        for name in slow
    }
    assert fallen["HtoD"] == {"pageable_to_device", "pinned_to_device"}
    assert fallen["DtoH"] == {"device_to_pinned"}
    assert fallen["DtoD"] == {"device_to_device"}


def test_every_line_of_the_check_of_a_card(monkeypatch: pytest.MonkeyPatch) -> None:
    """On the stand-in: the first run on a card is not to end in a slip of the pen."""
    require_compiler()
    monkeypatch.setitem(sys.modules, "cupy", FakeCupy())
    monkeypatch.setitem(sys.modules, "cupyx.scipy.ndimage", FAKE_NDIMAGE)
    small = partial(measure_bandwidths, (4, 32, 64), repeats=1, launches=1)
    monkeypatch.setattr(selfcheck, "measure_bandwidths", small)
    check = selfcheck.self_check("cupy", n_volumes=13, scan=SCAN)
    assert check.passed
    assert (check.gpu_was_measured, check.labelled_by) == (True, "cupyx.scipy.ndimage.label")
    said = selfcheck.summary(check)
    assert "backend cupy on GPU Some Card, driver for CUDA 13.0: passed" in said
    assert said.count("GB/s") == 5
    assert doctor._device().detail == "Some Card"


def test_a_gpu_passes(request: pytest.FixtureRequest) -> None:
    if not request.config.getoption("--require-gpu", default=False):
        pytest.skip("runs with --require-gpu")
    check = selfcheck.self_check("cupy")
    assert check.passed, selfcheck.summary(check)

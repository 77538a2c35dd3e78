"""The self-check on the CPU, and on a GPU with ``--require-gpu``."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import numpy as np
import pytest

from calcarium_kernels import selfcheck
from calcarium_kernels.host import HostKernels

SCAN = np.random.default_rng(4).integers(-900, 900, (8, 60, 70), dtype=np.int16)


def test_without_a_gpu_none_is_reported() -> None:
    check = selfcheck.self_check("numpy", n_volumes=20, scan=SCAN)
    assert check.passed
    assert not check.gpu_was_measured
    assert check.device == ""
    assert "no GPU was measured" in selfcheck.summary(check)
    assert json.loads(json.dumps(asdict(check)))["n_volumes"] == 20


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


def test_a_gpu_passes(request: pytest.FixtureRequest) -> None:
    if not request.config.getoption("--require-gpu", default=False):
        pytest.skip("runs with --require-gpu")
    check = selfcheck.self_check("cupy")
    assert check.passed, selfcheck.summary(check)

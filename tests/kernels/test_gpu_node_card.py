"""What the node benchmark does with a card, on a stand-in of ``nvidia-smi`` and of CuPy."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
import pytest
from fake_cupy import FAKE_NDIMAGE, FakeCupy
from host_shim import require_compiler

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
import gpu_node_card
import gpu_node_rivals
from gpu_node_card import CopyToDevice, CopyToPinned, find_card, watched
from gpu_node_stages import STAGES, study_stages

from calcarium.phantom.study import StudyOrder, write_study
from calcarium_kernels.device import claim

SMI = """#!/bin/sh
case "$*" in
-L) echo "GPU 0: Some Card (UUID: GPU-a)"; echo "GPU 1: Some Card (UUID: GPU-b)" ;;
*name*) echo "Some Card, 580.65, 81559"; echo "Some Card, 580.65, 81559" ;;
*utilization*-lms*) echo "10, 500"; echo "[N/A], 600"; echo "30, 700"; exec sleep 60 ;;
*) exit 3 ;;
esac
"""


@pytest.fixture
def smi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text(SMI)
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(gpu_node_card, "_cuda_versions", lambda: {"driver": 13000})


@pytest.mark.usefixtures("smi")
def test_cards_are_described_as_the_driver_does() -> None:
    found = find_card("auto")
    assert found == {
        "name": "Some Card",
        "count": 2,
        "driver": "580.65",
        "memory_mib": 81559.0,
        "cuda": {"driver": 13000},
    }
    assert find_card("numpy") is None


@pytest.mark.usefixtures("smi")
def test_how_busy_a_card_was_is_the_mean_of_samples() -> None:
    with watched({"name": "Some Card"}) as seen:
        time.sleep(0.5)
    assert seen == {"gpu_busy_share": 0.2, "gpu_memory_mib": 700.0}
    with watched(None) as seen:
        pass
    assert seen == {"gpu_busy_share": None, "gpu_memory_mib": None}


@pytest.fixture
def cupy(monkeypatch: pytest.MonkeyPatch) -> FakeCupy:
    require_compiler()
    fake = FakeCupy()
    monkeypatch.setattr(claim, "claim_device", lambda: "0")
    monkeypatch.setitem(sys.modules, "cupy", fake)
    return fake


def test_floors_of_a_card_move_every_byte_of_a_volume(cupy: FakeCupy) -> None:
    slices = 150  # more than the pinned buffer holds at once
    copied = 0
    plain = cupy.cuda.runtime.memcpyAsync

    def counted(to: int, origin: int, n_bytes: int, kind: int, stream: int) -> None:
        nonlocal copied
        copied += n_bytes
        plain(to, origin, n_bytes, kind, stream)

    cupy.cuda.runtime.memcpyAsync = counted
    CopyToPinned(slices).prepare(0)(0)
    assert copied == 0
    CopyToDevice(slices).prepare(0)(0)
    assert copied == slices * 512 * 512 * 2


@pytest.mark.usefixtures("cupy")
def test_other_programs_on_a_card(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cupyx.scipy.ndimage", FAKE_NDIMAGE)
    hu = np.random.default_rng(8).integers(-200, 200, (3, 40, 50), dtype=np.int16)
    (islands,) = gpu_node_rivals._cupy_kernels(hu)()
    sizes, sums = gpu_node_rivals._cupyx_label(hu)()
    assert sorted(islands.area_px) == sorted(sizes[1:])
    assert sorted(islands.total) == sorted(sums[1:])


def test_stages_are_timed_on_a_card(cupy: FakeCupy, tmp_path: Path) -> None:
    for number in (1, 2):
        order = StudyOrder(number, seed=11, matrix=128, calcified=True)
        write_study(tmp_path, order)
    studies = sorted((tmp_path / "dicom").iterdir())
    found = study_stages(studies, str(tmp_path / "masks"), "cupy")
    assert all(found[f"{stage}_s"] > 0 for stage in STAGES)
    assert "pack_labelled" in cupy.shim.launched
    assert np.isfinite(found["peak_bytes_above_start"])

"""Processes of a node share its devices, and choose before CuPy is there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from calcarium_kernels.device.claim import visible_devices

HOLD = """
import sys
from calcarium_kernels.device.claim import claim_device
print(claim_device(sys.argv[1].split()), flush=True)
sys.stdin.read()
"""


def start(folder, devices="0 1 2", job=""):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, devices],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(folder), "SLURM_JOB_ID": job},
    )
    return process, process.stdout.readline().strip()


def end(process):
    process.kill()
    process.communicate()


def test_processes_go_round_the_devices_and_the_dead_give_theirs_back(tmp_path):
    started = [start(tmp_path) for _ in range(5)]
    assert [device for _, device in started] == ["0", "1", "2", "0", "1"]
    end(started[1][0])
    again = start(tmp_path)
    assert again[1] == "1"
    for process, _ in (*started[:1], *started[2:], again):
        end(process)


def test_jobs_of_slurm_and_other_lists_of_devices_keep_their_balance(tmp_path):
    alike = [start(tmp_path, "0 1", job) for job in ("7", "8", "7", "8")]
    assert [device for _, device in alike] == ["0", "0", "1", "1"]
    mixed = [start(tmp_path, devices) for devices in ("GPU-b", "GPU-a GPU-b", "MIG-GPU-1/2/0")]
    assert [device for _, device in mixed] == ["GPU-b", "GPU-a", "MIG-GPU-1/2/0"]
    for process, _ in (*alike, *mixed):
        end(process)


def test_devices_that_the_environment_allows(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3, GPU-aa,")
    assert visible_devices() == ("3", "GPU-aa")
    for none in ("", "-1", "NoDevFiles", "none"):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", none)
        assert visible_devices() == ()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "MIG-GPU-1/2/0,-1,4")  # CUDA stops at -1
    assert visible_devices() == ("MIG-GPU-1/2/0",)


LISTED = """\
GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-aa)
  MIG 3g.20gb     Device  0: (UUID: MIG-a0)
  MIG 3g.20gb     Device  1: (UUID: MIG-a1)
GPU 1: NVIDIA H100 PCIe (UUID: GPU-bb)
GPU 2: NVIDIA A100-SXM4-40GB (UUID: GPU-cc)
  MIG 7g.40gb     Device  0: (UUID: MIG-c0)
"""


def test_all_that_nvidia_smi_lists_by_uuid_and_divided_ones_by_their_parts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert visible_devices() == ()
    tool = tmp_path / "nvidia-smi"
    tool.write_text(f"#!/bin/sh\n[ \"$1\" = -L ] || exit 2\nprintf '{LISTED}'\n")
    tool.chmod(0o755)
    assert visible_devices() == ("MIG-a0", "MIG-a1", "GPU-bb", "MIG-c0")


def test_a_process_keeps_its_device(tmp_path: Path) -> None:
    """Also when it asks again after its backend failed to start, with CuPy imported by then."""
    code = (
        "import sys, types\n"
        "from calcarium_kernels.device.claim import claim_device\n"
        "first = claim_device(('4', '5'))\n"
        "sys.modules['cupy'] = types.ModuleType('cupy')\n"
        "print(first, claim_device(('4', '5')))"
    )
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert done.stdout.split() == ["4", "4"]


@pytest.mark.parametrize(
    ("first", "said"),
    [
        ("import types; sys.modules['cupy'] = types.ModuleType('cupy')", "imported before"),
        ("", "no CUDA device"),
    ],
)
def test_refusals(first, said):
    code = f"import sys; {first}\nfrom calcarium_kernels.device.claim import *\nclaim_device(())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert said in done.stderr

"""Processes of a node share its devices, and choose before CuPy is there."""

from __future__ import annotations

import subprocess
import sys

import pytest

from calcarium_kernels.device.claim import visible_devices

HOLD = """
import sys
from pathlib import Path
from calcarium_kernels.device.claim import claim_device
print(claim_device(("0", "1", "2"), Path(sys.argv[1])), flush=True)
sys.stdin.read()
"""


def start(folder):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
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


def test_devices_that_the_environment_allows(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3, GPU-aa,")
    assert visible_devices() == ("3", "GPU-aa")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert visible_devices() == ()


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

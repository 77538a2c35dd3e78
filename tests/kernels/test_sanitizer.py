"""The kernels under compute-sanitizer: an optional rung, on a card only.

``pytest tests/kernels/test_sanitizer.py --require-gpu`` with the tool in PATH.  Its initcheck
is left out: bits of labels are written only where a voxel passes, and looked at only there.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CHECK = Path(__file__).parent / "card_check.py"
FOUND = 9
N_TRIALS = 60


def sanitized(tool: str) -> subprocess.CompletedProcess[str]:
    """The check of the card under one tool of compute-sanitizer."""
    command = ["compute-sanitizer", "--tool", tool, "--error-exitcode", str(FOUND)]
    return subprocess.run(
        [*command, sys.executable, str(CHECK), str(N_TRIALS)],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("tool", ["memcheck", "racecheck", "synccheck"])
def test_the_sanitizer_finds_nothing(request: pytest.FixtureRequest, tool: str) -> None:
    if not request.config.getoption("--require-gpu", default=False):
        pytest.skip("runs with --require-gpu")
    if shutil.which("compute-sanitizer") is None:
        pytest.skip("compute-sanitizer is not in PATH; it comes with the CUDA toolkit")
    done = sanitized(tool)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "equal" in done.stdout


def test_the_check_is_run_under_the_tool_and_does_not_pass_without_a_card(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With a stand-in for compute-sanitizer that runs what it is given."""
    tool = tmp_path / "compute-sanitizer"
    tool.write_text('#!/bin/sh\necho "$1 $2 $3 $4"\nshift 4\nexec "$@"\n')
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    done = sanitized("memcheck")
    assert done.stdout.startswith(f"--tool memcheck --error-exitcode {FOUND}")
    assert done.returncode == 1
    assert "no card to check" in done.stderr
    assert "equal" not in done.stdout

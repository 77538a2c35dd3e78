"""``--require-gpu`` never passes without a card, and runs every contract test on one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from host_shim import require_compiler

HERE = Path(__file__).parent


def pytest_with(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--require-gpu"]
    return subprocess.run(
        [*command, *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(HERE), **environment},
        check=False,
    )


def test_without_a_card_the_run_ends_with_a_sentence_and_not_with_0() -> None:
    done = pytest_with(str(HERE / "test_block_sum.py"), CUDA_VISIBLE_DEVICES="-1")
    assert done.returncode == 1
    assert "--require-gpu, and there is none to be had" in done.stdout + done.stderr
    assert "passed" not in done.stdout


def test_every_contract_test_runs_on_the_card_too() -> None:
    """The card is the host shim behind a stand-in of CuPy."""
    require_compiler()
    files = [str(HERE / name) for name in ("test_block_sum.py", "test_islands.py")]
    plugin = ("-p", "require_gpu_on_shim")
    done = pytest_with(*files, "-k", "cupy", *plugin)
    assert done.returncode == 0, done.stdout
    counts = {
        backend: pytest_with(*files, "-k", backend, "--collect-only", *plugin).stdout.count("::")
        for backend in ("cupy", "numpy")
    }
    assert counts["cupy"] == counts["numpy"] > 50

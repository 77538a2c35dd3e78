"""Faults planted in the CUDA sources are found: the checks on the host shim still bite.

And the sources as they are run clean under the address and undefined-behaviour sanitizers.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from host_shim import build, require_compiler

from calcarium_kernels.device.runtime import CUDA_SOURCES

CHECK = Path(__file__).parent / "shim_check.py"
FIRST_BARRIER = "if (lane == 31) warp_sum[warp] = sum;\n    __syncthreads();"
# name -> (file, as it is, with the fault)
MUTANTS = {
    "a minimum that is no atomic": (
        "unite.cuh",
        "const i32 old = atomicMin(parent + a, b);",
        "const i32 old = LOAD_RELAXED(parent + a); if (b < old) STORE_RELAXED(parent + a, b);",
    ),
    "a lost race is not followed up": ("unite.cuh", "a = old;              //", "return; //"),
    "no barrier before the sums are read": (
        "scan.cuh",
        FIRST_BARRIER,
        FIRST_BARRIER.replace("__syncthreads();", ""),
    ),
    "no barrier before the sums are written again": (
        "scan.cuh",
        "__syncthreads(); // warp_sum",
        "// warp_sum",
    ),
    "a barrier that some threads do not reach": (
        "runs.cuh",
        "if (w >= words_per_plane) break;\n        const u32 bits = plane[w];",
        "if (w >= words_per_plane) return;\n        const u32 bits = plane[w];",
    ),
    "an area that is no atomic": (
        "measure.cuh",
        "atomicAdd((u64 *)record + AREA, (u64)length);",
        "const i64 area = record[AREA]; LOAD_RELAXED(parent); record[AREA] = area + length;",
    ),
    "the end of a row one voxel late": ("pack.cuh", "if (left < CHUNK)", "if (left < CHUNK - 1)"),
    "runs that ignore a change of label": ("runs.cuh", "(~(bits << 1) | change)", "~(bits << 1)"),
    "words that are not joined": ("unite.cuh", "mask[run_word[i] - 1] >> 31", "false"),
    "a neighbour's window one column short": (
        "runs.cuh",
        "(ALL_LANES >> (31 - to))",
        "(ALL_LANES >> (31 - to) >> 1)",
    ),
    "lesions joined over the wrong row": ("unite.cuh", "(step > 0) * rows", "(step > 1) * rows"),
}
SANITIZED_MUTANTS = {
    "runs written beyond the list": ("runs.cuh", "if (run >= capacity) continue;", ""),
    "words read beyond the last": (
        "runs.cuh",
        "bits[k] = w < words_per_plane ? mask[plane + w] : 0u;",
        "bits[k] = mask[plane + w + 1];",
    ),
    "a shift by a whole word": ("runs.cuh", "first < 31 ?", "first < 32 ?"),
}


def mutant(tmp_path: Path, file: str, original: str, fault: str) -> Path:
    """A copy of the sources with one place changed; that place must exist once."""
    sources = tmp_path / "cuda"
    shutil.copytree(CUDA_SOURCES, sources)
    text = (sources / file).read_text()
    assert text.count(original) == 1, f"{file} has changed: plant the fault anew"
    (sources / file).write_text(text.replace(original, fault))
    return sources


def run_check(
    library: Path, n_trials: int, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """The check in a process of its own: a fault may take the process with it."""
    command = [sys.executable, str(CHECK), str(library), str(n_trials)]
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        env={**os.environ, **(environment or {})},
        check=False,
        timeout=120,
    )


def run_sanitized(library: Path, n_trials: int) -> subprocess.CompletedProcess[str]:
    """The check with the sanitizers' library loaded first."""
    preload = subprocess.run(
        ["g++", "-print-file-name=libasan.so"], check=True, capture_output=True, text=True
    ).stdout.strip()
    # The interpreter does not free all that it takes.
    options = {"LD_PRELOAD": preload, "ASAN_OPTIONS": "detect_leaks=0", "PYTHONMALLOC": "malloc"}
    return run_check(library, n_trials, options)


def test_the_sources_as_they_are_pass() -> None:
    require_compiler()
    done = run_check(build(), 60)
    assert (done.returncode, done.stdout) == (0, "equal\n"), done.stderr


@pytest.mark.parametrize("name", sorted(MUTANTS))
def test_planted_faults_are_found(tmp_path: Path, name: str) -> None:
    require_compiler()
    done = run_check(build(mutant(tmp_path, *MUTANTS[name])), 60)
    assert done.returncode != 0
    # Not for another reason, such as an import; a negative status is a signal.
    seen = ("AssertionError", "DeviceError", "IndexError", "MemoryError")
    assert done.returncode < 0 or any(error in done.stderr for error in seen), done.stderr


def test_sanitizers_find_nothing() -> None:
    require_compiler()
    done = run_sanitized(build(flags="sanitized"), 100)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "equal\n"


@pytest.mark.parametrize("name", sorted(SANITIZED_MUTANTS))
def test_sanitizers_find_planted_faults(tmp_path: Path, name: str) -> None:
    require_compiler()
    sources = mutant(tmp_path, *SANITIZED_MUTANTS[name])
    done = run_sanitized(build(sources, flags="sanitized"), 60)
    assert done.returncode != 0
    assert "AddressSanitizer" in done.stderr or "runtime error" in done.stderr

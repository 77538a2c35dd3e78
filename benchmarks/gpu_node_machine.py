"""What a result was measured on: processor, memory, disk, versions, commit."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

PACKAGES = (
    "calcarium",
    "numpy",
    "scipy",
    "pydicom",
    "imagecodecs",
    "dask",
    "distributed",
    "pyarrow",
    "duckdb",
    "cupy-cuda12x",
    "cupy-cuda13x",
)


def describe_machine(work: Path) -> dict[str, object]:
    """Processor, cores, memory, and the file system that the archives lie on."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(pages / 2**30, 1),
        "system": platform.platform(),
        "storage": _file_system(work),
    }


def describe_software() -> dict[str, object]:
    """Versions, the commit of calcarium and whether the tree differs from it, the time."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return {
        "versions": found,
        "commit": _git("rev-parse", "HEAD"),
        "changed": bool(_git("status", "--porcelain", "--untracked-files=no")),
        "measured_at": datetime.now(UTC).isoformat(timespec="minutes"),
    }


def busy_share() -> float:
    """Share of the processor that is busy for a second, when nothing of the benchmark runs."""
    return float(psutil.cpu_percent(interval=1.0)) / 100


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def _file_system(folder: Path) -> str:
    """Type of the mount that a folder lies on, such as ``ext4`` or ``nfs4``."""
    mounts = [line.split()[1:3] for line in Path("/proc/mounts").read_text().splitlines()]
    here = folder.resolve()
    above = [(point, kind) for point, kind in mounts if here.is_relative_to(point)]
    return max(above, key=lambda one: len(one[0]))[1] if above else "unknown"


def _git(*words: str) -> str | None:
    command = ["git", "-C", str(Path(__file__).parent), *words]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None

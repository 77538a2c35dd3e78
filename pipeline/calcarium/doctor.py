"""What this machine has, what is missing, and how to get it."""

from __future__ import annotations

import json
import os
import platform
import shutil
import socket
import tempfile
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from calcarium_kernels.contract import Stored
    from calcarium_kernels.selfcheck import SelfCheck

# Volumes that are compared: numpy is its own twin, so few are enough to try the check itself.
N_VOLUMES: dict[str, int] = {"numpy": 60, "cupy": 500}

State: TypeAlias = Literal["ok", "missing", "note"]

CORE = (
    "numpy",
    "scipy",
    "pydicom",
    "imagecodecs",
    "pyarrow",
    "duckdb",
    "dask",
    "distributed",
    "fsspec",
    "pydantic",
    "nibabel",
    "pynrrd",
)


@dataclass(frozen=True)
class Finding:
    """One line of the report."""

    area: str
    name: str
    state: State
    detail: str


def examine() -> list[Finding]:
    """Everything that a run may need, in the order in which it is needed."""
    return [*_machine(), *_packages(), *_codecs(), *_extras(), _device()]


def _machine() -> list[Finding]:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    free = shutil.disk_usage(".").free
    return [
        Finding("machine", "python", "ok", f"{platform.python_version()} on {platform.system()}"),
        Finding("machine", "cores", "ok", str(cores)),
        Finding("machine", "memory", "ok", f"{pages / 2**30:.1f} GiB"),
        Finding("machine", "disk here", "ok", f"{free / 2**30:.1f} GiB free"),
    ]


def _packages() -> list[Finding]:
    return [_package("package", name, "pip install calcarium") for name in CORE]


def _package(area: str, name: str, install: str) -> Finding:
    try:
        return Finding(area, name, "ok", version(name))
    except PackageNotFoundError:
        return Finding(area, name, "missing", install)


def _codecs() -> list[Finding]:
    from calcarium.volume.codecs import codecs

    return [
        Finding(
            "transfer syntax",
            f"{codec.name} ({codec.transfer_syntax_uid})",
            "ok" if codec.available else "missing",
            codec.package if codec.available else f"pip install {codec.package}",
        )
        for codec in codecs()
    ]


def _extras() -> list[Finding]:
    return [
        _package("extra", "highdicom", "pip install 'calcarium[seg]'  (DICOM SEG masks)"),
        _package("extra", "onnxruntime", "pip install 'calcarium[network]'  (your own network)"),
    ]


def _device() -> Finding:
    if find_spec("cupy") is None:
        install = "pip install 'calcarium[cuda12]' or 'calcarium[cuda13]', by your driver"
        return Finding("device", "CuPy", "missing", f"{install}; numpy is used without it")
    from calcarium_kernels import load

    try:
        load("cupy")
    except RuntimeError as error:
        return Finding("device", "CUDA", "missing", f"{error}; numpy is used without it")
    import cupy

    names = [
        cupy.cuda.runtime.getDeviceProperties(index)["name"].decode()
        for index in range(cupy.cuda.runtime.getDeviceCount())
    ]
    return Finding("device", "CUDA", "ok", ", ".join(names))


def check_kernels(backend: Literal["auto", "numpy", "cupy"], scan: str | None) -> SelfCheck:
    """Prove a backend on this machine, on the user's own scan too where one is given.

    Parameters
    ----------
    scan : folder or URL of DICOM files; the first that makes a volume is taken

    Raises
    ------
    UsageError
        if the backend cannot be had, or no scan is found.
    """
    from calcarium.batch.backend import choose_backend
    from calcarium.errors import UsageError
    from calcarium_kernels.selfcheck import self_check

    chosen = choose_backend(backend)
    stored = None if scan is None else first_scan(scan)
    try:
        return self_check(chosen, n_volumes=N_VOLUMES[chosen], scan=stored)
    except RuntimeError as error:
        raise UsageError(f"--backend {chosen}: {error}") from error


def first_scan(scan: str) -> Stored:
    """Stored integers, shape (z, y, x), of the first scan whose files make a volume.

    Raises
    ------
    UsageError
        if there is none, with the reasons why scans were refused.
    """
    from calcarium.config import load_protocol
    from calcarium.errors import ScanExcluded, UsageError
    from calcarium.intake.index import build_index
    from calcarium.intake.studies import iter_studies
    from calcarium.volume import load_volume

    rules = next(iter(load_protocol("auto").by_class.values())).volume
    refused = set()
    with tempfile.TemporaryDirectory() as index:
        build_index([scan], Path(index))
        for study in iter_studies(Path(index)):
            for one in study.scans:
                try:
                    return load_volume(one, rules).stored
                except ScanExcluded as error:
                    refused.add(error.reason)
    why = f": {', '.join(sorted(refused))}" if refused else ""
    raise UsageError(f"--scan {scan}: no scan whose files make a volume{why}")


def write_check(check: SelfCheck, path: Path) -> None:
    """Write a self-check as JSON, with the machine and the versions that it ran on."""
    machine = {"host": socket.gethostname(), "system": platform.platform(), "cpus": os.cpu_count()}
    versions = {name: version(name) for name in ("calcarium", "numpy", "scipy")}
    result = asdict(check) | {"passed": check.passed, "machine": machine, "versions": versions}
    path.write_text(json.dumps(result, indent=2) + "\n")

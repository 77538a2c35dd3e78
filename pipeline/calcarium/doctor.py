"""What this machine has, what is missing, and how to get it."""

from __future__ import annotations

import os
import platform
import shutil
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Literal, TypeAlias

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

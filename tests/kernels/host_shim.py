"""The CUDA sources compiled as C++ and run on the CPU: a device for :class:`DeviceKernels`.

Test code only.  ``ShimRuntime`` stands where :class:`CupyRuntime` stands in the product;
everything else of the device backend is the product's own code.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from calcarium_kernels.device.runtime import CUDA_SOURCES, Argument, DeviceError, Dim

SHIM = Path(__file__).parent / "shim" / "cuda_host.h"
FLAGS = {
    "plain": ["-O2"],
    "sanitized": [
        "-O1",
        "-g",
        "-fsanitize=address,undefined",
        "-fno-sanitize-recover=undefined",
        "-fno-omit-frame-pointer",
    ],
}


def require_compiler() -> None:
    """Skip where the shim cannot be built."""
    if platform.machine() != "x86_64":
        pytest.skip("the host shim is written for x86-64")
    if shutil.which("g++") is None:
        pytest.skip("the host shim needs g++")


@dataclass(frozen=True)
class Schedule:
    """In which order fibers run: 0 forward, 1 backward, 2 random."""

    resident: int = 1
    order: int = 0
    yield_chance: int = 0
    seed: int = 1


class _Schedule(ctypes.Structure):
    _fields_ = (
        ("resident", ctypes.c_int),
        ("order", ctypes.c_int),
        ("yield_chance", ctypes.c_uint32),
        ("seed", ctypes.c_uint64),
    )


def build(sources: Path = CUDA_SOURCES, flags: str = "plain") -> Path:
    """Shared library of the kernels, built once per content of ``sources``."""
    text = "".join(path.read_text() for path in sorted(sources.iterdir()))
    names = kernel_names(text)
    unit = '#include "kernels.cu"\n' + "".join(f"EXPORT_KERNEL({name})\n" for name in names)
    content = "\n".join([text, SHIM.read_text(), unit, *FLAGS[flags]])
    folder = Path(tempfile.gettempdir()) / f"calcarium-shim-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    library = folder / f"{hashlib.sha256(content.encode()).hexdigest()[:16]}.so"
    if not library.exists():
        part = library.with_suffix(f".{os.getpid()}.cpp")
        part.write_text(unit)
        command = ["g++", "-std=c++17", "-fPIC", "-shared", "-Wall", "-Wno-unknown-pragmas"]
        command += [*FLAGS[flags], "-include", str(SHIM), f"-I{sources}", str(part)]
        built = part.with_suffix(".so")
        subprocess.run([*command, "-o", str(built)], check=True, capture_output=True, text=True)
        built.rename(library)
        part.unlink()
    return library


def kernel_names(text: str) -> list[str]:
    """Names of the kernels that a source defines, in order."""
    return re.findall(r"^KERNEL\s+(?:LAUNCHED|__launch_bounds__\(\w+\))\s+(\w+)\(", text, re.M)


class ShimRuntime:
    """A device made of fibers; see :class:`calcarium_kernels.device.runtime.Runtime`.

    Every buffer is as large as was asked for, and new each time it grows, so that an
    address sanitizer sees what leaves it.  Fresh memory is garbage.
    """

    def __init__(
        self,
        library: Path,
        schedule: Schedule | None = None,
        *,
        multiprocessors: int = 1,
        memory_limit_bytes: int | None = None,
    ) -> None:
        self._library = ctypes.CDLL(str(library))
        self._schedule = Schedule() if schedule is None else schedule
        self.multiprocessors = multiprocessors
        self._limit = memory_limit_bytes
        self._buffers: dict[str, NDArray[np.uint8]] = {}
        self.launched: list[str] = []
        self.releases = 0

    def buffer(self, name: str, n_bytes: int) -> NDArray[np.uint8]:
        held = self._buffers.get(name)
        if held is None or held.size < n_bytes:
            others = sum(b.size for key, b in self._buffers.items() if key != name)
            if self._limit is not None and others + n_bytes > self._limit:
                raise MemoryError(f"{name}: {n_bytes} bytes beside {others}")
            held = self._buffers[name] = np.full(max(n_bytes, 1), 0xA5, dtype=np.uint8)
        return held

    def staging(self, n_bytes: int) -> NDArray[np.uint8]:
        return np.full(n_bytes, 0x5A, dtype=np.uint8)

    def upload(
        self, source: NDArray[np.generic], target: NDArray[np.uint8], offset_bytes: int = 0
    ) -> None:
        assert source.flags.c_contiguous
        raw = source.reshape(-1).view(np.uint8)
        target[offset_bytes : offset_bytes + raw.size] = raw

    def download(self, source: NDArray[np.uint8], target: NDArray[np.generic]) -> None:
        assert target.flags.c_contiguous
        raw = target.reshape(-1).view(np.uint8)
        raw[...] = source[: raw.size]

    def launch(self, kernel: str, grid: Dim, block: Dim, *arguments: Argument) -> None:
        self.launched.append(kernel)
        sizes, pointers = (ctypes.c_int * 64)(), (ctypes.c_int * 64)()
        n = getattr(self._library, f"signature_{kernel}")(sizes, pointers)
        assert n == len(arguments), f"{kernel} takes {n} arguments, not {len(arguments)}"
        held = [
            _as_c(argument, sizes[i], pointers[i], f"{kernel}, argument {i}")
            for i, argument in enumerate(arguments)
        ]
        addresses = (ctypes.c_void_p * n)(*(ctypes.addressof(value) for value in held))
        run = getattr(self._library, f"run_{kernel}")
        run.restype = ctypes.c_char_p
        plan = self._schedule
        schedule = _Schedule(
            plan.resident, plan.order, plan.yield_chance, plan.seed + len(self.launched)
        )
        error = run(addresses, _dim(grid), _dim(block), ctypes.byref(schedule))
        if error:
            raise DeviceError(f"{kernel}: {error.decode()}")

    def release(self) -> None:
        self.releases += 1
        self._buffers.clear()


def _dim(size: Dim) -> ctypes.Array[ctypes.c_uint]:
    return (ctypes.c_uint * 3)(*size, *[1] * (3 - len(size)))


def _as_c(argument: Argument, size: int, is_pointer: int, where: str) -> ctypes._CData:
    """What a launch would put on the device's stack; a scalar of another width is refused."""
    if argument is None or isinstance(argument, np.ndarray):
        assert is_pointer, f"{where}: a buffer for a scalar"
        return ctypes.c_void_p(None if argument is None else argument.ctypes.data)
    assert isinstance(argument, np.generic), f"{where}: {type(argument)} has no width"
    assert not is_pointer, f"{where}: a scalar for a buffer"
    assert argument.nbytes == size, f"{where}: {argument.nbytes} bytes, {size} are read"
    return ctypes.create_string_buffer(argument.tobytes(), size)

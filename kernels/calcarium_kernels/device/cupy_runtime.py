"""A CUDA device through CuPy."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import ModuleType
from typing import Protocol, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from calcarium_kernels.device.runtime import (
    CUDA_SOURCES,
    KERNELS,
    Argument,
    Buffer,
    DeviceError,
    Dim,
)

INSTALL = "pip install 'calcarium[cuda13]' for CUDA 13 drivers, 'calcarium[cuda12]' for CUDA 12"
HOST_TO_DEVICE, DEVICE_TO_HOST, ON_DEVICE = 1, 2, 3
SPARE = 1.25  # a buffer that grows takes more than asked, so that the next scan fits too

_Kernel: TypeAlias = Callable[[Dim, Dim, tuple[Argument, ...]], None]
NULL = np.uintp(0)


class _Memory(Buffer, Protocol):
    """``cupy.cuda.MemoryPointer``, as far as it is used; CuPy has no types."""

    ptr: int


class _Module(Protocol):
    """``cupy.RawModule``, as far as it is used."""

    def get_function(self, name: str) -> _Kernel: ...


class CupyRuntime:
    """The current CUDA device; see :class:`.Runtime`.

    Parameters
    ----------
    memory_limit_bytes : share of the device for buffers of this process; ``None`` leaves it
        to CuPy, which obeys ``CUPY_GPU_MEMORY_LIMIT``

    Raises
    ------
    RuntimeError
        if CuPy, its compiler or a device is missing; the message says what to do
    DeviceError
        if there is a device and it gives way
    """

    def __init__(self, memory_limit_bytes: int | None = None) -> None:
        self._cupy = _import_cupy()
        cuda = self._cupy.cuda
        _require_device(cuda)
        self._errors = (cuda.runtime.CUDARuntimeError, cuda.driver.CUDADriverError)
        with self._reported():
            self.multiprocessors = int(cuda.Device().attributes["MultiProcessorCount"])
            self._stream = cuda.Stream(non_blocking=True)
        self._pool = cuda.MemoryPool()
        if memory_limit_bytes is not None:
            self._pool.set_limit(size=memory_limit_bytes)
        self._module = self._compile()
        self._kernels: dict[str, _Kernel] = {}
        self._buffers: dict[str, tuple[int, _Memory]] = {}
        self._staging = np.empty(0, dtype=np.uint8)

    def buffer(self, name: str, n_bytes: int) -> Buffer:
        """Memory of at least ``n_bytes`` for this name."""
        held = self._buffers.get(name)
        if held is not None and held[0] >= n_bytes:
            return held[1]
        grows = held is not None
        held = None  # the pool may use the old one for the new one
        self._buffers.pop(name, None)
        if grows:
            with suppress(MemoryError):
                return self._allocate(name, int(n_bytes * SPARE))
        return self._allocate(name, max(n_bytes, 1))

    def staging(self, n_bytes: int) -> NDArray[np.uint8]:
        """Pinned host memory."""
        if self._staging.size < n_bytes:
            size = 1 << (n_bytes - 1).bit_length()  # CuPy keeps those outgrown, so few of them
            with self._reported():
                pinned = self._cupy.cuda.alloc_pinned_memory(size)
            self._staging = np.frombuffer(pinned, dtype=np.uint8, count=size)
        return self._staging[:n_bytes]

    def upload(self, source: NDArray[np.generic], target: Buffer, offset_bytes: int = 0) -> None:
        """Copy to the device, and wait."""
        to = cast(_Memory, target).ptr + offset_bytes
        self._copy(to, source.ctypes.data, source.nbytes, HOST_TO_DEVICE)

    def download(self, source: Buffer, target: NDArray[np.generic]) -> None:
        """Copy from the device, and wait."""
        self._copy(target.ctypes.data, cast(_Memory, source).ptr, target.nbytes, DEVICE_TO_HOST)

    def copy_on_device(self, source: Buffer, target: Buffer, n_bytes: int) -> None:
        """Copy from one buffer to another, and wait."""
        self._copy(cast(_Memory, target).ptr, cast(_Memory, source).ptr, n_bytes, ON_DEVICE)

    def launch(self, kernel: str, grid: Dim, block: Dim, *arguments: Argument) -> None:
        """Start a kernel on the one stream."""
        with self._reported(), self._stream:
            if kernel not in self._kernels:
                self._kernels[kernel] = self._module.get_function(kernel)
            passed = tuple(NULL if argument is None else argument for argument in arguments)
            self._kernels[kernel](grid, block, passed)

    def wait(self) -> None:
        """Return when everything that was launched has ended."""
        with self._reported():
            self._stream.synchronize()

    def release(self) -> None:
        """Free all buffers and the pool behind them."""
        self.wait()
        with self._reported():
            self._buffers.clear()
            self._pool.free_all_blocks()

    def _allocate(self, name: str, n_bytes: int) -> _Memory:
        with self._reported(), self._stream:
            try:
                memory = cast(_Memory, self._pool.malloc(n_bytes))
            except MemoryError:  # the limit counts what lies free in the pool as well
                self._pool.free_all_blocks()
                memory = cast(_Memory, self._pool.malloc(n_bytes))
        self._buffers[name] = (n_bytes, memory)
        return memory

    def _copy(self, to: int, origin: int, n_bytes: int, kind: int) -> None:
        with self._reported():
            self._cupy.cuda.runtime.memcpyAsync(to, origin, n_bytes, kind, self._stream.ptr)
        self.wait()

    def _compile(self) -> _Module:
        sources = b"".join(path.read_bytes() for path in sorted(CUDA_SOURCES.iterdir()))
        # CuPy's cache does not look into included files: the hash tells it of a change.
        version = hashlib.sha256(sources).hexdigest()[:16]
        module = self._cupy.RawModule(
            code=KERNELS.read_text(),
            options=("--std=c++17", f"-I{CUDA_SOURCES}", f"-DSOURCES={version}"),
        )
        compilation = self._cupy.cuda.compiler.CompileException
        try:
            with self._reported():  # it loads the module too: that needs a working device
                module.compile()
        except DeviceError:
            raise
        except (ImportError, OSError, RuntimeError, compilation) as error:
            raise RuntimeError(f"CuPy cannot compile kernels ({error}): {INSTALL}") from error
        return cast(_Module, module)

    @contextmanager
    def _reported(self) -> Iterator[None]:
        try:
            yield
        except self._errors as error:
            raise DeviceError(
                f"CUDA device {os.environ.get('CUDA_VISIBLE_DEVICES', '0')}: {error}"
            ) from error


def _import_cupy() -> ModuleType:
    try:
        import cupy
    except ImportError as error:
        raise RuntimeError(f"the cupy backend needs CuPy ({error}): {INSTALL}") from error
    return cast(ModuleType, cupy)


def _require_device(cuda: ModuleType) -> None:
    try:
        count = cuda.runtime.getDeviceCount()
    except cuda.runtime.CUDARuntimeError as error:
        raise RuntimeError(
            f"no CUDA device is visible ({error}); nvidia-smi shows what is there"
        ) from error
    if count == 0:
        visible = os.environ.get("CUDA_VISIBLE_DEVICES")
        raise RuntimeError(f"no CUDA device is visible (CUDA_VISIBLE_DEVICES is {visible!r})")

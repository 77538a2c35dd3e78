"""The part of CuPy that :class:`CupyRuntime` calls, on host memory and the host shim.

Written after CuPy's documentation: what it refuses, CuPy refuses as well.  It shows that the
runtime asks for the right things in the right order, not that a device gives them.
"""

from __future__ import annotations

import ctypes
import time
from importlib.machinery import ModuleSpec
from types import SimpleNamespace

import numpy as np
from host_shim import ShimRuntime, build
from scipy import ndimage


class CUDARuntimeError(RuntimeError):
    pass


class CUDADriverError(RuntimeError):
    pass


class CompileException(Exception):
    """No RuntimeError in CuPy either."""


class OutOfMemoryError(MemoryError):
    pass


class Stream:
    def __init__(self, ptr: int, non_blocking: bool = False) -> None:
        assert non_blocking, "the null stream waits for those of other libraries"
        self.ptr = ptr
        self.pending: list[tuple[int, int, int]] = []
        self.depth = 0

    def __enter__(self) -> Stream:
        self.depth += 1
        return self

    def __exit__(self, *_: object) -> None:
        self.depth -= 1

    def synchronize(self) -> None:
        """Copies are done as late as CUDA may do them."""
        for to, origin, n_bytes in self.pending:
            ctypes.memmove(to, origin, n_bytes)
        self.pending.clear()


class MemoryPointer:
    def __init__(self, pool: MemoryPool, n_bytes: int) -> None:
        self.memory = np.full(n_bytes, 0xA5, dtype=np.uint8)
        self.ptr = self.memory.ctypes.data
        self.pool = pool

    def __del__(self) -> None:
        self.pool.take_back(self.memory.size)


class MemoryPool:
    """Memory comes back with its last reference; what lies free counts for the limit too."""

    def __init__(self) -> None:
        self.used, self.limit = 0, None
        self.free: list[int] = []

    def set_limit(self, size: int) -> None:
        self.limit = size

    def malloc(self, n_bytes: int) -> MemoryPointer:
        found = min((size for size in self.free if size >= n_bytes), default=None)
        if found is not None:
            self.free.remove(found)
            self.free += [found - n_bytes] if found > n_bytes else []
        elif self.limit is not None and self.used + sum(self.free) + n_bytes > self.limit:
            raise OutOfMemoryError(f"{n_bytes} beside {self.used} and {self.free}")
        self.used += n_bytes
        return MemoryPointer(self, n_bytes)

    def take_back(self, n_bytes: int) -> None:
        self.used -= n_bytes
        self.free.append(n_bytes)

    def free_all_blocks(self) -> None:
        self.free.clear()


class OnDevice(np.ndarray):
    """``cupy.ndarray``, as far as others' code on the device is called."""

    def get(self) -> np.ndarray:
        return np.array(self)


def on_device(array) -> OnDevice:
    return np.asarray(array).view(OnDevice)


# ``sys.modules["cupyx.scipy.ndimage"]`` for a test.
FAKE_NDIMAGE = SimpleNamespace(
    label=lambda mask, structure: (on_device(ndimage.label(mask, structure)[0]), -1)
)


class FakeCupy:
    """``sys.modules["cupy"]`` for a test; ``faults`` maps what is called to what it raises."""

    __spec__ = ModuleSpec("cupy", None)
    asarray = staticmethod(on_device)

    def __init__(self, faults: dict[str, Exception] | None = None) -> None:
        self.faults = faults or {}
        self.slow_kind = 0  # of copies that take 20 ms
        self.shim = ShimRuntime(build(), multiprocessors=2)
        self.streams: list[Stream] = []
        self.pools: list[MemoryPool] = []
        self.cuda = SimpleNamespace(
            runtime=SimpleNamespace(
                CUDARuntimeError=CUDARuntimeError,
                getDeviceCount=lambda: self._may_fail("getDeviceCount") or 1,
                getDevice=lambda: 0,
                getDeviceProperties=lambda number: {"name": b"Some Card", "number": number},
                driverGetVersion=lambda: 13000,
                runtimeGetVersion=lambda: 13000,
                memcpyAsync=self._memcpy,
            ),
            driver=SimpleNamespace(CUDADriverError=CUDADriverError),
            compiler=SimpleNamespace(CompileException=CompileException),
            Device=lambda: SimpleNamespace(attributes={"MultiProcessorCount": 2}),
            Stream=lambda **words: self._keep(self.streams, Stream(len(self.streams), **words)),
            MemoryPool=lambda: self._keep(self.pools, MemoryPool()),
            alloc_pinned_memory=lambda n_bytes: memoryview(bytearray(n_bytes)),
        )

    @staticmethod
    def bincount(labels: OnDevice, weights: OnDevice | None = None) -> OnDevice:
        return on_device(np.bincount(labels, weights))

    def RawModule(self, code: str, options: tuple[str, ...]) -> SimpleNamespace:
        assert "#include" in code
        assert isinstance(options, tuple)
        return SimpleNamespace(
            compile=lambda: self._may_fail("compile"), get_function=self._get_function
        )

    def _get_function(self, name: str):
        def launch(grid, block, arguments) -> None:
            self._may_fail("launch")
            (stream,) = (one for one in self.streams if one.depth)
            assert not stream.pending, "a copy was not waited for"
            assert all(type(n) is int and n > 0 for n in (*grid, *block))
            assert len(grid) < 2 or max(grid[1:]) < 65536, "CUDA's limit"
            self.shim.launch(name, grid, block, *map(self._argument, arguments))

        return launch

    @staticmethod
    def _argument(argument):
        if isinstance(argument, MemoryPointer):
            return argument.memory
        if isinstance(argument, np.uintp):
            assert argument == 0
            return None
        return argument

    def _memcpy(self, to: int, origin: int, n_bytes: int, kind: int, stream: int) -> None:
        assert kind in (1, 2, 3)
        self._may_fail("memcpy")
        if kind == self.slow_kind:
            time.sleep(0.02)
        self.streams[stream].pending.append((to, origin, n_bytes))

    def _may_fail(self, what: str) -> None:
        if what in self.faults:
            raise self.faults[what]

    @staticmethod
    def _keep(all_of_them: list, one):
        all_of_them.append(one)
        return one

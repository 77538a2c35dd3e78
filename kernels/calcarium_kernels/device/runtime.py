"""What the kernel chain needs of a device: buffers, copies, launches."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

CUDA_SOURCES = Path(__file__).parent / "cuda"
KERNELS = CUDA_SOURCES / "kernels.cu"


class DeviceError(RuntimeError):
    """The device gave way (other than by being full); its context cannot be trusted any more."""


class Buffer(Protocol):
    """Device memory, opaque to the host."""


Argument: TypeAlias = Buffer | np.generic | None
Dim: TypeAlias = tuple[int, ...]


class Runtime(Protocol):
    """One device with one stream; every call leaves it idle or in order.

    ``buffer`` raises ``MemoryError`` where the device, or the share of it that this
    process may use, is full.  Anything else that goes wrong is a :class:`DeviceError`.
    """

    multiprocessors: int

    def buffer(self, name: str, n_bytes: int) -> Buffer:
        """Memory of at least ``n_bytes``; the same for the same name until it must grow."""
        ...

    def staging(self, n_bytes: int) -> NDArray[np.uint8]:
        """Host memory from which copies are fast; valid until the next call."""
        ...

    def upload(self, source: NDArray[np.generic], target: Buffer, offset_bytes: int = 0) -> None:
        """Copy a C-contiguous array; ``source`` may be written again on return."""
        ...

    def download(self, source: Buffer, target: NDArray[np.generic]) -> None:
        """Fill a C-contiguous array; complete on return."""
        ...

    def launch(self, kernel: str, grid: Dim, block: Dim, *arguments: Argument) -> None:
        """Start a kernel of ``cuda/kernels.cu``; ``None`` is a null pointer."""
        ...

    def release(self) -> None:
        """Give all device memory back."""
        ...

"""The CuPy backend: the numpy backend's integers, computed on a CUDA device.

Importing this loads no CuPy; :class:`DeviceKernels` does.  Read ``cuda/kernels.cu`` for the
kernels, :mod:`.chain` for the order in which they run.
"""

from __future__ import annotations

from calcarium_kernels.device.kernels import DeviceKernels
from calcarium_kernels.device.runtime import DeviceError

__all__ = ["DeviceError", "DeviceKernels"]

"""Threshold, label and measure: arrays in, arrays out. Start with :mod:`.contract`."""

from __future__ import annotations

from typing import Literal

from calcarium_kernels.contract import Kernels


def load(backend: Literal["numpy", "cupy"]) -> Kernels:
    """The kernels of one backend; the only place where a backend is chosen.

    Raises
    ------
    RuntimeError
        if ``cupy`` is asked for and CuPy or a CUDA device is missing; nothing
        falls back silently. The message says what to install.
    """
    if backend == "numpy":
        from calcarium_kernels.host import HostKernels

        return HostKernels()
    from calcarium_kernels.device import DeviceKernels

    return DeviceKernels()

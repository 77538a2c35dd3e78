"""The contract tests run on every backend through the ``kernels`` fixture."""

from __future__ import annotations

import pytest
from host_shim import Schedule, ShimRuntime, build, require_compiler

import calcarium_kernels
from calcarium_kernels.contract import Kernels
from calcarium_kernels.device import DeviceKernels


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Contract tests run on numpy and on the host shim; with ``--require-gpu`` on a GPU too."""
    if "kernels" in metafunc.fixturenames:
        gpu = metafunc.config.getoption("--require-gpu", default=False)
        backends = ["numpy", "host shim", *(["cupy"] if gpu else [])]
        metafunc.parametrize("kernels", backends, indirect=True, scope="session")


def pytest_collection_finish(session: pytest.Session) -> None:
    """End a run that needs a GPU and has none: one sentence, and a status that is not 0."""
    if session.config.getoption("--require-gpu", default=False):
        try:
            calcarium_kernels.load("cupy")
        except RuntimeError as error:
            pytest.exit(f"--require-gpu, and there is none to be had: {error}", returncode=1)


@pytest.fixture(scope="session")
def kernels(request: pytest.FixtureRequest) -> Kernels:
    """Each backend in turn: numpy, the CUDA sources run on the CPU, and a CUDA device."""
    if request.param == "host shim":
        require_compiler()
        return shim_kernels()
    return calcarium_kernels.load(request.param)


@pytest.fixture(scope="session")
def shim() -> DeviceKernels:
    """The device backend on the host shim."""
    require_compiler()
    return shim_kernels()


def shim_kernels() -> DeviceKernels:
    """The CUDA sources with several blocks at once, in the order of a random schedule."""
    schedule = Schedule(resident=3, order=2, yield_chance=3000, seed=20)
    return DeviceKernels(ShimRuntime(build(), schedule, multiprocessors=2))

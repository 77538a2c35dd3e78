"""The contract tests run on every backend through the ``kernels`` fixture."""

from __future__ import annotations

import pytest

import calcarium_kernels
from calcarium_kernels.contract import Kernels


@pytest.fixture(scope="session", params=["numpy"])
def kernels(request: pytest.FixtureRequest) -> Kernels:
    """Each backend in turn."""
    return calcarium_kernels.load(request.param)

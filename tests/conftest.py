"""Fixtures for all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

PUBLIC_DATA = (
    "CALCARIUM_TEST_DATA is not set: this test runs on openly licensed CT "
    "(docs/test-data.md says which, and where they come from)"
)


@pytest.fixture(scope="session")
def test_data() -> Path:
    """Folder of openly licensed CT; the test is skipped where it is not at hand."""
    folder = os.environ.get("CALCARIUM_TEST_DATA")
    if not folder:
        pytest.skip(PUBLIC_DATA)
    return Path(folder)

"""Fixtures for all tests."""

from __future__ import annotations

import os
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pytest
from hypothesis import settings
from numpy.typing import NDArray

from calcarium.intake.records import Acquisition
from calcarium.volume.model import Geometry, Rescale, Volume

MakeVolume: TypeAlias = Callable[..., Volume]

# How long an example takes is up to what else the machine does.
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")

PUBLIC_DATA = (
    "CALCARIUM_TEST_DATA is not set: this test runs on openly licensed CT "
    "(docs/test-data.md says which, and where they come from)"
)


def volume_from_hu(
    hu: NDArray[np.int_],
    *,
    row_spacing_mm: float = 0.6,
    column_spacing_mm: float = 0.5,
    increment_mm: float = 2.5,
    slope: str = "1",
    intercept: str = "-1024",
) -> Volume:
    """Stored integers whose rescale gives back ``hu`` (where slope and intercept allow it)."""
    n, rows, columns = hu.shape
    exact = (hu.astype(float) - float(intercept)) / float(slope)
    position = -70.0 + increment_mm * np.arange(n)
    origin = np.stack([np.full(n, -31.0), np.full(n, 17.0), position], axis=1)
    return Volume(
        stored=np.ascontiguousarray(np.rint(exact).astype(np.int16)),
        rescale=Rescale((Fraction(slope),) * n, (Fraction(intercept),) * n),
        geometry=Geometry(
            origin_mm=origin,
            row_direction=(1.0, 0.0, 0.0),
            column_direction=(0.0, 1.0, 0.0),
            row_spacing_mm=row_spacing_mm,
            column_spacing_mm=column_spacing_mm,
            rows=rows,
            columns=columns,
            slice_position_mm=position,
            slice_increment_mm=increment_mm,
            slice_extent_mm=np.full(n, increment_mm),
            shear_deg=0.0,
        ),
        sop_instance_uid=tuple(f"1.2.3.{z}" for z in range(n)),
    )


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--require-gpu``: what is otherwise shown on the CPU is shown on a card as well."""
    parser.addoption(
        "--require-gpu",
        action="store_true",
        help="run the kernel tests on a CUDA device too, and fail without one",
    )


@pytest.fixture(scope="session")
def test_data() -> Path:
    """Folder of openly licensed CT; the test is skipped where it is not at hand."""
    folder = os.environ.get("CALCARIUM_TEST_DATA")
    if not folder:
        pytest.skip(PUBLIC_DATA)
    return Path(folder)


@pytest.fixture(scope="session")
def make_volume() -> MakeVolume:
    """Build a volume from Hounsfield units; unequal spacings and an off-centre origin."""
    return volume_from_hu


@pytest.fixture(scope="session")
def empty_acquisition() -> Acquisition:
    """A header that says nothing."""
    fields: dict[str, object] = dict.fromkeys(Acquisition.__dataclass_fields__)
    fields |= {"image_type": (), "scan_options": (), "mass_factor_device": ()}
    return Acquisition(**fields)  # type: ignore[arg-type]

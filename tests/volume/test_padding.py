"""Padding that would look like tissue becomes air; measurements do not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dicom_series import scan_of, write_series
from numpy.typing import NDArray

from calcarium.config import VolumeRules
from calcarium.volume import Volume, load_volume


def circle(dtype: str, padding: int, *, inside: int = 100) -> NDArray[Any]:
    """A reconstructed circle with padding around it, and one pixel of that value within."""
    y, x = np.mgrid[:32, :32] - 15.5
    pixels = np.where(x * x + y * y < 15**2, inside, padding).astype(dtype)
    pixels[10, 12] = padding
    return np.stack([pixels] * 2)


def load(
    path: Path, pixels: NDArray[Any], padding: int, intercept: str, slope: str = "1"
) -> Volume:
    tags: dict[str, object] = {
        "PixelPaddingValue": padding,
        "RescaleIntercept": intercept,
        "RescaleSlope": slope,
    }
    return load_volume(scan_of(write_series(path, pixels, tags=[tags] * 2)), VolumeRules())


def padded(volume: Volume) -> list[float | None]:
    return [row.value for row in volume.notes if row.check == "bright_padding"]


@pytest.mark.parametrize(
    ("padding", "intercept"), [(-2000, "-1024"), (-32768, "-1024"), (0, "-1024")]
)
def test_dark_padding_is_left_as_stored(tmp_path: Path, padding: int, intercept: str) -> None:
    pixels = circle("int16", padding)
    volume = load(tmp_path, pixels, padding, intercept)
    np.testing.assert_array_equal(volume.stored, pixels)
    assert padded(volume) == [0]


@pytest.mark.parametrize(("slope", "air"), [("1", -1024), ("-1", 1024), ("0.5", -2048)])
def test_bright_padding_at_the_border_becomes_air(tmp_path: Path, slope: str, air: int) -> None:
    pixels = circle("int16", 0)
    volume = load(tmp_path, pixels, 0, "0", slope)
    expected = pixels.copy()
    expected[pixels == 0] = air
    expected[:, 10, 12] = 0  # a measurement of 0 HU inside the circle
    np.testing.assert_array_equal(volume.stored, expected)
    assert padded(volume) == [np.count_nonzero(expected == air)]


def test_padding_written_with_the_other_sign(tmp_path: Path) -> None:
    pixels = circle("uint16", 63536)
    volume = load(tmp_path, pixels, 63536, "-1024")
    expected = pixels.copy()
    expected[pixels == 63536] = 0
    expected[:, 10, 12] = 63536
    np.testing.assert_array_equal(volume.stored, expected)


def test_nothing_darker_can_be_stored(tmp_path: Path) -> None:
    pixels = circle("uint16", 0)
    volume = load(tmp_path, pixels, 0, "0")
    np.testing.assert_array_equal(volume.stored, pixels)
    assert padded(volume) == [0]

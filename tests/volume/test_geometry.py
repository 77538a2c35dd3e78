"""Slices to a geometry, or the reason why not."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from dicom_series import ct_dataset, file_header, save
from hypothesis import given
from hypothesis import strategies as st

from calcarium.config import VolumeRules
from calcarium.errors import ScanExcluded
from calcarium.volume.geometry import Stack, arrange
from calcarium.volume.slices import Slice

RULES = VolumeRules()
AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Slice]:
    """Make a slice at a position; the file behind it is never read."""
    path = tmp_path_factory.mktemp("one") / "one.dcm"
    header = file_header(save(ct_dataset(np.zeros((4, 6), np.int16), position=(0, 0, 0)), path))

    def make(position: Sequence[float], orientation: Sequence[float] = AXIAL) -> Slice:
        file = replace(header, sop_instance_uid=f"1.{position[2]:.4f}".replace("-", "9"))
        return Slice(
            file, 0, tuple(position), tuple(orientation), (0.5, 0.75), Fraction(1), Fraction(0)
        )

    return make


def column(make: Callable[..., Slice], heights: Sequence[float]) -> list[Slice]:
    return [make((-120.5, -80.0, z)) for z in heights]


def reason_of(slices: Sequence[Slice], rules: VolumeRules = RULES) -> str:
    with pytest.raises(ScanExcluded) as excluded:
        arrange(slices, rules)
    return excluded.value.reason


def test_sorted_and_measured(make: Callable[..., Slice]) -> None:
    stack = arrange(column(make, [5.0, -1.0, 2.0]), RULES)
    geometry = stack.geometry
    assert geometry.slice_position_mm.tolist() == [-1, 2, 5]
    assert geometry.slice_increment_mm == 3
    assert geometry.slice_extent_mm.tolist() == [3, 3, 3]
    assert geometry.shape == (3, 4, 6)
    assert (geometry.row_spacing_mm, geometry.column_spacing_mm) == (0.5, 0.75)
    assert geometry.shear_deg == 0
    centre = geometry.to_patient_mm(np.array([[1.0, 2.0, 4.0]]))
    assert centre.tolist() == [[-120.5 + 4 * 0.75, -80 + 2 * 0.5, 2]]


@given(st.randoms(use_true_random=False), st.lists(st.integers(0, 40), min_size=4, max_size=9))
def test_the_order_of_files_does_not_matter(
    make: Callable[..., Slice], rng: random.Random, heights: list[int]
) -> None:
    slices = column(make, [2.5 * z for z in heights])
    shuffled = rng.sample(slices, len(slices))
    rules = VolumeRules(missing_slices="score_with_gaps", varying_increment="score")

    def outcome(of: list[Slice]) -> object:
        try:
            stack = arrange(of, rules)
        except ScanExcluded as excluded:
            return excluded.reason
        return stack.slices, stack.n_missing, stack.geometry.slice_extent_mm.tolist()

    assert outcome(slices) == outcome(shuffled)


def test_feet_first_slices_ascend_along_the_normal(make: Callable[..., Slice]) -> None:
    # Rows to the left, columns upwards: the normal points to the feet.
    flipped = (1.0, 0.0, 0.0, 0.0, -1.0, 0.0)
    stack = arrange([make((0, 0, z), flipped) for z in (0, 3, 6)], RULES)
    assert [s.position_mm[2] for s in stack.slices] == [6, 3, 0]
    assert np.diff(stack.geometry.slice_position_mm).tolist() == [3, 3]


def test_positions_rounded_to_a_tenth_are_one_increment(make: Callable[..., Slice]) -> None:
    heights = [round(z * 1.25, 1) for z in range(12)]
    stack = arrange(column(make, heights), RULES)
    assert not stack.varies
    assert stack.geometry.slice_extent_mm == pytest.approx(1.25, abs=0.1 / 11)


def test_a_gap_is_not_scored_by_default(make: Callable[..., Slice]) -> None:
    assert reason_of(column(make, [0, 3, 6, 12, 15])) == "missing_slices"


GAPS = VolumeRules(missing_slices="score_with_gaps")


def test_neighbours_share_the_place_of_one_missing_slice(make: Callable[..., Slice]) -> None:
    stack = arrange(column(make, [0, 3, 6, 12, 15]), GAPS)
    assert stack.n_missing == 1
    extent = stack.geometry.slice_extent_mm
    assert extent.tolist() == [3, 3, 4.5, 4.5, 3]
    # Nothing is left out and nothing counted twice: the whole length, as without the gap.
    assert extent.sum() == 15 + 3


def test_a_long_gap_is_filled_by_one_increment_a_side(make: Callable[..., Slice]) -> None:
    stack = arrange(column(make, [0, 3, 6, 36, 39, 42]), GAPS)
    assert stack.n_missing == 9
    assert stack.geometry.slice_extent_mm.tolist() == [3, 3, 4.5, 4.5, 3, 3]


def test_varying_increment(make: Callable[..., Slice]) -> None:
    heights = [0, 4.22, 11.60, 12.74]
    assert reason_of(column(make, heights)) == "irregular_increment"
    assert reason_of(column(make, heights), GAPS) == "irregular_increment"
    stack = arrange(column(make, heights), VolumeRules(varying_increment="score"))
    extent = stack.geometry.slice_extent_mm
    assert stack.varies
    assert stack.n_missing == 0
    assert extent == pytest.approx([4.22, 2.11 + 3.69, 3.69 + 0.57, 0.57 + 2.11])


def test_one_slice_has_no_increment(make: Callable[..., Slice]) -> None:
    assert reason_of(column(make, [0])) == "too_few_slices"
    assert reason_of(column(make, [0, 0])) == "duplicate_slices"


def tilted(make: Callable[..., Slice], degrees: float) -> list[Slice]:
    """Slices of a tilted gantry: the table moves along z, the normal does not."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return [make((0, 0, 3 * z), (1, 0, 0, 0, c, -s)) for z in range(5)]


@pytest.mark.parametrize("degrees", [0.5, 4.0, -18.5])
def test_tilt_is_measured_from_the_vectors(make: Callable[..., Slice], degrees: float) -> None:
    stack = arrange(tilted(make, degrees), VolumeRules(max_shear_deg=30))
    assert stack.geometry.shear_deg == pytest.approx(abs(degrees))
    # Tissue between tilted slices is as thick as their perpendicular distance.
    assert stack.geometry.slice_increment_mm == pytest.approx(3 * np.cos(np.radians(degrees)))


def test_tilt_beyond_the_limit(make: Callable[..., Slice]) -> None:
    assert reason_of(tilted(make, 18.5)) == "gantry_tilt"
    assert reason_of(tilted(make, 1.1)) == "gantry_tilt"
    assert arrange(tilted(make, 0.9), RULES).geometry.shear_deg > 0.8


def test_oblique_stack_along_its_own_normal_is_not_sheared(make: Callable[..., Slice]) -> None:
    c, s = np.cos(0.2), np.sin(0.2)
    slices = [make((0, s * 3 * z, c * 3 * z), (1, 0, 0, 0, c, -s)) for z in range(4)]
    geometry = arrange(slices, RULES).geometry
    assert geometry.shear_deg == pytest.approx(0, abs=1e-6)
    assert geometry.slice_increment_mm == pytest.approx(3)


def test_mixed_geometry(make: Callable[..., Slice]) -> None:
    slices = column(make, [0, 3, 6])
    one = slices[1]
    other_size = replace(one, file=replace(one.file, rows=5))
    other_spacing = replace(one, spacing_mm=(0.5, 0.76))
    coronal = replace(one, orientation=(1.0, 0.0, 0.0, 0.0, 0.0, -1.0))
    recentred = replace(one, position_mm=(-100.0, -80.0, 3.0))
    for wrong in (other_size, other_spacing, coronal, recentred):
        assert reason_of([slices[0], wrong, slices[2]]) == "mixed_geometry"


def test_directions_that_are_none(make: Callable[..., Slice]) -> None:
    for orientation in [(0,) * 6, (1, 0, 0, 1, 0, 0), (2, 0, 0, 0, 2, 0)]:
        assert reason_of([make((0, 0, z), orientation) for z in (0, 3)]) == "no_position"


def test_twins_are_kept_apart_for_the_pixels_to_decide(make: Callable[..., Slice]) -> None:
    slices = column(make, [0, 3, 6])
    copy = replace(slices[1], file=replace(slices[1].file, url="copy.dcm"))
    stack: Stack = arrange([copy, *slices], RULES)
    assert len(stack.slices) == 3
    assert [index for index, _ in stack.twins] == [1]


def test_one_height_with_two_origins(make: Callable[..., Slice]) -> None:
    assert reason_of([*column(make, [0, 3, 6]), make((0, 0, 3))]) == "duplicate_slices"


def test_overlapping_slices_do_not_count_twice(make: Callable[..., Slice]) -> None:
    # 3 mm slices every 1.5 mm stand for 1.5 mm each: the same length along the body.
    every_3 = arrange(column(make, np.arange(0, 30, 3.0).tolist()), RULES).geometry
    every_1_5 = arrange(column(make, np.arange(0, 30, 1.5).tolist()), RULES).geometry
    assert every_1_5.slice_extent_mm.sum() == every_3.slice_extent_mm.sum() == 30

from __future__ import annotations

import numpy as np
import pytest
from labelled import labelled
from stress import (
    STRESSES,
    LabelledVolume,
    add_ct_noise,
    all_hu,
    average_slabs,
    crop_field,
    drop_slices,
    shift_half_a_slice,
    shift_hu,
)


@pytest.fixture
def scan() -> LabelledVolume:
    hu = np.random.default_rng(1).integers(-200, 600, (7, 40, 30)).astype(np.int16)
    made = labelled(hu)
    made.calcium[3, 20, 10] = 2
    return made


@pytest.mark.parametrize("name", STRESSES)
def test_every_stress_keeps_the_parts_of_a_scan_together(scan: LabelledVolume, name: str) -> None:
    found = STRESSES[name](scan)
    shape = found.volume.geometry.shape
    assert found.volume.stored.shape == found.calcium.shape == found.other.shape == shape
    assert found.volume.stored.flags.c_contiguous
    assert len(found.volume.rescale.slope) == len(found.volume.sop_instance_uid) == shape[0]
    assert len(found.volume.geometry.origin_mm) == shape[0]
    assert found.volume.stored.dtype == np.int16


def test_a_shift_and_its_opposite_give_the_scan_back(scan: LabelledVolume) -> None:
    up = shift_hu(scan, 8.0)
    assert np.array_equal(all_hu(up.volume), all_hu(scan.volume) + 8)
    assert np.array_equal(all_hu(shift_hu(up, -8.0).volume), all_hu(scan.volume))


def test_added_noise_has_its_standard_deviation_and_no_bias() -> None:
    quiet = labelled(np.zeros((6, 200, 200), dtype=np.int16))
    middle = all_hu(add_ct_noise(quiet, 20.0).volume)[:, 80:120, 80:120]
    assert middle.std() == pytest.approx(20, rel=0.1)
    assert abs(middle.mean()) < 1.5


def test_a_cropped_voxel_stays_where_it_was(scan: LabelledVolume) -> None:
    found = crop_field(scan, 12.0)
    assert found.volume.geometry.shape == (7, 24, 16)
    (z, y, x) = (int(i[0]) for i in np.nonzero(found.calcium))
    here = found.volume.geometry.to_patient_mm(np.array([[z, y, x]], dtype=float))
    there = scan.volume.geometry.to_patient_mm(np.array([[3.0, 20.0, 10.0]]))
    assert here == pytest.approx(there)
    assert all_hu(found.volume)[z, y, x] == all_hu(scan.volume)[3, 20, 10]


def test_a_field_wider_than_the_scan_is_the_scan(scan: LabelledVolume) -> None:
    found = crop_field(scan, 500.0)
    assert np.array_equal(found.volume.stored, scan.volume.stored)
    assert np.array_equal(found.volume.geometry.origin_mm, scan.volume.geometry.origin_mm)


def test_slices_are_missing_at_the_end_that_was_asked_for(scan: LabelledVolume) -> None:
    low, high = drop_slices(scan, 4.0, caudal=True), drop_slices(scan, 4.0, caudal=False)
    assert list(low.volume.geometry.slice_position_mm) == [44, 46, 48, 50, 52]
    assert list(high.volume.geometry.slice_position_mm) == [40, 42, 44, 46, 48]
    assert np.array_equal(low.volume.stored, scan.volume.stored[2:])
    assert low.calcium[1, 20, 10] == high.calcium[3, 20, 10] == 2


def test_a_ramp_is_itself_between_its_slices() -> None:
    ramp = labelled(np.broadcast_to(10 * np.arange(7)[:, None, None], (7, 5, 4)).astype(np.int16))
    half = shift_half_a_slice(ramp)
    assert list(all_hu(half.volume)[:, 0, 0]) == [5, 15, 25, 35, 45, 55]
    assert list(half.volume.geometry.slice_position_mm) == [41, 43, 45, 47, 49, 51]
    assert half.volume.geometry.slice_increment_mm == 2
    slabs = average_slabs(ramp)
    assert list(all_hu(slabs.volume)[:, 0, 0]) == [5, 25, 45]
    assert slabs.volume.geometry.slice_increment_mm == 4
    assert list(slabs.volume.geometry.slice_extent_mm) == [4, 4, 4]


def test_a_label_is_carried_into_both_slices_that_it_enters(scan: LabelledVolume) -> None:
    assert list(np.flatnonzero(shift_half_a_slice(scan).calcium[:, 20, 10])) == [2, 3]
    assert list(np.flatnonzero(average_slabs(scan).calcium[:, 20, 10])) == [1]

"""Expected false pixels against counts of drawn noise and against published figures."""

from __future__ import annotations

import numpy as np
import pytest

from calcarium.quality import QualityRow
from calcarium.scoring.false_pixels import expected_above, false_pixels


@pytest.mark.parametrize(("sd", "threshold"), [(20, 130), (30, 130), (30, 147), (45, 130)])
def test_as_many_as_noise_has(sd, threshold):
    n = 3_000_000
    drawn = np.random.default_rng(sd).normal(45, sd, n)
    expected = expected_above(n, threshold, 45, sd)
    assert (drawn >= threshold).sum() == pytest.approx(expected, abs=4 * np.sqrt(expected))


@pytest.mark.parametrize(("sd", "share"), [(20, 1e-5), (30, 0.002)])
def test_shares_of_the_reference(sd, share):
    assert expected_above(1, 130, 45, sd) == pytest.approx(share, rel=0.2)


def rows(**values):
    return [QualityRow(check, "pass", value) for check, value in values.items()]


def test_the_check_takes_its_inputs_from_the_other_checks():
    measured = rows(blood_hu=45.0, blood_noise=25.0, heart_volume=600.0)
    (row,) = false_pixels(measured, 0.5 * 0.5 * 3, 130.0)
    assert row.status == "pass"
    assert row.value == pytest.approx(expected_above(800_000, 130, 45, 25), rel=0.005)
    assert row.text == "at 130 HU, of 800000 voxels"


def test_what_was_not_measured_gives_no_number():
    unknown = rows(blood_hu=None, blood_noise=None, heart_volume=600.0)
    assert [row.status for row in false_pixels(unknown, 0.75, 130.0)] == ["unknown"]
    known = rows(blood_hu=45.0, blood_noise=25.0, heart_volume=600.0)
    assert [row.status for row in false_pixels(known, 0.75, None)] == ["unknown"]
    assert false_pixels(rows(kernel=None), 0.75, 130.0) == ()

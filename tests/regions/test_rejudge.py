"""Verdicts from kept measurements are those of the detector itself, or are refused."""

from __future__ import annotations

from functools import cache

import pytest
from test_detector_phantom import KERNELS, RULES, volume_of

from calcarium.config.detector import DetectorRules
from calcarium.errors import UsageError
from calcarium.phantom.thorax import draw_thorax
from calcarium.regions.detector.detect import detect
from calcarium.regions.detector.rejudge import can_rejudge, rejudge
from calcarium.regions.model import Region
from calcarium.volume.model import Volume
from calcarium.voxels import pack, unpack


@cache
def scan() -> Volume:
    return volume_of(draw_thorax(8, gated=True, matrix=256, calcified=True).scan)


@cache
def kept_region() -> Region:
    return unpack(pack(scan(), detect(scan(), RULES, KERNELS), 130.0)).region


def rules(**changed: dict[str, object]) -> DetectorRules:
    sections = {
        name: getattr(RULES, name).model_copy(update=update) for name, update in changed.items()
    }
    return RULES.model_copy(update=sections)


@pytest.mark.parametrize(
    "changed",
    [
        {"standing": {"accepted": 0.97, "doubtful": 0.6, "possible": 0.3}},
        {"standing": {"lean_cap": 0.3, "lean_fat": (0.3, 0.5), "lone_agatston": 5000.0}},
        {"evidence": {"fat_weight": 9.0, "offset": -2.5}},
        {"candidate": {"least_share_accepted": 0.95, "metal_hu": 700.0}},
        {"artery": {"right_of_mm": 30.0, "left_anterior_depth": 0.6}},
    ],
)
def test_same_as_detecting_by_the_other_rules(changed):
    now = rules(**changed)
    assert can_rejudge(RULES, now)
    again, doubts = rejudge(kept_region(), RULES, now)
    fresh = detect(scan(), now, KERNELS)
    assert again.meaning == fresh.meaning
    assert again.meaning != kept_region().meaning
    assert set(doubts) <= set(fresh.quality)
    assert {row.check for row in doubts} == {
        "metal",
        "aortic_wall",
        "pericardium",
        "score_certainty",
    }


def test_what_was_never_looked_at_is_refused():
    with pytest.raises(UsageError, match="surroundings were not measured"):
        rejudge(kept_region(), RULES, rules(standing={"possible": 0.0}))


@pytest.mark.parametrize(
    "changed",
    [{"candidate": {"threshold_hu": 120.0}}, {"heart": {"height_mm": 130.0}}],
)
def test_rules_that_decided_what_was_measured_are_fixed(changed):
    assert not can_rejudge(RULES, rules(**changed))

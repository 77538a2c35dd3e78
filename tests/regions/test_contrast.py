"""Contrast CT on phantoms: the blood is measured, its lumen never counted."""

from __future__ import annotations

import numpy as np
import pytest
from test_detector_phantom import volume_of

from calcarium.config import load_protocol
from calcarium.errors import ScanExcluded
from calcarium.intake.records import Acquisition
from calcarium.phantom.contrast import with_contrast
from calcarium.phantom.thorax import Thorax, draw_thorax
from calcarium.regions.anatomy.given import Anatomy
from calcarium.regions.contrast import detect_above_blood
from calcarium.regions.detector.detect import detect
from calcarium.scoring.score import score_region
from calcarium_kernels import load

PROTOCOL, KERNELS = load_protocol("cta").by_class["contrast"], load("numpy")
EMPTY = dict.fromkeys(Acquisition.__dataclass_fields__) | {"mass_factor_device": ()}
ACQUISITION = Acquisition(**EMPTY)  # type: ignore[arg-type]
SEED = 12


@pytest.fixture(scope="module")
def thorax() -> Thorax:
    return draw_thorax(SEED, gated=True, matrix=256, calcified=True, distractors=False)


@pytest.mark.parametrize("blood_hu", [250, 500])
def test_blood_sets_the_threshold_and_is_never_counted(thorax: Thorax, blood_hu: int) -> None:
    scan = with_contrast(thorax, SEED, blood_hu)
    volume = volume_of(scan)
    region = detect_above_blood(volume, PROTOCOL, KERNELS, Anatomy())
    (pool,) = [row for row in region.quality if row.check == "blood_pool"]
    assert pool.value == pytest.approx(blood_hu, abs=3)
    assert region.threshold_hu is not None
    assert region.threshold_hu > blood_hu + 20
    counted = np.zeros(scan.hu.shape, bool)
    accepted = [i for i, label in region.meaning.items() if label.standing == "accepted"]
    counted[region.box.slices] = np.isin(region.labels, accepted)
    assert counted.any()
    assert not (counted & (scan.calcium == 0)).any()

    scores = score_region(volume, region, ACQUISITION, PROTOCOL.scoring, KERNELS)
    (score,) = scores.conventions
    assert (score.convention, score.threshold_hu) == ("cta-volume", region.threshold_hu)
    assert score.detected
    assert score.total.agatston is None
    voxel_mm3 = np.prod(scan.grid.spacing_zyx_mm)
    assert score.total.volume_mm3 == pytest.approx(counted.sum() * voxel_mm3)

    at_130 = PROTOCOL.scoring.model_copy(update={"conventions": ("cta-volume", "literature")})
    with pytest.raises(ScanExcluded) as refused:
        score_region(volume, region, ACQUISITION, at_130, KERNELS)
    assert refused.value.reason == "contrast"


def test_pixels_decide_not_the_protocol(thorax: Thorax) -> None:
    with pytest.raises(ScanExcluded) as dark:
        detect_above_blood(volume_of(thorax.scan), PROTOCOL, KERNELS, Anatomy())
    assert dark.value.reason == "no_contrast"
    bright = volume_of(with_contrast(thorax, SEED, 350))
    with pytest.raises(ScanExcluded) as contrasted:
        detect(bright, PROTOCOL.detector, KERNELS)
    assert contrasted.value.reason == "contrast"

"""Contrast CT on phantoms: the blood is measured, its lumen never counted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from test_detector_phantom import volume_of

from calcarium.config import load_protocol
from calcarium.errors import ScanExcluded
from calcarium.intake.records import Acquisition
from calcarium.phantom.contrast import Bolus
from calcarium.phantom.model import PhantomScan
from calcarium.phantom.thorax import draw_thorax
from calcarium.regions.anatomy.given import Anatomy
from calcarium.regions.contrast import detect_above_blood
from calcarium.regions.detector.detect import detect
from calcarium.regions.model import Region
from calcarium.scoring.score import score_region
from calcarium.tables.feature_columns import FEATURES
from calcarium.volume.model import Volume
from calcarium_kernels import load

PROTOCOL, KERNELS = load_protocol("cta").by_class["contrast"], load("numpy")
EMPTY = dict.fromkeys(Acquisition.__dataclass_fields__) | {"mass_factor_device": ()}
ACQUISITION = Acquisition(**EMPTY)  # type: ignore[arg-type]
# A right heart darker than, as bright as, and far brighter than the left one.
BOLUSES = {
    "late": Bolus(440, 150),
    "even": Bolus(320, 330, has_lead=True),
    "early": Bolus(260, 690, streak_hu=60),
}
SEED = 137


@pytest.fixture(scope="module", params=sorted(BOLUSES))
def bolus(request: pytest.FixtureRequest) -> Bolus:
    return BOLUSES[request.param]


@pytest.fixture(scope="module")
def scan(bolus: Bolus) -> PhantomScan:
    return draw_thorax(
        SEED, gated=True, matrix=256, calcified=True, distractors=False, bolus=bolus
    ).scan


@pytest.fixture(scope="module")
def found(scan: PhantomScan) -> tuple[Volume, Region]:
    volume = volume_of(scan)
    return volume, detect_above_blood(volume, PROTOCOL, KERNELS, Anatomy())


def counted(region: Region, shape: tuple[int, ...]) -> np.ndarray:
    mask = np.zeros(shape, bool)
    accepted = [i for i, label in region.meaning.items() if label.standing == "accepted"]
    mask[region.box.slices] = np.isin(region.labels, accepted)
    return mask


def test_blood_is_that_of_the_left_heart(bolus: Bolus, found: tuple[Volume, Region]) -> None:
    _, region = found
    (pool,) = [row for row in region.quality if row.check == "blood_pool"]
    assert pool.value == pytest.approx(bolus.left_hu, rel=0.05)
    assert region.threshold_hu is not None
    assert region.threshold_hu > bolus.left_hu + 40


def test_no_lumen_and_no_lead_is_counted(scan: PhantomScan, found: tuple[Volume, Region]) -> None:
    volume, region = found
    mask = counted(region, volume.stored.shape)
    assert mask.any()
    assert not (mask & (scan.calcium == 0)).any()


def test_volume_is_above_the_floor_and_the_threshold_is_told(
    scan: PhantomScan, found: tuple[Volume, Region]
) -> None:
    volume, region = found
    (score,) = score_region(volume, region, ACQUISITION, PROTOCOL.scoring, KERNELS).conventions
    mask = counted(region, volume.stored.shape) & (volume.stored >= PROTOCOL.contrast.floor_hu)
    assert (score.convention, score.threshold_hu) == ("cta-volume", region.threshold_hu)
    assert score.detected
    assert score.total.agatston is None
    voxel_mm3 = np.prod(scan.grid.spacing_zyx_mm)
    assert score.total.volume_mm3 == pytest.approx(mask.sum() * voxel_mm3)


def test_a_convention_at_130_hu_is_refused(found: tuple[Volume, Region]) -> None:
    volume, region = found
    at_130 = PROTOCOL.scoring.model_copy(update={"conventions": ("cta-volume", "literature")})
    with pytest.raises(ScanExcluded) as refused:
        score_region(volume, region, ACQUISITION, at_130, KERNELS)
    assert refused.value.reason == "contrast"
    with pytest.raises(ScanExcluded) as contrasted:
        detect(volume, PROTOCOL.detector, KERNELS)
    assert contrasted.value.reason == "contrast"


def test_without_calcium_nothing_is_detected() -> None:
    bolus = BOLUSES["early"]
    empty = draw_thorax(
        SEED, gated=True, matrix=256, calcified=False, distractors=False, bolus=bolus
    ).scan
    volume = volume_of(empty)
    region = detect_above_blood(volume, PROTOCOL, KERNELS, Anatomy())
    (score,) = score_region(volume, region, ACQUISITION, PROTOCOL.scoring, KERNELS).conventions
    assert not score.detected
    assert all(label.rejected_by for label in region.meaning.values())


def test_pixels_decide_not_the_protocol() -> None:
    plain = draw_thorax(12, gated=True, matrix=128, calcified=True, noise=False).scan
    with pytest.raises(ScanExcluded) as dark:
        detect_above_blood(volume_of(plain), PROTOCOL, KERNELS, Anatomy())
    assert dark.value.reason == "no_contrast"


def test_a_share_of_zero_counts_what_is_above_the_threshold(
    found: tuple[Volume, Region],
) -> None:
    volume, region = found
    rules = PROTOCOL.contrast.model_copy(update={"edge_share": 0.0})
    plain = detect_above_blood(
        volume, PROTOCOL.model_copy(update={"contrast": rules}), KERNELS, Anatomy()
    )
    mask = counted(plain, volume.stored.shape)
    assert region.threshold_hu is not None
    assert set(region.known.labels.measured) <= set(FEATURES)
    assert (volume.stored[mask] >= region.threshold_hu).all()
    told = sum(
        (label.features or {})["above_threshold_mm3"]
        for label in plain.meaning.values()
        if label.standing == "accepted"
    )
    geometry = volume.geometry
    voxel_mm3 = geometry.pixel_area_mm2 * geometry.slice_increment_mm
    assert told == pytest.approx(mask.sum() * voxel_mm3)
    assert replace(plain, labels=None, meaning={}).threshold_hu == region.threshold_hu

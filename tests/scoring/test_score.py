"""Scores of boxes that can be computed by hand, and identities between them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from calcarium.config.protocol import ScoringRules
from calcarium.errors import ScanExcluded, UsageError
from calcarium.intake.records import Acquisition
from calcarium.regions.model import Label, Region
from calcarium.scoring.conventions import CONVENTIONS
from calcarium.scoring.model import ConventionScore, ScanScores
from calcarium.scoring.score import score_region
from calcarium.volume.model import Volume
from calcarium_kernels import load
from calcarium_kernels.contract import Box

# Pixels are 0.6 x 0.5 mm = 0.3 mm2, slices 2.5 mm apart.
PIXEL_MM2, INCREMENT_MM = 0.3, 2.5


def acquisition(**known: object) -> Acquisition:
    fields: dict[str, object] = dict.fromkeys(Acquisition.__dataclass_fields__)
    fields |= {"image_type": (), "scan_options": (), "mass_factor_device": (), "kvp": 120.0}
    return Acquisition(**(fields | known))  # type: ignore[arg-type]


def whole(volume: Volume, labels: NDArray[np.uint16] | None = None, **meaning: str) -> Region:
    names = {int(k[1:]): Label(v) for k, v in meaning.items()} or {1: Label("LAD")}
    box = Box.whole(volume.geometry.shape)
    return Region(box, labels, names, rule="clip", source="mask")


def score(volume: Volume, region: Region, *names: str, **known: object) -> ScanScores:
    rules = ScoringRules(conventions=names, primary_convention=names[0])
    return score_region(volume, region, acquisition(**known), rules, load("numpy"))


def only(scores: ScanScores) -> ConventionScore:
    (one,) = scores.conventions
    return one


def background(n: int = 6) -> NDArray[np.int_]:
    return np.full((n, 24, 24), 40)


def test_box_in_two_slices(make_volume):
    hu = background()
    hu[2:4, 5:8, 6:10] = 250  # 12 px, weight 2
    result = only(score(make_volume(hu), whole(make_volume(hu)), "literature"))
    assert result.total.agatston == pytest.approx(12 * PIXEL_MM2 * 2 * 2 * INCREMENT_MM / 3)
    assert result.total.volume_mm3 == pytest.approx(12 * PIXEL_MM2 * 2 * INCREMENT_MM)
    assert (result.total.n_lesions, result.n_vessels, result.detected) == (1, 1, True)


@pytest.mark.parametrize(
    ("peak", "weight"),
    [(130, 1), (199, 1), (200, 2), (299, 2), (300, 3), (399, 3), (400, 4), (3000, 4)],
)
def test_weight_is_that_of_the_peak(make_volume, peak, weight):
    hu = background()
    hu[1, 4:8, 4:8] = 130
    hu[1, 5, 5] = peak
    result = only(score(make_volume(hu), whole(make_volume(hu)), "literature"))
    assert result.total.agatston == pytest.approx(16 * PIXEL_MM2 * weight * INCREMENT_MM / 3)


def test_weight_is_per_slice_not_per_lesion(make_volume):
    hu = background()
    hu[1, 4:8, 4:8] = 450
    hu[2, 4:8, 4:8] = 150
    volume = make_volume(hu)
    result = only(score(volume, whole(volume), "literature"))
    assert result.total.agatston == pytest.approx(16 * PIXEL_MM2 * (4 + 1) * INCREMENT_MM / 3)
    assert result.total.n_lesions == 1


@pytest.mark.parametrize(
    ("convention", "least_px"),
    [
        ("literature", 4),  # ceil(1 / 0.3)
        ("fqm-siemens-matlab", 1),
        ("fqm-philips-matlab", 2),  # ceil(0.5 / 0.3)
        ("fqm-canon-matlab", 3),
        ("fqm-python", 4),  # area > 1 mm2
        ("fqm-siemens-python", 1),
        ("fqm-philips-python", 2),  # area > 0.5 mm2
        ("fqm-canon-python", 4),  # more than 3 px
        ("lassoan-gist", 3),  # round(1 / 0.3)
        ("brainsia", 1),
    ],
)
def test_minimum_size(make_volume, convention, least_px):
    for n_px in range(1, 6):
        hu = background()
        hu[3, 7, 4 : 4 + n_px] = 180
        volume = make_volume(hu)
        found = only(score(volume, whole(volume), convention))
        assert found.detected == (n_px >= least_px), n_px


def test_diagonal_pixels_join_only_where_eight_connected(make_volume):
    hu = background()
    hu[2, np.arange(4, 8), np.arange(4, 8)] = 150
    volume = make_volume(hu)
    scores = score(volume, whole(volume), "fqm-python", "fqm-ge-matlab")
    eight, four = scores.conventions
    assert eight.total.agatston == pytest.approx(4 * PIXEL_MM2 * INCREMENT_MM / 3)
    assert four.total.agatston == 0


def test_no_slice_factor(make_volume):
    hu = background()
    hu[2, 4:8, 4:8] = 150
    volume = make_volume(hu)
    assert only(score(volume, whole(volume), "lassoan-gist")).total.agatston == pytest.approx(
        16 * PIXEL_MM2
    )


def test_thickness_factor_needs_the_header(make_volume):
    hu = background()
    hu[2:4, 4:8, 4:8] = 350
    volume = make_volume(hu)
    with_it = only(score(volume, whole(volume), "ai-cac", slice_thickness_mm=3.75))
    # Every voxel of the region counts, weighted by the 3-D peak of its one component.
    assert with_it.total.agatston == pytest.approx(hu.size * PIXEL_MM2 * 3 * 3.75 / 3)
    assert only(score(volume, whole(volume), "ai-cac")).total.agatston is None


def test_philips_volume_and_mass_start_at_112_5(make_volume):
    hu = background()
    hu[2, 4:8, 4:8] = 112
    hu[2, 4:8, 5:7] = 113
    volume = make_volume(hu)
    found = only(score(volume, whole(volume), "fqm-philips-matlab"))
    assert found.total.agatston == 0
    assert found.total.volume_mm3 == pytest.approx(8 * PIXEL_MM2 * INCREMENT_MM)


def test_100_kvp_has_its_own_threshold(make_volume):
    hu = background()
    hu[2, 4:8, 4:8] = 146
    volume = make_volume(hu)
    assert not only(score(volume, whole(volume), "literature", kvp=100.0)).detected
    hu[2, 4:8, 4:8] = 147
    volume = make_volume(hu)
    assert only(score(volume, whole(volume), "literature", kvp=100.0)).threshold_hu == 147


@pytest.mark.parametrize("kvp", [None, 140.0])
def test_unknown_voltage_is_scored_with_a_failed_row_or_excluded(make_volume, kvp):
    hu = background()
    hu[2, 4:8, 4:8] = 150
    volume = make_volume(hu)
    scores = score(volume, whole(volume), "literature", kvp=kvp)
    assert only(scores).threshold_hu == 130
    assert [row.status for row in scores.quality if row.check == "kvp_threshold"] == ["fail"]
    rules = ScoringRules(unknown_kvp="exclude")
    with pytest.raises(ScanExcluded, match="unknown_kvp"):
        score_region(volume, whole(volume), acquisition(kvp=kvp), rules, load("numpy"))


def test_artificial_120_kernel_keeps_130(make_volume):
    hu = background()
    hu[2, 4:8, 4:8] = 135
    volume = make_volume(hu)
    found = score(volume, whole(volume), "literature", kvp=90.0, convolution_kernel="Sa36f")
    assert only(found).detected
    assert {row.check: row.status for row in found.quality}["kvp_threshold"] == "pass"


def test_total_is_the_sum_over_vessels_and_islands_never_join_them(make_volume):
    hu = background()
    hu[2, 4:8, 4:12] = 250
    hu[2, 4, 4] = 500
    labels = np.zeros(hu.shape, np.uint16)
    labels[..., :8], labels[..., 8:] = 1, 2
    volume = make_volume(hu)
    result = only(score(volume, whole(volume, labels, _1="LM", _2="LAD"), "literature"))
    half = 16 * PIXEL_MM2 * INCREMENT_MM / 3
    assert result.vessels["LM"].agatston == pytest.approx(4 * half)
    assert result.vessels["LAD"].agatston == pytest.approx(2 * half)
    assert result.total.agatston == pytest.approx(6 * half)
    assert result.n_vessels == 2


def test_standing_makes_the_range(make_volume):
    hu = background()
    labels = np.zeros(hu.shape, np.uint16)
    for value, column in enumerate((2, 7, 12, 17), start=1):
        hu[2, 4:8, column : column + 4] = 150
        labels[2, 4:8, column : column + 4] = value
    volume = make_volume(hu)
    region = replace(
        whole(volume, labels),
        meaning={
            1: Label("LAD"),
            2: Label("LAD", "doubtful"),
            3: Label("RCA", "possible", "near bone"),
            4: Label("unassigned", "rejected", "bone"),
        },
    )
    result = only(score(volume, region, "literature"))
    unit = 16 * PIXEL_MM2 * INCREMENT_MM / 3
    assert result.total.agatston == pytest.approx(2 * unit)
    assert result.agatston_low == pytest.approx(unit)
    assert result.agatston_high == pytest.approx(3 * unit)
    assert result.agatston_rejected == pytest.approx(2 * unit)


def test_mass_is_factor_times_hu_times_volume(make_volume):
    hu = background()
    hu[2:4, 4:8, 4:8] = 250
    volume = make_volume(hu)
    found = score(volume, whole(volume), "literature", mass_factor_patient=0.8)
    expected_mg = 0.8 * 250 * 32 * PIXEL_MM2 * INCREMENT_MM / 1000
    assert only(found).total.mass_mg == pytest.approx(expected_mg)
    assert found.mass_calibration == "dicom_patient"
    assert only(score(volume, whole(volume), "literature")).total.mass_mg is None


def test_interpolated_volume_of_a_block(make_volume):
    # Along z the block falls linearly from 240 to 40 HU, so it reaches 129 HU at
    # 2.5 mm * (240 - 129) / 200 beyond its outer slices. 400 px make exactly 1 mm2.
    hu = background(8)
    hu[3:5, 2:22, 2:22] = 240
    volume = make_volume(hu, row_spacing_mm=0.05, column_spacing_mm=0.05)
    height_mm = INCREMENT_MM + 2 * INCREMENT_MM * (240 - 129) / 200
    labels = np.ones(hu.shape, np.uint16)
    result = only(score(volume, whole(volume, labels), "fqm-literature-matlab"))
    area_mm2 = 400 * 0.05 * 0.05
    assert result.total.volume_interpolated_mm3 == pytest.approx(area_mm2 * height_mm, rel=0.02)


def dense_interpolated_mm3(hu, spacing_mm, increment_mm):
    """The same definition on dense planes, one label: slow, and nothing shared."""
    z = increment_mm * np.arange(len(hu))
    total = 0
    for at in np.arange(0, z[-1] + spacing_mm / 2, spacing_mm):
        below = min(int(at / increment_mm + 1e-9), len(hu) - 1)
        above = min(below + 1, len(hu) - 1)
        share = min((at - z[below]) / increment_mm, 1.0)
        plane = hu[below] * (1 - share) + hu[above] * share > 129
        plane &= (hu[below] > 129) | (hu[above] > 129)
        islands, n = ndimage.label(plane)
        sizes = np.bincount(islands.ravel(), minlength=n + 1)[1:]
        total += sizes[sizes >= np.ceil(1 / spacing_mm**2)].sum()
    return total * spacing_mm**3


@pytest.mark.parametrize("spacing_mm", [0.5, 0.7])
def test_interpolated_volume_of_blobs(make_volume, spacing_mm):
    rng = np.random.default_rng(11)
    noise = ndimage.gaussian_filter(rng.standard_normal((9, 40, 40)), (0.7, 1.5, 1.5))
    hu = np.rint(40 + 900 * noise).astype(int)
    volume = make_volume(hu, row_spacing_mm=spacing_mm, column_spacing_mm=spacing_mm)
    result = only(score(volume, whole(volume), "literature"))
    expected_mm3 = dense_interpolated_mm3(hu, spacing_mm, INCREMENT_MM)
    assert expected_mm3 > 100
    assert result.total.volume_interpolated_mm3 == pytest.approx(expected_mm3)


def test_lesion_rows_add_up_to_the_score(make_volume):
    rng = np.random.default_rng(5)
    hu = np.where(rng.random((6, 24, 24)) < 0.3, rng.integers(100, 600, (6, 24, 24)), 40)
    labels = rng.integers(0, 4, hu.shape).astype(np.uint16)
    volume = make_volume(hu)
    region = whole(volume, labels, _1="LM", _2="LAD", _3="RCA")
    scores = score(volume, region, "literature")
    assert scores.lesions.agatston.sum() == pytest.approx(only(scores).total.agatston)
    assert scores.lesions.n_voxels.sum() == ((hu >= 130) & (labels > 0)).sum()


@pytest.mark.parametrize(("slope", "intercept"), [("-1", "1500"), ("0.5", "-1024"), ("2", "-1000")])
def test_scores_do_not_depend_on_the_rescale(make_volume, slope, intercept):
    rng = np.random.default_rng(7)
    hu = 2 * rng.integers(20, 400, (5, 20, 20))
    one = make_volume(hu)
    other = make_volume(hu, slope=slope, intercept=intercept)
    names = tuple(c.name for c in CONVENTIONS.values() if c.threshold_from == "voltage")
    region = whole(one)
    a = score(one, region, *names, slice_thickness_mm=3.0, mass_factor_patient=0.7)
    b = score(other, region, *names, slice_thickness_mm=3.0, mass_factor_patient=0.7)
    for first, second in zip(a.conventions, b.conventions, strict=True):
        assert first.total.agatston == second.total.agatston
        assert first.total.volume_mm3 == second.total.volume_mm3
        assert first.total.mass_mg == pytest.approx(second.total.mass_mg)
    np.testing.assert_array_equal(a.lesions.n_voxels, b.lesions.n_voxels)
    np.testing.assert_array_equal(a.lesions.peak_hu, b.lesions.peak_hu)


def test_unknown_names_are_refused(make_volume):
    volume = make_volume(background())
    with pytest.raises(UsageError, match="literature"):
        score(volume, whole(volume), "agatston")
    rules = ScoringRules(threshold_set="fmq")
    with pytest.raises(UsageError, match="grani2018"):
        score_region(volume, whole(volume), acquisition(), rules, load("numpy"))

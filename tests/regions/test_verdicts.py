"""What the detector makes of measurements: evidence, standings, arteries."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from calcarium.config.detector import DetectorRules
from calcarium.regions.detector.arteries import artery_of
from calcarium.regions.detector.beside_aorta import FAR_MM
from calcarium.regions.detector.decide import (
    capped,
    decide,
    in_an_ostium,
    in_company,
    verdicts,
    worth_a_look,
)
from calcarium.regions.detector.evidence import (
    Findings,
    aortic_wall,
    lung_border,
    noise,
    prevertebral,
    ramp,
)
from calcarium.regions.detector.exclusions import above_root
from calcarium.regions.detector.places import Places
from calcarium.regions.detector.surroundings import Surroundings
from calcarium.regions.model import words

RULES = DetectorRules()


@pytest.mark.parametrize("limits", [(2.0, 6.0), (6.0, 2.0)])
def test_a_ramp_runs_from_none_to_full(limits):
    values = np.array([limits[0], (limits[0] + limits[1]) / 2, limits[1]])
    np.testing.assert_allclose(ramp(values, limits), [0, 0.5, 1])


@pytest.mark.parametrize(
    ("confidence", "agatston", "standing"),
    [
        ([0.9, 0.6, 0.3, 0.1], [50, 50, 50, 50], ["accepted", "doubtful", "possible", "rejected"]),
        ([0.6, 0.1], [50, 50], ["possible", "rejected"]),  # doubt alone leaves a zero
        ([0.6, 0.1], [500, 50], ["doubtful", "rejected"]),  # but nothing heavy is dropped
    ],
)
def test_standings(confidence, agatston, standing):
    n = len(confidence)
    verdicts = decide(
        np.array(confidence), words(["why"] * n), np.array(agatston, float), RULES.standing
    )
    assert verdicts.standing.tolist() == standing
    counts = [s in ("accepted", "doubtful") for s in standing]
    assert [not why for why in verdicts.rejected_by] == counts


def test_what_may_be_noise_is_not_even_possible():
    confidence, agatston = np.array([0.9, 0.3, 0.3, 0.4]), np.full(4, 5.0)
    reasons = words(["fat", "valve", "noise", "noise"])
    standing = decide(confidence, reasons, agatston, RULES.standing).standing
    assert standing.tolist() == ["accepted", "possible", "rejected", "possible"]


def test_no_certainty_outside_the_grooves_of_the_heart():
    place = {field.name: np.zeros(2) for field in fields(Places)}
    place["beside_aorta"] = np.ones(2, bool)
    place["muscle_share"] = np.array([0.4, 0.1])
    around = Surroundings(*np.full((4, 2), 0.5))
    found = capped(np.full(2, 0.99), Places(**place), around, RULES.standing)
    cap = RULES.standing.adrift_cap
    np.testing.assert_allclose(found, [0.99, cap])
    assert RULES.standing.doubtful < cap < RULES.standing.accepted


def test_at_the_lung_a_groove_has_more_muscle():
    place = {field.name: np.zeros(3) for field in fields(Places)}
    place["beside_aorta"] = np.ones(3, bool)
    place["muscle_share"], place["lung_mm"] = (
        np.array([0.33, 0.33, 0.42]),
        np.array([3.0, 8.0, 3.0]),
    )
    around = Surroundings(*np.full((4, 3), 0.5))
    found = capped(np.full(3, 0.99), Places(**place), around, RULES.standing)
    np.testing.assert_allclose(found, [RULES.standing.adrift_cap, 0.99, 0.99])


def test_heavy_calcium_deeper_than_the_aortic_wall_is_never_surely_none():
    n = 5
    place = {field.name: np.zeros(n) for field in fields(Places)}
    place["outside_aorta_mm"] = np.array([0.0, 0.0, 0.0, -8.0, 20.0])
    place["across_wall_mm"] = np.array([6.0, 2.0, 6.0, 6.0, 6.0])
    place["agatston"] = np.array([300.0, 300.0, 30.0, 300.0, 300.0])
    # a thin one, a light one, one inside the root, one far away
    np.testing.assert_array_equal(
        in_an_ostium(Places(**place), RULES), [RULES.standing.possible, 0, 0, 0, 0]
    )


def test_deep_calcium_leaves_the_aortic_wall_only_where_arteries_do():
    """At the left and behind, in front, at the right; the last is shallow, at the left."""
    n = 4
    place = {field.name: np.zeros(n) for field in fields(Places)}
    place["across_wall_mm"] = np.array([8.0, 8.0, 8.0, 2.0])
    place["left_of_aorta_mm"] = np.array([10.0, 0.0, -14.0, 10.0])
    place["behind_aorta_mm"] = np.array([10.0, -14.0, 1.0, 10.0])
    place["beside_aorta"] = np.ones(n, bool)  # whose circle is believed, however dim it is here
    nothing = np.zeros(n)
    around = Surroundings(nothing, nothing, nothing, nothing)
    weight = RULES.evidence.aorta_weight
    found = aortic_wall(Findings(Places(**place), around), RULES.evidence)
    np.testing.assert_allclose(found, [0, 0, -weight, -weight])


def test_a_short_track_of_the_aorta_excludes_nothing_above_it():
    n = 2
    place = {field.name: np.zeros(n) for field in fields(Places)}
    place["above_root_mm"] = np.full(n, 60.0)
    place["beside_aorta"] = np.array([True, False])
    np.testing.assert_array_equal(above_root(Places(**place), RULES.candidate), [True, False])


@pytest.mark.parametrize("fat", [0.0, 0.3, 0.6])
def test_noise_is_as_little_evidence_in_fat_as_in_blood(fat):
    """A peak of so many deviations above the mean of blood and fat, which are 145 HU apart."""
    noise_hu = np.array([20.0, 40.0])
    place = {field.name: np.zeros(2) for field in fields(Places)}
    place["volume_mm3"] = place["area_mm2"] = np.full(2, 8.0)
    place["noise_hu"] = noise_hu
    over_hu = RULES.evidence.noise_sd * np.hypot(noise_hu, 10) - fat * 145.0
    place["peak_over_blood_sd"] = over_hu / noise_hu
    around = Surroundings(np.full(2, fat), *(np.zeros(2) for _ in range(3)))
    found = noise(Findings(Places(**place), around), RULES.evidence)
    np.testing.assert_allclose(found, 0, atol=1e-9)


def test_a_thick_slice_makes_no_spot_of_noise_larger():
    """The same spot in slices of 3, 8 and 1 mm, and one of a tenth of its size."""
    place = {field.name: np.zeros(4) for field in fields(Places)}
    place["area_mm2"] = np.array([2.0, 2.0, 2.0, 0.2])
    place["volume_mm3"] = place["area_mm2"] * np.array([3.0, 8.0, 1.0, 3.0])
    place["noise_hu"], place["peak_over_blood_sd"] = np.full(4, 20.0), np.full(4, 5.0)
    found = noise(Findings(Places(**place), Surroundings(*np.zeros((4, 4)))), RULES.evidence)
    per_decade = RULES.evidence.noise_per_decade
    np.testing.assert_allclose(found[:3], found[0] - per_decade * np.log10([1, 1, 3]))
    assert found[3] < found[0] - 0.8 * per_decade


def test_near_its_ostia_an_artery_is_named_by_the_axis_of_the_aorta():
    """Left main, LCX and LAD beyond its end, the same far below, and without an aorta."""
    n = 5
    place = {field.name: np.zeros(n) for field in fields(Places)}
    place["above_bottom_mm"] = np.full(n, 100.0)
    place["depth"] = np.full(n, 0.5)
    place["left_mm"] = np.array([5.0, 40.0, 40.0, 40.0, 40.0])
    place["left_of_aorta_mm"] = np.array([25.0, 45.0, 45.0, 45.0, np.nan])
    place["behind_aorta_mm"] = np.array([20.0, 20.0, 5.0, 20.0, np.nan])
    place["above_root_mm"] = np.array([-5.0, -5.0, -5.0, -40.0, np.nan])
    found = artery_of(Places(**place), RULES.artery)
    assert found.tolist() == ["LM+LAD", "LCX", "LM+LAD", "LM+LAD", "LM+LAD"]


def test_only_behind_is_lean_calcium_near_the_lung_a_hilum():
    """In front, behind, in front but amid lung, behind in fat."""
    n = 4
    place = {field.name: np.zeros(n) for field in fields(Places)}
    place["lung_mm"] = np.full(n, 4.0)
    place["depth"] = np.array([0.8, 0.3, 0.8, 0.3])
    fat, amid_lung = np.array([0.0, 0.0, 0.0, 0.5]), np.array([0.0, 0.0, 0.5, 0.0])
    around = {field.name: fat for field in fields(Surroundings)} | {"lung_share": amid_lung}
    found = lung_border(Findings(Places(**place), Surroundings(**around)), RULES.evidence)
    weight = RULES.evidence.lung_weight
    np.testing.assert_allclose(found, [0, -weight, -weight, 0])


def test_a_hilum_ends_below_the_bronchi_where_muscle_lies_around():
    """High; low in a groove: an LCX; low with little muscle around; bronchi not in view."""
    n = 4
    place = {field.name: np.zeros(n) for field in fields(Places)}
    place["lung_mm"], place["depth"] = np.full(n, 4.0), np.full(n, 0.3)
    place["below_bronchi_mm"] = np.array([20.0, 70.0, 70.0, FAR_MM])
    place["muscle_share"] = np.array([0.4, 0.4, 0.1, 0.4])
    found = lung_border(Findings(Places(**place), Surroundings(*np.zeros((4, n)))), RULES.evidence)
    weight = RULES.evidence.lung_weight
    np.testing.assert_allclose(found, [-weight, 0, -weight, -weight])


def test_before_the_spine_lies_no_artery_but_to_the_left():
    """In the middle, to the left and to the right, as far as the LCX runs to the left."""
    place = {field.name: np.zeros(3) for field in fields(Places)}
    place["left_mm"] = np.array([0.0, 25.0, -22.0])
    place["depth"] = np.full(3, 0.2)
    found = prevertebral(Findings(Places(**place), Surroundings(*np.zeros((4, 3)))), RULES.evidence)
    weight = RULES.evidence.prevertebral_weight
    np.testing.assert_allclose(found, [-weight, 0, -weight])


def test_what_may_be_noise_is_likelier_near_accepted_calcium_and_never_accepted_for_it():
    """Accepted; faint near it, half way, far away; likely near it; less than possible; bright."""
    n = 7
    place = {field.name: np.zeros(n) for field in fields(Places)}
    place["above_bottom_mm"] = np.array([0.0, 15, 30, 100, 15, 15, 15])
    before = np.array([0.9, 0.4, 0.4, 0.4, 0.7, 0.3, 0.4])
    faint = np.arange(n) < n - 1
    after = in_company(before, faint, Places(**place), RULES.standing)
    odds = after / (1 - after) / (before / (1 - before))
    logit = RULES.standing.company_logit
    np.testing.assert_allclose(np.log(odds[:4]), [0, logit, logit / 2, 0], atol=1e-9)
    assert after[4:].tolist() == [RULES.standing.company_cap, 0.3, 0.4]
    alone = np.where(before == 0.9, 0.0, before)
    np.testing.assert_array_equal(in_company(alone, faint, Places(**place), RULES.standing), alone)


def faint_places(n: int, **known: np.ndarray) -> Places:
    """Places of spots that may be noise, in a groove of the heart where nothing is suspect."""
    place = {field.name: np.zeros(n) for field in fields(Places)} | {
        "in_region": np.ones(n),
        "muscle_share": np.full(n, 0.5),
        "depth": np.full(n, 0.7),
        "volume_mm3": np.full(n, 8.0),
        "area_mm2": np.full(n, 4.0),
        "noise_hu": np.full(n, 30.0),
        "peak_over_blood_sd": np.full(n, 3.5),
        "beside_aorta": np.zeros(n, bool),
        "to_aorta": np.zeros((n, 2)),
        "to_heart": np.zeros((n, 2)),
        **{
            name: np.full(n, 99.0)
            for name in (
                "bone_mm",
                "before_spine_mm",
                "behind_wall_mm",
                "below_bronchi_mm",
                "outside_aorta_mm",
                "outside_descending_mm",
                "above_bottom_mm",
            )
        },
        "lung_mm": np.full(n, 12.0),
        "above_root_mm": np.full(n, -30.0),
    }
    return Places(**place | known)


def test_a_faint_spot_needs_company_to_count():
    """A plaque and a faint spot near it; the same spot far away; the same two too faint."""
    level = np.array([50.0, 60.0, 120.0, 60.0, 120.0])
    bright = np.array([20.0, 4.0, 4.0, 3.4, 3.4])
    place = faint_places(5, above_bottom_mm=level, peak_over_blood_sd=bright)
    found = verdicts(place, Surroundings(*np.full((4, 5), 0.2) * [[1], [1], [1], [0]]), RULES)
    assert found.standing.tolist() == ["accepted", "doubtful", "possible", "rejected", "rejected"]
    assert found.rejected_by[3:].tolist() == ["noise", "noise"]


@pytest.mark.parametrize("above_blood_sd", [2.0, 3.5, 6.0])
def test_noise_does_not_hide_heavy_calcium_of_an_ostium(above_blood_sd):
    """Heavy and deep at the wall of the aorta in strong noise, and the same excluded."""
    n = 2
    place = faint_places(
        n,
        agatston=np.full(n, 300.0),
        peak_over_blood_sd=np.full(n, above_blood_sd),
        across_wall_mm=np.full(n, 7.0),
        outside_aorta_mm=np.zeros(n),
        above_root_mm=np.full(n, -5.0),
        lung_mm=np.full(n, 5.0),
        in_region=np.array([1.0, 0.5]),
        beside_aorta=np.ones(n, bool),
    )
    found = verdicts(place, Surroundings(*np.zeros((4, n))), RULES)
    assert found.standing.tolist() == ["possible", "rejected"]
    assert found.rejected_by[0] != "noise"
    assert found.rejected_by[1] == "outside_heart"


def test_company_lifts_nothing_over_a_cap():
    """A faint spot beside a plaque, in no groove; the cap is lower than what company lends."""
    standing = RULES.standing.model_copy(update={"adrift_cap": 0.4})
    place = faint_places(
        2,
        peak_over_blood_sd=np.array([20.0, 4.0]),
        above_bottom_mm=np.array([50.0, 55.0]),
        muscle_share=np.array([0.5, 0.1]),
    )
    around = Surroundings(*np.full((4, 2), 0.2) * [[1], [1], [1], [0]])
    found = verdicts(place, around, RULES.model_copy(update={"standing": standing}))
    np.testing.assert_allclose(found.confidence[1], 0.4)


def test_a_faint_spot_in_fat_is_worth_a_look():
    """In fat it is possible; in none it is not."""
    place = faint_places(1, noise_hu=np.array([20.0]), peak_over_blood_sd=np.array([1.22]))
    for fat, standing in ((0.0, "rejected"), (0.5, "possible")):
        around = Surroundings(*np.full((4, 1), fat) * [[1], [1], [1], [0]])
        assert verdicts(place, around, RULES).standing.tolist() == [standing]
    assert worth_a_look(place, RULES).all()

"""The volume of a plaque on contrast CT, beside the volume of the body that was drawn."""

from __future__ import annotations

from math import pi

import numpy as np
import pytest
from scipy import ndimage

from calcarium.config.contrast import ContrastRules
from calcarium.phantom.canvas import Canvas
from calcarium.phantom.model import Grid
from calcarium.phantom.noise import add_noise
from calcarium.phantom.shapes import Capsule, Ellipsoid, Shape, tube
from calcarium.regions import plaque_edge
from calcarium.regions.blood_pool import BloodPool
from calcarium.regions.plaque_edge import lesion_to_edge, sharpened

GRID = Grid((32, 40, 40), (-7.8, -7.8, -7.75), 0.5, 0.4, 0.4, 0.6)
FAT_HU, PSF_MM, NOISE_HU, LUMEN_MM = -85.0, 0.38, 25.0, 2.0
RULES = ContrastRules()
ACROSS = np.array([1.0, 0.0, 0.0])
ALONG = np.array([0.3, 0.5, 0.8]) / np.linalg.norm([0.3, 0.5, 0.8])


def rod(length_mm: float, radius_mm: float, centre: np.ndarray) -> tuple[Shape, float]:
    """A capsule along the artery, and its volume by the formula."""
    half = ALONG * length_mm / 2
    body = Capsule(centre - half, centre + half, radius_mm, radius_mm)
    return body, pi * radius_mm**2 * length_mm + 4 / 3 * pi * radius_mm**3


def scanned(
    blood_hu: float,
    plaque: Shape | None,
    plaque_hu: float,
    psf_mm: float = PSF_MM,
    noise_hu: float = NOISE_HU,
) -> tuple[np.ndarray, float]:
    """An artery in fat with a plaque, as a scanner sees it; and the noise's deviation."""
    canvas = Canvas.over(GRID, 0.25)
    canvas.hu.fill(FAT_HU)
    canvas.paint(tube(np.stack([ALONG * -25, ALONG * 25]), LUMEN_MM), blood_hu)
    if plaque is not None:
        canvas.paint(plaque, plaque_hu)
    clean = canvas.seen_by(GRID, psf_mm)
    hu = clean.copy()
    add_noise(hu, GRID, noise_hu, 0.58, np.random.default_rng(3))
    return hu, float((hu - clean).std())


def above(hu: np.ndarray, blood: BloodPool) -> np.ndarray:
    """The largest component that reaches the threshold."""
    parts, count = ndimage.label(hu >= blood.threshold_hu(RULES), np.ones((3, 3, 3)))
    sizes = np.bincount(parts.ravel(), minlength=count + 1)
    sizes[0] = 0
    return parts == sizes.argmax() if sizes.max() else np.zeros(hu.shape, bool)


def volume_mm3(mask: np.ndarray) -> float:
    return float(mask.sum() * np.prod(GRID.spacing_zyx_mm))


@pytest.mark.parametrize("blood_hu", [250.0, 370.0, 500.0])
@pytest.mark.parametrize(
    ("off_axis_mm", "over_blood_hu"),
    [(0.0, 700.0), (1.0, 250.0), (1.0, 700.0), (2.2, 250.0), (2.2, 700.0)],
)
def test_volume_is_that_of_the_body_whatever_the_blood(
    blood_hu: float, off_axis_mm: float, over_blood_hu: float
) -> None:
    body, true_mm3 = rod(2.5, 1.1, ACROSS * off_axis_mm)
    assert true_mm3 >= 10
    hu, noise_sd = scanned(blood_hu, body, blood_hu + over_blood_hu)
    blood = BloodPool(blood_hu, noise_sd, 10_000)
    seed = above(hu, blood)
    spacing = GRID.spacing_zyx_mm
    lesion = lesion_to_edge(hu, seed, np.zeros_like(seed), spacing, blood, RULES)
    assert volume_mm3(lesion) == pytest.approx(true_mm3, rel=0.25)


@pytest.mark.parametrize("blood_hu", [390.0, 500.0])
@pytest.mark.parametrize("over_blood_hu", [250.0, 350.0])
def test_a_lumen_as_thin_as_the_blur_is_no_plaque(blood_hu: float, over_blood_hu: float) -> None:
    """Between plaque and fat lies 0.4 mm of it: as bright as the middle of that edge."""
    body, true_mm3 = rod(3.0, 1.3, ACROSS * 0.3)
    hu, noise_sd = scanned(blood_hu, body, blood_hu + over_blood_hu)
    blood = BloodPool(blood_hu, noise_sd, 10_000)
    seed = above(hu, blood)
    found, without = (
        volume_mm3(lesion_to_edge(hu, seed, np.zeros_like(seed), GRID.spacing_zyx_mm, blood, rules))
        for rules in (RULES, RULES.model_copy(update={"sure_share": 0.0}))
    )
    assert found == pytest.approx(true_mm3, rel=0.25)
    assert without > 1.25 * true_mm3


@pytest.mark.parametrize("off_axis_mm", [0.0, 0.8])
@pytest.mark.parametrize("blood_hu", [250.0, 500.0])
def test_a_thin_plaque_is_not_as_wide_as_its_blur(blood_hu: float, off_axis_mm: float) -> None:
    """Thin bodies come out smaller than by the blurred picture, and nearer unless that is sharp."""
    body, true_mm3 = rod(6.0, 0.75, ACROSS * off_axis_mm)
    assert true_mm3 >= 10
    for psf_mm, within in ((0.3, 0.25), (0.4, 0.25), (0.5, 0.4)):
        hu, noise_sd = scanned(blood_hu, body, 1150.0, psf_mm)
        blood = BloodPool(blood_hu, noise_sd, 10_000)
        seed = above(hu, blood)
        plain, found = (
            volume_mm3(
                lesion_to_edge(hu, seed, np.zeros_like(seed), GRID.spacing_zyx_mm, blood, rules)
            )
            for rules in (ContrastRules(blur_mm=0), RULES)
        )
        assert found == pytest.approx(true_mm3, rel=within)
        assert found < plain
        assert psf_mm < 0.4 or abs(found - true_mm3) < abs(plain - true_mm3)


@pytest.mark.parametrize("blood_hu", [300.0, 400.0, 480.0])
@pytest.mark.parametrize(("radius_mm", "off_axis_mm"), [(0.5, 0.3), (0.55, 0.0)])
def test_a_thread_is_no_thicker_for_what_blur_took_of_its_peak(
    blood_hu: float, radius_mm: float, off_axis_mm: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    body, true_mm3 = rod(13.0, radius_mm, ACROSS * off_axis_mm)
    assert true_mm3 >= 10
    hu, noise_sd = scanned(blood_hu, body, blood_hu + 850)
    blood = BloodPool(blood_hu, noise_sd, 10_000)
    seed = above(hu, blood)
    others = np.zeros_like(seed)
    found = lesion_to_edge(hu, seed, others, GRID.spacing_zyx_mm, blood, RULES)
    assert volume_mm3(found) == pytest.approx(true_mm3, rel=0.25)
    monkeypatch.setattr(plaque_edge, "LEAST_RECOVERED", 1.0)
    without = lesion_to_edge(hu, seed, others, GRID.spacing_zyx_mm, blood, RULES)
    assert volume_mm3(without) - true_mm3 > abs(volume_mm3(found) - true_mm3)


@pytest.mark.parametrize("blood_hu", [300.0, 450.0])
@pytest.mark.parametrize("over_blood_hu", [170.0, 200.0])
def test_of_a_faint_plaque_specks_reach_the_threshold_but_all_counts(
    blood_hu: float, over_blood_hu: float
) -> None:
    body, true_mm3 = rod(9.0, 1.7, ACROSS * 0.3)
    hu, noise_sd = scanned(blood_hu, body, blood_hu + over_blood_hu, noise_hu=38.0)
    blood = BloodPool(blood_hu, noise_sd, 10_000)
    specks = hu >= blood.threshold_hu(RULES)
    assert 10 <= volume_mm3(specks) < 0.4 * true_mm3
    others = np.zeros_like(specks)
    found = lesion_to_edge(hu, specks, others, GRID.spacing_zyx_mm, blood, RULES)
    assert volume_mm3(found) == pytest.approx(true_mm3, rel=0.25)


@pytest.mark.parametrize("wave_mm", [1.5, 3.0, 12.0])
def test_sharpening_gives_back_what_the_blur_took(wave_mm: float) -> None:
    """Of a sine, a Gaussian passes ``h = exp(-2 (pi sigma / wave)^2)``; 1 - (1 - h)^4 is left."""
    at_mm = 0.25 * np.arange(240)
    sine = np.sin(2 * pi * at_mm / wave_mm)[None, None]
    hu = np.asarray(300 + 100 * sine, np.float32).repeat(8, axis=1)
    h = np.exp(-2 * (pi * 0.4 / wave_mm) ** 2)
    blurred = np.asarray(300 + h * (hu - 300), np.float32)
    found = sharpened(blurred, (0.5, 0.4, 0.25), 0.4)
    inside = np.s_[..., 20:-20]
    expected = 300 + (1 - (1 - h) ** 4) * (hu - 300)
    np.testing.assert_allclose(found[inside], expected[inside], atol=1.0)
    np.testing.assert_array_equal(sharpened(hu, (0.5, 0.4, 0.25), 0.0), hu)


@pytest.mark.parametrize("spacing", [(0.5, 0.35, 0.35), (5.0, 0.7, 0.7)])
@pytest.mark.parametrize("at", [(0, 0, 0), (5, 8, 15)])
def test_one_bright_voxel_stays_one_at_the_border_too(
    spacing: tuple[float, float, float], at: tuple[int, int, int]
) -> None:
    """Sharpening makes rings of it, which are no calcium; the picture is left as it was."""
    hu = np.full((12, 16, 16), FAT_HU, np.float32)
    hu[at] = 3000
    seed, before = hu > 0, hu.copy()
    lesion = lesion_to_edge(
        hu, seed, np.zeros_like(seed), spacing, BloodPool(400.0, 30.0, 10_000), RULES
    )
    np.testing.assert_array_equal(lesion, seed)
    np.testing.assert_array_equal(hu, before)


def test_a_speck_that_smoothing_takes_away_stays_as_it_was() -> None:
    hu = np.full((12, 16, 16), FAT_HU, np.float32)
    hu[5, 8, 8] = 520
    seed = hu > 0
    blood = BloodPool(350.0, 30.0, 10_000)
    lesion = lesion_to_edge(hu, seed, np.zeros_like(seed), (0.5, 0.4, 0.4), blood, RULES)
    np.testing.assert_array_equal(lesion, seed)


@pytest.mark.parametrize("shift", [0.0, 0.5])
def test_a_peak_is_near_in_the_next_slice_however_thick(shift: float) -> None:
    """Slices of 2.9 and 3.1 mm show one body alike."""
    found = []
    for slice_mm in (2.9, 3.1):
        grid = Grid((9, 40, 40), (-7.8, -7.8, (shift - 4) * slice_mm), slice_mm, 0.4, 0.4, slice_mm)
        canvas = Canvas.over(grid, 0.25)
        canvas.hu.fill(350.0)
        canvas.paint(Ellipsoid(np.zeros(3), np.full(3, 2.5)), 900.0)
        hu = canvas.seen_by(grid, PSF_MM)
        blood = BloodPool(350.0, 25.0, 10_000)
        seed = hu >= blood.threshold_hu(RULES)
        spacing = grid.spacing_zyx_mm
        lesion = lesion_to_edge(hu, seed, np.zeros_like(seed), spacing, blood, RULES)
        found.append(float(lesion.sum() * np.prod(spacing)))
    assert found[1] == pytest.approx(found[0], rel=0.15)


def test_only_what_hangs_together_with_the_lesion_belongs_to_it() -> None:
    body, _ = rod(2.5, 1.1, ACROSS * 1.0)
    hu, noise_sd = scanned(300.0, body, 900.0)
    blood = BloodPool(300.0, noise_sd, 10_000)
    seed = above(hu, blood)
    none = np.zeros_like(seed)
    alone = lesion_to_edge(hu, seed, none, GRID.spacing_zyx_mm, blood, RULES)
    _, count = ndimage.label(alone)
    assert count == 1
    assert (alone & seed).any()
    # What another candidate holds is not taken from it.
    others = np.zeros_like(seed)
    others[:, 21:] = ~seed[:, 21:]
    beside = lesion_to_edge(hu, seed, others, GRID.spacing_zyx_mm, blood, RULES)
    assert not (beside & others).any()


def test_two_densities_have_edges_of_their_own() -> None:
    faint, faint_mm3 = rod(3.0, 1.2, ALONG * -2.5)
    dense = Ellipsoid(ALONG * 2.5, np.full(3, 1.4))
    dense_mm3 = 4 / 3 * pi * 1.4**3
    faint_hu, noise_sd = scanned(350.0, faint, 620.0)
    with_dense, _ = scanned(350.0, dense, 1400.0)
    plain, _ = scanned(350.0, None, 0.0)
    hu = faint_hu + with_dense - plain
    blood = BloodPool(350.0, noise_sd, 10_000)
    seed = hu >= blood.threshold_hu(RULES)
    lesion = lesion_to_edge(hu, seed, np.zeros_like(seed), GRID.spacing_zyx_mm, blood, RULES)
    assert volume_mm3(lesion) == pytest.approx(faint_mm3 + dense_mm3, rel=0.25)

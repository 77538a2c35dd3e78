"""Published thresholds, edges and conventions, each by what it counts of drawn lesions."""

from __future__ import annotations

import csv
from fractions import Fraction
from math import ceil
from pathlib import Path

import pytest
from test_score import INCREMENT_MM, PIXEL_MM2, acquisition, background, only, score, whole

from calcarium.config.protocol import ScoringRules
from calcarium.scoring.conventions import CONVENTIONS
from calcarium.scoring.kvp import THRESHOLD_SETS
from calcarium.scoring.score import score_region
from calcarium_kernels import load

DATA = Path(__file__).parent / "data"
THRESHOLDS = list(csv.DictReader((DATA / "kv-thresholds.csv").read_text().splitlines()))
PUBLISHED = list(csv.DictReader((DATA / "conventions.csv").read_text().splitlines()))
# Counts every voxel of its region, or takes the threshold of the blood: tests of their own.
OTHERS = {"ai-cac", "cta-volume", "cta-derived"}


def weight(make_volume, peak: int, row: dict[str, str]) -> float:
    """Weight of 16 pixels of one value, by the convention that has no thresholds of its own."""
    hu = background()
    hu[2, 4:8, 4:8] = peak
    volume = make_volume(hu)
    seen = acquisition(kvp=float(row["kvp"]), convolution_kernel=row["kernel"] or None)
    rules = ScoringRules(threshold_set=row["set"])
    agatston = only(score_region(volume, whole(volume), seen, rules, load("numpy"))).total.agatston
    assert agatston is not None
    return agatston / (16 * PIXEL_MM2 * INCREMENT_MM / 3)


@pytest.mark.parametrize("row", THRESHOLDS, ids=lambda r: f"{r['set']}-{r['kvp']}{r['kernel']}")
def test_every_edge_begins_where_it_was_published(make_volume, row):
    for expected, edge in enumerate((row["w1"], row["w2"], row["w3"], row["w4"]), start=1):
        assert weight(make_volume, int(edge), row) == pytest.approx(expected)
        below = 0 if expected == 1 else expected - 1
        assert weight(make_volume, int(edge) - 1, row) == pytest.approx(below)


def test_every_shipped_threshold_was_published() -> None:
    known = {(row["set"], int(row["kvp"])) for row in THRESHOLDS if not row["kernel"]}
    shipped = {(name, kvp) for name, table in THRESHOLD_SETS.items() for kvp in table or ()}
    assert shipped == {pair for pair in known if pair[0] != "fixed130"}


def test_every_convention_is_in_a_table() -> None:
    assert {row["convention"] for row in PUBLISHED} == CONVENTIONS.keys() - OTHERS


def scored(make_volume, hu, convention: str, kvp: float = 120.0):
    volume = make_volume(hu)
    return only(score(volume, whole(volume), convention, kvp=kvp)).total


@pytest.mark.parametrize("row", PUBLISHED, ids=lambda r: r["convention"])
@pytest.mark.parametrize("kvp", [120, 100])
def test_the_least_value_that_counts(make_volume, row, kvp):
    least = int(row[f"least_hu_{kvp}"])
    for value, counts in ((least - 1, False), (least, True)):
        hu = background()
        hu[2, 4:8, 4:8] = value
        total = scored(make_volume, hu, row["convention"], float(kvp))
        assert (total.agatston > 0) == counts


def least_pixels(rule: str, size: str) -> int:
    """Fewest pixels of 0.3 mm2 by a rule as its source writes it."""
    area = Fraction(3, 10)
    if rule == "none":
        return 1
    limit = Fraction(size)
    return {
        "ceil_mm2": ceil(limit / area),
        "round_mm2": round(limit / area),
        "above_mm2": int(limit // area) + 1,
        "at_least_px": int(limit),
        "above_px": int(limit) + 1,
    }[rule]


@pytest.mark.parametrize("row", PUBLISHED, ids=lambda r: r["convention"])
def test_the_smallest_lesion_that_counts(make_volume, row):
    least = least_pixels(row["size_rule"], row["size"])
    for n_px, counts in ((least - 1, False), (least, True)):
        hu = background()
        hu[2, 5, 4 : 4 + n_px] = 180
        assert (scored(make_volume, hu, row["convention"]).agatston > 0) == counts


@pytest.mark.parametrize("row", PUBLISHED, ids=lambda r: r["convention"])
def test_corners_join_pixels_where_eight_are_neighbours(make_volume, row):
    """A bright corner raises the weight of the block that it joins."""
    hu = background()
    hu[2, 4:8, 4:8] = 150
    hu[2, 8:10, 8:10] = 450
    total = scored(make_volume, hu, row["convention"])
    length = 1.0 if row["length"] == "none" else INCREMENT_MM / 3
    joined = row["connectivity"] == "8"
    expected = (16 + 4) * 4 if joined else 16 * 1 + 4 * 4
    assert total.agatston == pytest.approx(expected * PIXEL_MM2 * length)

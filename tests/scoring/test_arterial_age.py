from __future__ import annotations

import csv
from pathlib import Path

import pytest

from calcarium.scoring.arterial_age import arterial_age

PUBLISHED = (Path(__file__).parent / "data" / "arterial-age.csv").read_text().splitlines()


@pytest.mark.parametrize("row", list(csv.DictReader(PUBLISHED)), ids=lambda r: r["agatston"])
def test_arterial_age_of_the_published_formula(row: dict[str, str]) -> None:
    got = arterial_age(float(row["agatston"]))
    assert got.years == pytest.approx(float(row["arterial_age_years"]), abs=0.05)
    assert got.at_floor == (row["agatston"] == "0")


def test_calcium_that_rounds_to_zero_is_not_at_the_floor() -> None:
    assert not arterial_age(0.4).at_floor

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calcarium.scoring.conventions import CONVENTIONS
from calcarium.scoring.distribution import density_score, max_to_mean

LITERATURE = CONVENTIONS["literature"]
AREAS = st.lists(st.tuples(st.floats(1, 50), st.integers(1, 4)), min_size=1, max_size=8)


@given(areas=AREAS, increment_mm=st.floats(0.5, 8))
def test_density_is_the_mean_weight_of_the_area_at_any_increment(
    areas: list[tuple[float, int]], increment_mm: float
) -> None:
    area = sum(mm2 for mm2, _ in areas)
    weighted = sum(mm2 * weight for mm2, weight in areas)
    found = density_score(weighted * increment_mm / 3, area * increment_mm, LITERATURE)
    assert found == pytest.approx(weighted / area)
    assert 1 - 1e-9 <= found <= 4 + 1e-9


def test_density_where_it_is_undefined() -> None:
    assert density_score(0.0, 0.0, LITERATURE) is None
    assert density_score(10.0, 10.0, replace(LITERATURE, slice_factor="none")) is None
    philips = next(c for c in CONVENTIONS.values() if c.volume_hu is not None)
    assert density_score(10.0, 10.0, philips) is None


@pytest.mark.parametrize(
    ("scores", "ratio"),
    [
        ({"LM": 0.0, "LAD": 8.0, "LCX": 0.0, "RCA": 0.0}, 4.0),
        ({"LM": 2.0, "LAD": 2.0, "LCX": 2.0, "RCA": 2.0}, 1.0),
        ({"LM": 0.0, "LAD": 6.0, "LCX": 2.0, "RCA": 4.0}, 2.0),
        ({"LM": 0.0, "LAD": 0.0, "LCX": 0.0, "RCA": 0.0}, None),
        ({"LM+LAD": 6.0, "LCX": 2.0, "RCA": 4.0}, None),
        ({"LM": 0.0, "LAD": 6.0, "LCX": 2.0, "RCA": 4.0, "unassigned": 1.0}, None),
        ({}, None),
    ],
)
def test_max_to_mean(scores: dict[str, float], ratio: float | None) -> None:
    assert max_to_mean(scores) == ratio

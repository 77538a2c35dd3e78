"""The hours that a plan tells: arithmetic of a sample that is fair."""

from __future__ import annotations

from collections import Counter

import pytest

from calcarium.batch import estimate as module
from calcarium.batch.estimate import estimate
from calcarium.intake.records import Study
from calcarium.intake.survey import Draw, DrawnStudy
from calcarium.tables.rows import StudyRows


def test_time_goes_by_slices_and_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """10 slices of 10 ms and 90 of 1 ms take 190 ms; the first study is not counted."""
    pace_s = {"warm-up": 0.2, "slow": 0.01, "fast": 0.001}
    slices = {"warm-up": 1, "slow": 10, "fast": 90}
    scored: list[str] = []

    def seconds_so_far() -> float:
        return sum(pace_s[name] * slices[name] for name in scored)

    monkeypatch.setattr(module, "perf_counter", seconds_so_far)

    def score(study: Study) -> StudyRows:
        scored.append(study.study_id)
        return StudyRows(study.study_id, {})

    drawn = [DrawnStudy(Study(name, ()), slices[name]) for name in pace_s]
    told = estimate(drawn, score, n_slices=1_000_000, n_studies=9_000, workers=4)
    assert scored == ["warm-up", "slow", "fast"]
    hours = 1_000_000 / 4 / 3600
    assert told.hours == pytest.approx(hours * 0.19 / 100)
    assert told.hours_fastest == pytest.approx(hours * 0.001)
    assert told.hours_slowest == pytest.approx(hours * 0.01)
    assert told.study_s == pytest.approx(0.19 / 2)
    assert told.n_studies == 2


def test_a_single_study_warms_up_and_is_timed() -> None:
    scored = []

    def score(study: Study) -> StudyRows:
        scored.append(study.study_id)
        return StudyRows(study.study_id, {})

    told = estimate([DrawnStudy(Study("one", ()), 5)], score, n_slices=5, n_studies=1, workers=8)
    assert scored == ["one", "one"]
    assert told.hours_fastest == told.hours == told.hours_slowest > 0
    assert 3600 * told.hours == pytest.approx(told.study_s)


def test_every_study_is_as_likely_to_be_drawn() -> None:
    """3 of 12, 2,000 times: each 500 times, with a standard deviation of 19."""
    counts: Counter[str] = Counter()
    for seed in range(2000):
        draw = Draw(3, seed)
        for number in range(12):
            draw.offer(DrawnStudy(Study(str(number), ()), 1))
        assert len(draw.drawn) == 3
        counts.update(one.study.study_id for one in draw.drawn)
    assert len(counts) == 12
    assert all(abs(count - 500) < 4.5 * 19.4 for count in counts.values())


def test_fewer_studies_than_asked_for_are_all_drawn() -> None:
    draw = Draw(6)
    draw.offer(DrawnStudy(Study("one", ()), 1))
    assert [one.study.study_id for one in draw.drawn] == ["one"]

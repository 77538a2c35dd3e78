"""How long a run would take, from a few studies that are scored now."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter

from calcarium.errors import CalciumError
from calcarium.intake.records import Study
from calcarium.intake.survey import DrawnStudy
from calcarium.tables.rows import StudyRows


@dataclass(frozen=True)
class Estimate:
    """Time of a run. It is measured on a sample, on this machine: no promise.

    Attributes
    ----------
    hours : at the speed of the sample as a whole, in slices per second
    hours_fastest, hours_slowest : at the speed of its fastest and its slowest study
    study_s : mean time per study of the sample
    n_studies : how many were timed
    """

    hours: float
    hours_fastest: float
    hours_slowest: float
    study_s: float
    n_studies: int


def estimate(
    drawn: Sequence[DrawnStudy],
    score: Callable[[Study], StudyRows],
    n_slices: int,
    n_studies: int,
    workers: int,
) -> Estimate:
    """Score some studies as a worker does, and scale to all slices over all workers.

    Parameters
    ----------
    drawn : one or more; where there are several, the first only warms the process up
    n_slices : slices of the whole archive that would be scored
    n_studies : studies of the whole archive; no more workers than these have work
    workers : as fast as this process each, whatever the others do

    Raises
    ------
    CalciumError
        if storage gave way, or the scorer cannot be used as asked
    """
    first, *rest = drawn
    _timed(score, first.study)
    timed = rest or [first]
    seconds = [_timed(score, one.study) for one in timed]
    paces = [s / one.slices for s, one in zip(seconds, timed, strict=True)]
    pace = sum(seconds) / sum(one.slices for one in timed)
    hours = n_slices / min(workers, n_studies) / 3600
    return Estimate(
        hours * pace,
        hours * min(paces),
        hours * max(paces),
        sum(seconds) / len(seconds),
        len(seconds),
    )


def _timed(score: Callable[[Study], StudyRows], study: Study) -> float:
    """Seconds; a study that ends as failed in a run takes its time there too."""
    began = perf_counter()
    try:
        score(study)
    except CalciumError:
        raise
    except Exception as error:
        logging.getLogger(__name__).debug("%s: %r", study.study_id, error)
    return perf_counter() - began

"""From single scans to the figures of a detector."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

import numpy as np
from lesion_matching import FalsePositive, TruthLesion

from calcarium.cohort.statistics import Estimate, confusion, icc, kappa, proportion
from calcarium.scoring.categories import schemes

SIZES_MM3 = (0.0, 5.0)
LEFT = ("LM", "LAD", "LM+LAD")
ZERO_SCHEME = "five_rumberger"


@dataclass(frozen=True)
class ScanEvaluation:
    """One scan under one stress.

    Attributes
    ----------
    excluded : reason for which the detector refused the scan; then nothing was found
    agatston_true : of the ideal region, by the same scorer
    flags : checks of the detector that warn or fail
    seconds : by stage
    """

    scan_id: str
    scan_class: str
    stress: str
    excluded: str = ""
    agatston_true: float = 0.0
    agatston_found: float = 0.0
    flags: tuple[str, ...] = ()
    seconds: dict[str, float] = field(default_factory=dict)
    truths: tuple[TruthLesion, ...] = ()
    false_positives: tuple[FalsePositive, ...] = ()


@dataclass(frozen=True)
class Summary:
    """Figures over scans; those that were refused enter ``n_excluded`` alone.

    Attributes
    ----------
    n_zero, n_gross, n_right : scans without calcium; two or more classes off; in the right class
    sensitivity : of lesions, by least volume in mm3
    false_per_scan, false_by_kind : accepted things that touch no coronary calcium
    artery_right : share of found lesions, LM and LAD being one
    arteries : found lesions by true and found artery
    kappa : by scheme, linear weights
    zero_called_positive : share of scans without calcium that round to a score of 1 or more
    flagged_gross, flagged_right : share with a flag of the gross errors and of the right ones
    warned : scans that each check warns of: in the right class, and not
    seconds : median by stage
    """

    scan_class: str
    stress: str
    n_scans: int
    n_excluded: int
    n_zero: int
    n_gross: int
    n_right: int
    sensitivity: dict[float, Estimate]
    n_lesions: dict[float, int]
    false_per_scan: float
    false_by_kind: dict[str, int]
    artery_right: Estimate
    arteries: dict[tuple[str, str], int]
    icc: Estimate
    kappa: dict[str, Estimate]
    zero_called_positive: Estimate
    flagged_gross: Estimate
    flagged_right: Estimate
    warned: dict[str, tuple[int, int]]
    seconds: dict[str, float] = field(default_factory=dict)


def summarise(evaluations: Sequence[ScanEvaluation], scan_class: str = "all") -> Summary:
    """Figures of the scans of one stress and class."""
    chosen = [e for e in evaluations if scan_class in ("all", e.scan_class)]
    scans = [e for e in chosen if not e.excluded]
    lesions = [lesion for e in scans for lesion in e.truths]
    by_size = {size: [t for t in lesions if t.volume_mm3 >= size] for size in SIZES_MM3}
    false = [fp for e in scans for fp in e.false_positives]
    found = [t for t in lesions if t.is_found]
    zero = [e for e in scans if _class(e.agatston_true) == 0]
    steps = [abs(_class(e.agatston_true) - _class(e.agatston_found)) for e in scans]
    gross = [e for e, step in zip(scans, steps, strict=True) if step >= 2]
    right = [e for e, step in zip(scans, steps, strict=True) if step == 0]
    return Summary(
        scan_class=scan_class,
        stress=chosen[0].stress if chosen else "",
        n_scans=len(chosen),
        n_excluded=len(chosen) - len(scans),
        n_zero=len(zero),
        n_gross=len(gross),
        n_right=len(right),
        sensitivity={s: _share([t.is_found for t in ts]) for s, ts in by_size.items()},
        n_lesions={size: len(ts) for size, ts in by_size.items()},
        false_per_scan=len(false) / len(scans) if scans else math.nan,
        false_by_kind=dict(Counter(fp.kind for fp in false).most_common()),
        artery_right=_share([_same_artery(t) for t in found]),
        arteries=dict(Counter((t.artery, t.artery_found) for t in found)),
        icc=_icc(scans),
        kappa={name: _kappa(scans, name) for name in ("five_rumberger", "cac_drs")},
        zero_called_positive=_share([_class(e.agatston_found) > 0 for e in zero]),
        flagged_gross=_share([bool(e.flags) for e in gross]),
        flagged_right=_share([bool(e.flags) for e in right]),
        warned=_warned([(e.flags, step == 0) for e, step in zip(scans, steps, strict=True)]),
        seconds={
            stage: median(e.seconds[stage] for e in scans)
            for stage in (scans[0].seconds if scans else ())
        },
    )


def _warned(scans: Sequence[tuple[tuple[str, ...], bool]]) -> dict[str, tuple[int, int]]:
    right, wrong = (
        Counter(check for flags, is_right in scans if is_right == wanted for check in flags)
        for wanted in (True, False)
    )
    return {check: (right[check], wrong[check]) for check in sorted(right | wrong)}


def _share(hits: Sequence[bool]) -> Estimate:
    return proportion(sum(hits), len(hits))


def _class(agatston: float, scheme: str = ZERO_SCHEME) -> int:
    bins = schemes()[scheme]
    return bins.labels.index(bins.label(agatston))


def _same_artery(lesion: TruthLesion) -> bool:
    if lesion.artery in LEFT:
        return lesion.artery_found in LEFT
    return lesion.artery == lesion.artery_found


def _icc(scans: Sequence[ScanEvaluation]) -> Estimate:
    if len(scans) < 2:
        return Estimate(math.nan, math.nan, math.nan)
    return icc(np.array([(e.agatston_true, e.agatston_found) for e in scans]), "A,1")


def _kappa(scans: Sequence[ScanEvaluation], scheme: str) -> Estimate:
    if not scans:
        return Estimate(math.nan, math.nan, math.nan)
    true, found = (
        [_class(score, scheme) for score in scores]
        for scores in ([e.agatston_true for e in scans], [e.agatston_found for e in scans])
    )
    return kappa(confusion(true, found, len(schemes()[scheme].labels)), "linear")

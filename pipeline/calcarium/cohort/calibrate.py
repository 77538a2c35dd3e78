"""From calcium volume on contrast CT to an Agatston score: a user's own conversion.

None is published that could be shipped. It is fitted on patients who have both scans, and
judged on scans that it was not fitted on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from calcarium.cohort.statistics import (
    BlandAltman,
    Estimate,
    Float64,
    bland_altman,
    confusion,
    icc,
    kappa,
)
from calcarium.errors import UsageError
from calcarium.scoring.categories import schemes
from calcarium.scoring.conventions import CTA_DERIVED, CTA_VOLUME
from calcarium.tables.parts import connect_whole

LEAST_PAIRS = 10
"""Engineering choice: fewer pairs with calcium on contrast CT say nothing about others."""
SCHEME = "cac_drs"
# PatientID joins folders; the keyed hash differs between them, and is all that a shared one has.
QUERY = f"""
SELECT scores.study_id, coalesce(links.patient_id, studies.patient_key) AS patient,
       scores.convention = '{CTA_VOLUME}' AS is_contrast,
       CASE WHEN is_contrast THEN scores.volume_mm3 ELSE scores.agatston END AS amount
FROM scores
JOIN series USING (scan_id)
JOIN studies ON studies.study_id = scores.study_id
LEFT JOIN links USING (scan_id)
WHERE (scores.convention = '{CTA_VOLUME}' AND scores.scan_id = studies.contrast_scan_id)
   OR (scores.is_primary AND scores.agatston IS NOT NULL
       AND scores.scan_id = studies.gated_scan_id)
ORDER BY scores.study_id
"""


@dataclass(frozen=True)
class ContrastPairs:
    """Patients with both scans; arrays of one length.

    Attributes
    ----------
    n_ambiguous : patients with several scans of a kind and none of both in one study; left out
    """

    volume_mm3: Float64
    agatston: Float64
    n_ambiguous: int


@dataclass(frozen=True)
class Calibration:
    """A conversion and how it fared on the pairs left out of its fit.

    Attributes
    ----------
    agatston_per_mm3 : slope through the origin, by least absolute deviations
    lowest, highest : of the fits that leave one pair out
    icc, limits, kappa : converted scores beside measured ones, each pair left out of its fit;
        kappa is linearly weighted, of the scheme ``cac_drs``
    """

    n_pairs: int
    agatston_per_mm3: float
    lowest: float
    highest: float
    icc: Estimate
    limits: BlandAltman
    kappa: Estimate


def contrast_pairs(results: Sequence[str]) -> ContrastPairs:
    """Gated Agatston scores and contrast volumes of the same patients.

    Two scans of one study are a pair; otherwise a patient's only two.

    Raises
    ------
    UsageError
        if a folder is no result folder.
    """
    rows = [
        row
        for url in results
        for row in connect_whole(url).sql(QUERY).to_arrow_table().to_pylist()
        if row["patient"] is not None
    ]
    by_patient: dict[str, dict[bool, dict[str, float]]] = {}
    for row in rows:
        kinds = by_patient.setdefault(row["patient"], {False: {}, True: {}})
        kinds[row["is_contrast"]][row["study_id"]] = row["amount"]
    found = Counter[str]()
    pairs = []
    for kinds in by_patient.values():
        pair = _pair(kinds[True], kinds[False])
        pairs += [pair] if pair else []
        found["ambiguous"] += bool(not pair and kinds[True] and kinds[False])
    both = np.array(pairs, dtype=np.float64).reshape(-1, 2)
    return ContrastPairs(both[:, 0], both[:, 1], found["ambiguous"])


def _pair(volumes: dict[str, float], scores: dict[str, float]) -> tuple[float, float] | None:
    same_study = sorted(volumes.keys() & scores.keys())
    if same_study:
        return volumes[same_study[0]], scores[same_study[0]]
    if len(volumes) == len(scores) == 1:
        return next(iter(volumes.values())), next(iter(scores.values()))
    return None


def slope_through_origin(x: Float64, y: Float64) -> float:
    """The slope ``f`` that minimises ``sum |y - f x|``: the median of ``y / x``, weighted by ``x``.

    Pairs with ``x = 0`` do not depend on the slope.
    """
    x, y = x[x > 0], y[x > 0]
    order = np.argsort(y / x, kind="stable")
    weight = np.cumsum(x[order])
    at = order[np.searchsorted(weight, weight[-1] / 2)]
    return float(y[at] / x[at])


def calibrate(pairs: ContrastPairs) -> Calibration:
    """Fit the conversion, and judge it by leaving out each pair in turn.

    Raises
    ------
    UsageError
        if fewer than :data:`LEAST_PAIRS` pairs have calcium on contrast CT.
    """
    x, y = pairs.volume_mm3, pairs.agatston
    calcified = int((x > 0).sum())
    if calcified < LEAST_PAIRS:
        raise UsageError(
            f"{calcified} of {len(x)} pairs have calcium on contrast CT; "
            f"at least {LEAST_PAIRS} are needed"
        )
    left_out = [slope_through_origin(np.delete(x, i), np.delete(y, i)) for i in range(len(x))]
    slopes = np.array(left_out)
    converted = slopes * x
    scheme = schemes()[SCHEME]
    classes = [[scheme.labels.index(scheme.label(s)) for s in side] for side in (y, converted)]
    return Calibration(
        len(x),
        slope_through_origin(x, y),
        float(slopes.min()),
        float(slopes.max()),
        icc(np.stack([converted, y], axis=1), "A,1"),
        bland_altman(converted, y),
        kappa(confusion(classes[0], classes[1], len(scheme.labels)), "linear"),
    )


def protocol_fragment(found: Calibration) -> str:
    """A protocol that converts with this fit, TOML; its comments say how good it is."""
    lines = [f"# {line}" for line in summary(found)]
    lines += [
        'extends = "cta"',
        'name = "cta-calibrated"',
        "",
        "[scoring]",
        f'conventions = ["{CTA_VOLUME}", "{CTA_DERIVED}"]',
        f"cta_agatston_per_mm3 = {float(f'{found.agatston_per_mm3:.6g}')!r}",
    ]
    return "\n".join(lines) + "\n"


def summary(found: Calibration) -> list[str]:
    """What was fitted and how it fared, line by line."""
    limits = found.limits
    return [
        f"{found.n_pairs} pairs of a gated and a contrast scan; least absolute deviations",
        f"Agatston score = {found.agatston_per_mm3:.4g} per mm3 on contrast CT "
        f"(leaving one pair out: {found.lowest:.4g} to {found.highest:.4g})",
        f"leave-one-out ICC(A,1): {_interval(found.icc)}",
        f"leave-one-out bias: {_interval(limits.bias)}, "
        f"limits of agreement {limits.lower.value:.4g} to {limits.upper.value:.4g}",
        f"leave-one-out linear kappa of {SCHEME}: {_interval(found.kappa)}",
    ]


def _interval(estimate: Estimate) -> str:
    return f"{estimate.value:.3g} ({estimate.low:.3g} to {estimate.high:.3g})"

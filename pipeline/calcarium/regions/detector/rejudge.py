"""Judge the candidates of a scan again by other rules, from what was measured on them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from calcarium.config.detector import DetectorRules
from calcarium.errors import UsageError
from calcarium.quality import QualityRow
from calcarium.regions.detector.arteries import artery_of
from calcarium.regions.detector.decide import same_are_worth_a_look, verdicts, worth_a_look
from calcarium.regions.detector.doubts import doubts_of_verdicts
from calcarium.regions.detector.features import features_of, labels_of, measured
from calcarium.regions.detector.places import Places
from calcarium.regions.detector.surroundings import Surroundings
from calcarium.regions.model import Region

# What decides from measurements alone; every other rule decided what was measured.
FREE = ("evidence", "standing", "artery")
FIXED_CANDIDATE = ("threshold_hu", "least_area_mm2", "least_share_in_region")


def can_rejudge(before: DetectorRules, now: DetectorRules) -> bool:
    """Whether rules differ only in what measurements are held against."""
    update = {name: getattr(before, name) for name in FREE}
    fixed = {name: getattr(now.candidate, name) for name in FIXED_CANDIDATE}
    update["candidate"] = before.candidate.model_copy(update=fixed)
    return now.model_copy(update=update) == before


def rejudge(
    region: Region, before: DetectorRules, now: DetectorRules
) -> tuple[Region, tuple[QualityRow, ...]]:
    """The region as the detector had made it by other rules, and its doubts that changed.

    Parameters
    ----------
    region : of the detector, with the features of its labels
    before, now : rules that :func:`can_rejudge`

    Raises
    ------
    UsageError
        if a candidate must be looked at that was so surely none that nobody looked; and for
        contrast CT, whose threshold hangs on the candidates.
    """
    if before == now or region.source not in ("detector", "contrast"):
        return region, ()
    if region.source == "contrast":
        raise UsageError("rules of the detector decide on contrast CT what is lumen")
    features = region.known.labels.features
    places, around = measured(features)
    if not same_are_worth_a_look(before, now):
        around = _looked_around(places, around, before, now)
        features = features_of(places, around)
    found = verdicts(places, around, now)
    meaning = labels_of(features, found, artery_of(places, now.artery))
    return replace(region, meaning=meaning), doubts_of_verdicts(places, around, found, now)


def _looked_around(
    places: Places, around: Surroundings, before: DetectorRules, now: DetectorRules
) -> Surroundings:
    """Surroundings of those candidates alone that other rules look at."""
    wanted = worth_a_look(places, now)
    if (wanted & ~worth_a_look(places, before)).any():
        raise UsageError("a candidate whose surroundings were not measured could now be calcium")
    best = vars(Surroundings.best_case(len(places)))
    return Surroundings(
        **{name: np.where(wanted, values, best[name]) for name, values in vars(around).items()}
    )

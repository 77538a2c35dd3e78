"""What was measured on the candidates, as named numbers on their labels, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import TypeAlias

import numpy as np

from calcarium.regions.anatomy.grid import Float64, Mask
from calcarium.regions.detector.decide import Verdicts
from calcarium.regions.detector.places import Places
from calcarium.regions.detector.surroundings import Surroundings
from calcarium.regions.model import Label, Vessel

DIRECTIONS = ("to_aorta", "to_heart")  # needed only to look around
FLAGS = ("beside_aorta",)
NAMES = tuple(
    field.name for field in (*fields(Places), *fields(Surroundings)) if field.name not in DIRECTIONS
)
Features: TypeAlias = Mapping[str, float]


def features_of(places: Places, around: Surroundings) -> Sequence[Features]:
    """The measurements on each candidate by name; one that is unknown is left out."""
    values = {**vars(places), **vars(around)}
    columns = np.array([values[name] for name in NAMES], dtype=np.float64)
    features = [dict(zip(NAMES, row, strict=True)) for row in columns.T.tolist()]
    for which, i in np.argwhere(np.isnan(columns)).tolist():
        del features[i][NAMES[which]]
    return features


def labels_of(
    features: Sequence[Features], verdicts: Verdicts, vessels: Sequence[Vessel]
) -> dict[int, Label]:
    """The label of each candidate, from 1."""
    confidence = verdicts.confidence.tolist()
    each = zip(vessels, verdicts.standing, verdicts.rejected_by, confidence, features, strict=True)
    return {i: Label(*cells) for i, cells in enumerate(each, 1)}


def measured(features: Sequence[Features]) -> tuple[Places, Surroundings]:
    """Places and surroundings of candidates from their features; directions come back as zero."""
    # What is missing is None here, and NaN as a number.
    rows = [list(map(one.get, NAMES)) for one in features]
    columns = np.array(rows, dtype=np.float64).reshape(-1, len(NAMES)).T
    known: dict[str, Float64 | Mask] = dict(zip(NAMES, columns, strict=True))
    known |= {name: known[name] > 0 for name in FLAGS}
    known |= {name: np.zeros((len(features), 2)) for name in DIRECTIONS}
    places, around = (
        {field.name: known[field.name] for field in fields(made)} for made in (Places, Surroundings)
    )
    return Places(**places), Surroundings(**around)  # type: ignore[arg-type]

"""What was measured on the candidates, as named columns of their labels, and back."""

from __future__ import annotations

from dataclasses import fields

import numpy as np

from calcarium.regions.anatomy.grid import Float64, Mask
from calcarium.regions.detector.decide import Verdicts
from calcarium.regions.detector.places import Places
from calcarium.regions.detector.surroundings import Surroundings
from calcarium.regions.model import LabelColumns, Meaning, Words

DIRECTIONS = ("to_aorta", "to_heart")  # needed only to look around
FLAGS = ("beside_aorta",)
NAMES = tuple(
    field.name for field in (*fields(Places), *fields(Surroundings)) if field.name not in DIRECTIONS
)


def features_of(places: Places, around: Surroundings) -> Float64:
    """The measurements ``NAMES``, shape (n_names, n_candidates); NaN where unknown."""
    values = {**vars(places), **vars(around)}
    return np.array([values[name] for name in NAMES], dtype=np.float64)


def labels_of(features: Float64, verdicts: Verdicts, vessels: Words) -> Meaning:
    """The label of each candidate, from 1."""
    labels = LabelColumns(
        vessels, verdicts.standing, verdicts.rejected_by, verdicts.confidence, NAMES, features
    )
    return Meaning(np.arange(1, 1 + len(labels)), labels)


def measured(features: Float64) -> tuple[Places, Surroundings]:
    """Places and surroundings of candidates from their features; directions come back as zero."""
    known: dict[str, Float64 | Mask] = dict(zip(NAMES, features, strict=True))
    known |= {name: known[name] > 0 for name in FLAGS}
    known |= {name: np.zeros((features.shape[1], 2)) for name in DIRECTIONS}
    places, around = (
        {field.name: known[field.name] for field in fields(made)} for made in (Places, Surroundings)
    )
    return Places(**places), Surroundings(**around)  # type: ignore[arg-type]

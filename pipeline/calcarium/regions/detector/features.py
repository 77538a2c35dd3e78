"""What was measured on the candidates, as named numbers on their labels, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields

import numpy as np

from calcarium.regions.anatomy.grid import Float64
from calcarium.regions.detector.decide import Verdicts
from calcarium.regions.detector.places import Places
from calcarium.regions.detector.surroundings import Surroundings
from calcarium.regions.model import Label, Vessel

DIRECTIONS = ("to_aorta", "to_heart")  # needed only to look around
FLAGS = ("beside_aorta",)


def labels_of(
    places: Places, around: Surroundings, verdicts: Verdicts, vessels: Sequence[Vessel]
) -> dict[int, Label]:
    """The label of each candidate, from 1; a measurement that is unknown is no feature."""
    every = _every(places, around)
    columns = (values.astype(float).tolist() for values in every.values())
    features = [dict(zip(every, row, strict=True)) for row in zip(*columns, strict=True)]
    for name, values in every.items():
        for i in np.flatnonzero(np.isnan(values)):
            del features[i][name]
    return {
        i + 1: Label(
            vessels[i],
            verdicts.standing[i],
            verdicts.rejected_by[i],
            float(verdicts.confidence[i]),
            features[i],
        )
        for i in range(len(places))
    }


def measured(labels: Mapping[int, Label]) -> tuple[Places, Surroundings]:
    """Places and surroundings of candidates from their labels; directions come back as zero."""
    features = [labels[value].features or {} for value in sorted(labels)]

    def column(name: str) -> Float64:
        return np.array([one.get(name, np.nan) for one in features])

    places = {field.name: column(field.name) for field in fields(Places)}
    places |= {name: np.zeros((len(features), 2)) for name in DIRECTIONS}
    flags = {name: column(name) > 0 for name in FLAGS}
    around = {field.name: column(field.name) for field in fields(Surroundings)}
    return Places(**(places | flags)), Surroundings(**around)  # type: ignore[arg-type]


def _every(places: Places, around: Surroundings) -> dict[str, Float64]:
    every = {**vars(places), **vars(around)}
    return {name: values for name, values in every.items() if name not in DIRECTIONS}

"""Where calcium counts, and what is known about each place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import isnan
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from calcarium.quality import QualityRow
from calcarium_kernels.contract import Box, Int64, Labels
from calcarium_kernels.sparse import SparseArray

Vessel: TypeAlias = Literal["LM", "LAD", "LCX", "RCA", "LM+LAD", "unassigned"]
VESSELS: tuple[Vessel, ...] = ("LM", "LAD", "LCX", "RCA", "LM+LAD", "unassigned")
Standing: TypeAlias = Literal["accepted", "doubtful", "possible", "rejected"]
COUNTED: tuple[Standing, ...] = ("accepted", "doubtful")  # what a score is made of
Words: TypeAlias = NDArray[np.object_]  # of str
Float64: TypeAlias = NDArray[np.float64]
RegionSourceName: TypeAlias = Literal["mask", "shapes", "whole", "network", "detector", "contrast"]


@dataclass(frozen=True)
class Label:
    """What one label value of a region stands for.

    Attributes
    ----------
    vessel : artery, or a free name (an insert of a phantom)
    standing : ``accepted`` and ``doubtful`` count in the score; ``doubtful`` is left out of
        its lower end; ``possible`` is added at its upper end; ``rejected`` only in
        ``agatston_rejected``
    rejected_by : the rule that rejected it, else empty
    features : what a detector measured on it, with units in the names
    """

    vessel: str
    standing: Standing = "accepted"
    rejected_by: str = ""
    confidence: float | None = None
    features: Mapping[str, float] | None = None


UNASSIGNED = Label("unassigned")


@dataclass(frozen=True, eq=False)
class LabelColumns:
    """Many labels: one element per label in every array, NaN where unknown.

    Noise leaves thousands of candidates in a scan, and one object for each takes longer than to
    score them.

    Attributes
    ----------
    measured : names of the features
    features : shape (n_features, n)
    """

    vessel: Words
    standing: Words
    rejected_by: Words
    confidence: Float64
    measured: tuple[str, ...]
    features: Float64

    @classmethod
    def of(cls, labels: Sequence[Label]) -> LabelColumns:
        """Columns of a few labels, such as masks have."""
        known = [label.features or {} for label in labels]
        names = tuple(dict.fromkeys(name for features in known for name in features))
        numbers = [[features.get(name) for features in known] for name in names]
        return cls(
            words(label.vessel for label in labels),
            words(label.standing for label in labels),
            words(label.rejected_by for label in labels),
            np.array([label.confidence for label in labels], dtype=np.float64),
            names,
            np.array(numbers, dtype=np.float64).reshape(len(names), len(labels)),
        )

    def __len__(self) -> int:
        return len(self.vessel)

    def __getitem__(self, i: int) -> Label:
        confidence = float(self.confidence[i])
        numbers = zip(self.measured, self.features[:, i].tolist(), strict=True)
        return Label(
            self.vessel[i],
            self.standing[i],
            self.rejected_by[i],
            None if isnan(confidence) else confidence,
            {name: number for name, number in numbers if not isnan(number)} or None,
        )

    def take(self, i: Int64) -> LabelColumns:
        """Some of the labels, by their place; -1 is a label that is ``unassigned``."""
        return LabelColumns(
            np.append(self.vessel, UNASSIGNED.vessel)[i],
            np.append(self.standing, UNASSIGNED.standing)[i],
            np.append(self.rejected_by, UNASSIGNED.rejected_by)[i],
            np.append(self.confidence, np.nan)[i],
            self.measured,
            np.append(self.features, np.full((len(self.measured), 1), np.nan), axis=1)[:, i],
        )

    @cached_property
    def counts(self) -> NDArray[np.bool_]:
        """Whether each counts in a score."""
        return np.isin(self.standing, COUNTED)


@dataclass(frozen=True, eq=False)
class Meaning(Mapping[int, Label]):
    """What each label value of a region stands for.

    Attributes
    ----------
    value : ascending
    labels : one per value
    """

    value: Int64
    labels: LabelColumns

    @classmethod
    def of(cls, meaning: Mapping[int, Label]) -> Meaning:
        """The same as columns."""
        value = sorted(meaning)
        return cls(np.array(value, dtype=np.int64), LabelColumns.of([meaning[v] for v in value]))

    @cached_property
    def counts(self) -> NDArray[np.bool_]:
        """Whether voxels of each value count, from 0, which is outside, to one that is unknown."""
        counts = np.ones(2 + int(self.value.max(initial=0)), dtype=np.bool_)
        counts[self.value] = self.labels.counts
        counts[0] = False
        return counts

    def __len__(self) -> int:
        return len(self.value)

    def __iter__(self) -> Iterator[int]:
        return iter(self.value.tolist())

    def __getitem__(self, value: int) -> Label:
        place = int(self.place_of(np.array([value]))[0])
        if place < 0:
            raise KeyError(value)
        return self.labels[place]

    def place_of(self, value: Int64) -> Int64:
        """Where in the columns each of some values is; -1 if nowhere."""
        place = np.searchsorted(self.value, value)
        place[place == len(self)] = -1
        return np.where(np.append(self.value, 0)[place] == value, place, -1)


def words(texts: Iterable[str]) -> Words:
    """Texts as a column."""
    return np.array(list(texts), dtype=np.object_)


@dataclass(frozen=True)
class Region:
    """Labelled voxels inside a box of a volume.

    Attributes
    ----------
    box : the part of the volume that is looked at
    labels : uint16 array of ``box.shape``, 0 outside, sparse where a detector marks few voxels
        (``np.asarray`` makes it whole); ``None``: all of the box is label 1
    meaning : what each label value stands for; a value without one is ``unassigned``
    rule : ``clip`` counts foreground voxels inside; ``select`` counts a lesion whole if at
        least half of its voxels are inside
    source, detail : where it came from (a file's name without its folder, a shape file)
    sha256 : hash of what it was made from; empty for ``whole``
    is_coronary : false where every component counts, coronary or not
    vessels : vessels that the source tells apart; those without a label score 0
    quality : doubts that the source itself has
    threshold_hu : threshold of this scan alone, where the blood holds contrast
    floor_hu : with such a threshold, labels reach to the edges of their lesions and voxels
        count from here on
    """

    box: Box
    labels: Labels | SparseArray | None
    meaning: Mapping[int, Label]
    rule: Literal["clip", "select"]
    source: RegionSourceName
    sha256: str = ""
    is_coronary: bool = True
    vessels: tuple[str, ...] = ()
    quality: tuple[QualityRow, ...] = ()
    threshold_hu: int | None = None
    floor_hu: int | None = None

    @cached_property
    def known(self) -> Meaning:
        """The meaning as columns."""
        meaning = self.meaning
        return meaning if isinstance(meaning, Meaning) else Meaning.of(meaning)

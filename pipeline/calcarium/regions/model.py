"""Where calcium counts, and what is known about each place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from calcarium.quality import QualityRow
from calcarium_kernels.contract import Box, Labels
from calcarium_kernels.sparse import SparseArray

Vessel: TypeAlias = Literal["LM", "LAD", "LCX", "RCA", "LM+LAD", "unassigned"]
VESSELS: tuple[Vessel, ...] = ("LM", "LAD", "LCX", "RCA", "LM+LAD", "unassigned")
Standing: TypeAlias = Literal["accepted", "doubtful", "possible", "rejected"]
COUNTED: tuple[Standing, ...] = ("accepted", "doubtful")  # what a score is made of
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

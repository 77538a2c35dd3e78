"""Lesion by lesion: what was there, what was found, and what was found that was not there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from stress import LabelledVolume, all_hu

from calcarium.regions.boxes import labelled_bounds
from calcarium.regions.model import COUNTED, Region

THRESHOLD_HU = 130.0
MINIMUM_AREA_MM2 = 1.0
TOUCHING = np.ones((3, 3, 3), dtype=bool)
UNLABELLED = "unlabelled"


@dataclass(frozen=True)
class TruthLesion:
    """One coronary calcification, and what became of it.

    Attributes
    ----------
    found_share : share of its voxels that were accepted
    artery_found : artery of most of these; empty if none
    """

    artery: str
    volume_mm3: float
    peak_hu: float
    found_share: float
    artery_found: str

    @property
    def is_found(self) -> bool:
        """At least half of its voxels count."""
        return self.found_share >= 0.5


@dataclass(frozen=True)
class FalsePositive:
    """Something that was accepted and touches no coronary calcium; ``kind`` says what it is."""

    kind: str
    artery_found: str
    volume_mm3: float
    peak_hu: float


def match_lesions(
    scan: LabelledVolume, region: Region, arteries: Mapping[int, str], kinds: Mapping[int, str]
) -> tuple[list[TruthLesion], list[FalsePositive]]:
    """Compare a detector's region with the truth.

    Lesions are 26-connected sets of voxels of at least 130 HU, of one artery, and of
    at least 1 mm2 in all.

    Parameters
    ----------
    arteries : artery by label of ``scan.calcium``
    kinds : class by label of ``scan.other``
    """
    hu, names = all_hu(scan.volume), [""]
    found = np.zeros(hu.shape, dtype=np.uint8)
    inside = found[region.box.slices]
    for value, label in region.meaning.items():
        if label.standing in COUNTED and region.labels is not None:
            if label.vessel not in names:
                names.append(label.vessel)
            inside[np.asarray(region.labels) == value] = names.index(label.vessel)
    foreground = hu >= THRESHOLD_HU
    found[~foreground] = 0
    measure = _Measure(scan, hu, found, names)
    truths = [
        measure.truth(artery, part)
        for label, artery in arteries.items()
        for part in measure.parts(foreground & (scan.calcium == label))
    ]
    false = [
        measure.false_positive(part, kinds)
        for part in measure.parts(found > 0)
        if not (scan.calcium[part.box][part.voxels] > 0).any()
    ]
    return truths, false


@dataclass(frozen=True)
class _Part:
    """One connected set of voxels: its bounding box, and which voxels of it."""

    box: tuple[slice, slice, slice]
    voxels: NDArray[np.bool_]


@dataclass(frozen=True)
class _Measure:
    scan: LabelledVolume
    hu: NDArray[np.float32]
    found: NDArray[np.uint8]
    names: list[str]

    def parts(self, mask: NDArray[np.bool_]) -> list[_Part]:
        if not mask.any():
            return []
        around = labelled_bounds(mask)  # calcium fills little of a scan
        labels, _ = ndimage.label(mask[around], TOUCHING)
        least = ceil(MINIMUM_AREA_MM2 / self.scan.volume.geometry.pixel_area_mm2)
        parts = [
            _Part(_moved(box, around), labels[box] == i)
            for i, box in enumerate(ndimage.find_objects(labels), start=1)
        ]
        return [part for part in parts if part.voxels.sum() >= least]

    def truth(self, artery: str, part: _Part) -> TruthLesion:
        found = self.found[part.box][part.voxels]
        return TruthLesion(
            artery,
            self._volume_mm3(part),
            float(self.hu[part.box][part.voxels].max()),
            float((found > 0).mean()),
            self._artery(part),
        )

    def false_positive(self, part: _Part, kinds: Mapping[int, str]) -> FalsePositive:
        """Its kind is that of most labelled voxels in or beside it."""
        box = tuple(slice(max(0, s.start - 1), s.stop + 1) for s in part.box)
        grown = np.zeros(self.hu.shape, dtype=bool)[box]
        inner = tuple(
            slice(s.start - g.start, s.stop - g.start) for s, g in zip(part.box, box, strict=True)
        )
        grown[inner] = part.voxels
        near = self.scan.other[box][ndimage.binary_dilation(grown, TOUCHING)]
        labels = Counter(int(label) for label in near if int(label) in kinds)
        kind = kinds[labels.most_common(1)[0][0]] if labels else UNLABELLED
        peak = float(self.hu[part.box][part.voxels].max())
        return FalsePositive(kind, self._artery(part), self._volume_mm3(part), peak)

    def _artery(self, part: _Part) -> str:
        counts = np.bincount(self.found[part.box][part.voxels], minlength=2)
        return self.names[int(counts[1:].argmax()) + 1] if counts[1:].any() else ""

    def _volume_mm3(self, part: _Part) -> float:
        geometry = self.scan.volume.geometry
        voxel = geometry.pixel_area_mm2 * geometry.slice_increment_mm
        return float(part.voxels.sum() * voxel)


def _moved(
    box: tuple[slice, slice, slice], within: tuple[slice, slice, slice]
) -> tuple[slice, slice, slice]:
    z, y, x = (slice(b.start + w.start, b.stop + w.start) for b, w in zip(box, within, strict=True))
    return z, y, x

"""Scans whose coronary calcium is known: the phantom set, or a folder with label maps."""

from __future__ import annotations

import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
from stress import LabelledVolume

from calcarium.config import Protocol, Protocols
from calcarium.errors import ScanExcluded, UsageError
from calcarium.intake.index import build_index
from calcarium.intake.select import ScanChoice, select
from calcarium.intake.studies import iter_studies
from calcarium.phantom.distractors import DISTRACTOR_LABEL
from calcarium.regions.formats.read import read_masks
from calcarium.regions.inputs import RegionInputs, gather_inputs
from calcarium.regions.masks import read_marked
from calcarium.regions.resample import place
from calcarium.volume import load_volume
from calcarium.volume.model import Geometry, Volume
from calcarium_kernels.contract import Labels

Part: TypeAlias = Literal["all", "tune", "held-out"]
KINDS = {label: kind for kind, label in DISTRACTOR_LABEL.items()}
HELD_OUT_SHARE = 4


@dataclass(frozen=True)
class LabelledSet:
    """Where a labelled set lies.

    Attributes
    ----------
    scans : folder of DICOM
    masks : label maps of coronary calcium, as ``calcarium score --masks`` takes them
    truth : folder with ``labels/`` (other bright things) and ``heart/``, named as the masks are
    """

    scans: Path
    masks: Path
    truth: Path | None = None

    @classmethod
    def phantom(cls, folder: Path) -> LabelledSet:
        """A set that ``calcarium phantom`` wrote."""
        return cls(folder / "dicom", folder / "masks", folder / "truth")


@dataclass(frozen=True)
class LabelledScan:
    """One scan of a set, not yet read.

    Attributes
    ----------
    held_out : in the quarter that is not looked at while a detector is changed
    """

    choice: ScanChoice
    protocol: Protocol
    mask: str
    truth: Path | None

    @property
    def held_out(self) -> bool:
        """By a hash of the scan's id, so that it does not depend on the order of files."""
        return zlib.crc32(self.choice.scan.scan_id.encode()) % HELD_OUT_SHARE == 0

    def read(self) -> tuple[LabelledVolume, dict[int, str]]:
        """The scan with its labels, and the artery of each label of calcium.

        Raises
        ------
        ScanExcluded, ScanFailed
            if scan or mask cannot be used
        """
        volume = load_volume(self.choice.scan, self.protocol.volume)
        rules = self.protocol.region.model_copy(update={"empty_mask": "zero"})
        region = read_marked(self.mask, volume.geometry, rules).region
        if region is None:
            raise ScanExcluded("empty_mask", f"{self.mask} marks no calcium")
        calcium = np.zeros(volume.geometry.shape, dtype=np.uint16)
        if region.labels is not None:
            calcium[region.box.slices] = region.labels
        other = self._map("labels", volume.geometry)
        other[calcium > 0] = 0
        heart = self._map("heart", volume.geometry)
        arteries = {value: label.vessel for value, label in region.meaning.items()}
        return LabelledVolume(volume, calcium, other, _centre(volume, heart, calcium)), arteries

    def _map(self, part: str, geometry: Geometry) -> Labels:
        """A further label map of the truth on the scan's grid; empty if there is none."""
        labels = np.zeros(geometry.shape, dtype=np.uint16)
        file = None if self.truth is None else self.truth / part / Path(self.mask).name
        if file is not None and file.exists():
            (label_map,) = read_masks(str(file), geometry, {})
            placed = place(label_map, geometry)
            labels[placed.box.slices] = placed.labels
        return labels


def labelled_scans(where: LabelledSet, protocols: Protocols, part: Part) -> list[LabelledScan]:
    """Every eligible scan of a set that has a label map.

    Raises
    ------
    UsageError
        if there is none.
    """
    inputs = gather_inputs(str(where.masks))
    scans = [
        LabelledScan(choice, protocols.by_class[choice.scan_class], mask, where.truth)
        for choice, mask in _with_mask(where, protocols, inputs)
    ]
    chosen = [scan for scan in scans if part == "all" or scan.held_out == (part == "held-out")]
    if not chosen:
        raise UsageError(
            f"{where.scans}: no eligible scan with a label map in {where.masks}; "
            "`calcarium plan --masks` says why (scans are DICOM alone)"
        )
    return chosen


def _with_mask(
    where: LabelledSet, protocols: Protocols, inputs: RegionInputs
) -> Iterator[tuple[ScanChoice, str]]:
    with tempfile.TemporaryDirectory() as index:
        build_index([str(where.scans)], Path(index))
        for study in iter_studies(Path(index)):
            for choice in select(study, protocols, all_scans=True).chosen:
                mask = inputs.mask_of(choice.scan)
                if mask is not None:
                    yield choice, mask


def _centre(volume: Volume, heart: Labels, calcium: Labels) -> tuple[float, float]:
    """Of the heart; without its mask, of the calcium; without calcium, of the picture."""
    for labels in (heart, calcium):
        rows, columns = (np.flatnonzero(labels.any(axis=axes)) for axes in ((0, 2), (0, 1)))
        if rows.size:
            return float(rows.mean()), float(columns.mean())
    return volume.geometry.rows / 2, volume.geometry.columns / 2

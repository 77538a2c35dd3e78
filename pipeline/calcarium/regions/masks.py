"""Masks that the user has: from files to the region of one scan, or to its anatomy."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from calcarium.config import RegionRules
from calcarium.errors import ScanExcluded
from calcarium.quality import QualityRow
from calcarium.regions.anatomy.given import Anatomy
from calcarium.regions.formats import read_masks
from calcarium.regions.label_runs import LabelRuns
from calcarium.regions.labelmap import LabelMap
from calcarium.regions.model import Label, Region
from calcarium.regions.names import Structure, declared_labels, sort_labels
from calcarium.regions.resample import Placed, covered, place
from calcarium.volume.model import Geometry
from calcarium_kernels.contract import Box, Labels

# Below the first a mask belongs to another scan, below the second it is cut by this one.
MIN_OVERLAP = 0.5
FULL_OVERLAP = 0.99


@dataclass(frozen=True)
class Marked:
    """What masks mark on a scan: where calcium counts, or anatomy for the detector.

    Attributes
    ----------
    region : calcium or arteries; ``None`` if the masks mark none
    anatomy : heart and aorta, where the masks mark no calcium
    sha256 : hash of the files
    """

    region: Region | None
    anatomy: Anatomy
    sha256: str

    @property
    def is_nothing(self) -> bool:
        """Whether nothing is marked that is of use."""
        return self.region is None and self.anatomy.heart is None and self.anatomy.aorta is None


def read_marked(url: str, geometry: Geometry, rules: RegionRules) -> Marked:
    """What a mask file, or a folder with a file for each structure, marks on a scan.

    Parameters
    ----------
    url : see :func:`calcarium.regions.formats.read_masks`
    geometry : of the scan
    rules : names of the labels, ``clip`` or ``select``, and what an empty mask means

    Raises
    ------
    ScanExcluded
        ``mask_mismatch`` if less than half of a mask lies on the scan; ``empty_mask``;
        ``missing_mask`` if the files mark neither calcium nor heart nor aorta
    ScanFailed
        if a file cannot be read
    """
    found = marked(read_masks(url, geometry, rules.labels), geometry, rules, "mask")
    if found.is_nothing:
        raise ScanExcluded("missing_mask", "the mask marks neither calcium nor heart nor aorta")
    return found


def marked(
    masks: Sequence[LabelMap],
    geometry: Geometry,
    rules: RegionRules,
    source: Literal["mask", "network"],
) -> Marked:
    """What label maps mark on a scan; see :func:`read_marked`."""
    sha256 = hash_of([mask.sha256 for mask in masks])
    vessels: dict[int, str] = {}
    calcium, anatomy = [], []
    for mask in masks:
        values = declared_labels(mask.names, rules.labels) | mask.runs.values()
        named, structures = sort_labels(values, mask.names, rules.labels)
        vessels |= named
        if named:
            calcium.append(replace(mask, runs=mask.runs.only(named)))
        anatomy.append((mask, structures))
    if vessels:
        region = _region(calcium, vessels, geometry, rules, sha256)
        return Marked(replace(region, source=source), Anatomy(), sha256)
    return Marked(None, _anatomy(anatomy, geometry), sha256)


def _region(
    calcium: Sequence[LabelMap],
    vessels: Mapping[int, str],
    geometry: Geometry,
    rules: RegionRules,
    sha256: str,
) -> Region:
    placed = [_placed(mask, geometry) for mask in calcium if len(mask.runs)]
    # Labels smaller than a voxel of the scan may hold no voxel's centre.
    if not any(len(part.runs) for part in placed):
        _check_empty(calcium, geometry, rules)
        return Region(Box(0, 0, 0, 0, 0, 0), None, {}, rules.rule, "mask", sha256)
    box, labels = _merged([part.runs for part in placed])
    return Region(
        box,
        labels,
        {value: Label(vessel) for value, vessel in vessels.items()},
        rules.rule,
        "mask",
        sha256,
        quality=_doubts(placed, calcium, geometry),
    )


def _placed(mask: LabelMap, geometry: Geometry) -> Placed:
    placed = place(mask, geometry)
    if placed.overlap < MIN_OVERLAP:
        raise ScanExcluded(
            "mask_mismatch", f"{placed.overlap:.0%} of the mask's labelled voxels lie on the scan"
        )
    return placed


def _merged(parts: Sequence[LabelRuns]) -> tuple[Box, Labels]:
    """One array of labels; where masks overlap, the first of them counts."""
    box = LabelRuns.joined(parts).box
    labels = np.zeros(box.shape, dtype=np.uint16)
    for part in reversed(parts):
        part.paint(labels, box)
    return box, labels


def _anatomy(
    masks: Iterable[tuple[LabelMap, Mapping[int, Structure]]], geometry: Geometry
) -> Anatomy:
    everywhere = Box.whole(geometry.shape)
    found: dict[Structure, NDArray[np.bool_]] = {}
    for mask, structures in masks:
        for structure in sorted({*structures.values()} - {"other"}):
            runs = mask.runs.only([v for v, s in structures.items() if s == structure])
            if not len(runs):
                continue
            part = replace(mask, runs=runs)
            placed = place(part, geometry) if structure == "aorta" else _placed(part, geometry)
            inside = found.setdefault(structure, np.zeros(geometry.shape, dtype=np.bool_))
            placed.runs.paint(inside, everywhere)
    return Anatomy(heart=found.get("heart"), aorta=found.get("aorta"))


def _check_empty(masks: Iterable[LabelMap], geometry: Geometry, rules: RegionRules) -> None:
    """A mask without a label is a score of zero only where it was looked for, and by rule."""
    if max(covered(mask, geometry) for mask in masks) < MIN_OVERLAP:
        raise ScanExcluded("mask_mismatch", "the grid of the empty mask misses most of the scan")
    if rules.empty_mask == "exclude":
        raise ScanExcluded("empty_mask")


def _doubts(
    placed: Sequence[Placed], masks: Sequence[LabelMap], geometry: Geometry
) -> tuple[QualityRow, ...]:
    overlap = min(part.overlap for part in placed)
    resampled = any(part.resampled for part in placed)
    # Drawn on such a scan, yet elsewhere: of another one, or its header is wrong.
    astray = resampled and any(sorted(mask.shape) == sorted(geometry.shape) for mask in masks)
    text = "resampled" if resampled else "same"
    return (
        QualityRow("mask_overlap", "pass" if overlap >= FULL_OVERLAP else "warn", overlap),
        QualityRow("mask_grid", "warn" if astray else "pass", text=text),
    )


def mask_calcium(region: Region, *, detected: bool) -> tuple[QualityRow, ...]:
    """Whether anything counts in a mask of calcium: in that of another scan nothing may."""
    if region.source != "mask" or region.rule != "clip" or not region.meaning:
        return ()
    return (QualityRow("mask_calcium", "pass" if detected else "warn"),)


def hash_of(hashes: Sequence[str]) -> str:
    """One hash for several files."""
    if len(hashes) == 1:
        return hashes[0]
    return hashlib.sha256("".join(hashes).encode()).hexdigest()

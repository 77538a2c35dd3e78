"""Masks that the user has: from files to the region of one scan, or to its anatomy."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from calcarium.config import RegionRules
from calcarium.errors import ScanExcluded
from calcarium.quality import QualityRow
from calcarium.regions.anatomy.given import Anatomy
from calcarium.regions.formats import read_masks
from calcarium.regions.labelmap import LabelMap
from calcarium.regions.model import Label, Region
from calcarium.regions.names import Structure, meaning, sort_labels
from calcarium.regions.resample import Placed, covered, cropped, place
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

    def is_wanted(name: str) -> bool:
        return name in rules.labels or meaning(name) not in (None, "other")

    found = marked(read_masks(url, geometry, is_wanted), geometry, rules, "mask")
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
        crop = cropped(mask)
        present = _values(crop)
        numbers = [int(n) for n in rules.labels if n.isdigit()] if not mask.names else mask.names
        named, structures = sort_labels({*numbers, *present}, mask.names, rules.labels)
        vessels |= named
        if named:
            all_count = named.keys() >= present
            calcium.append((mask, crop if all_count else _only(crop, named)))
        anatomy.append((crop, structures))
    if vessels:
        region = _region(calcium, vessels, geometry, rules, sha256)
        return Marked(replace(region, source=source), Anatomy(), sha256)
    return Marked(None, _anatomy(anatomy, geometry), sha256)


def _region(
    calcium: Sequence[tuple[LabelMap, LabelMap]],
    vessels: Mapping[int, str],
    geometry: Geometry,
    rules: RegionRules,
    sha256: str,
) -> Region:
    """Region of the cropped masks that mark calcium, each beside the mask it was cropped from."""
    placed = [_placed(crop, geometry) for _, crop in calcium if crop.labels.any()]
    # Labels smaller than a voxel of the scan may hold no voxel's centre.
    if not any(part.labels.any() for part in placed):
        _check_empty([mask for mask, _ in calcium], geometry, rules)
        return Region(Box(0, 0, 0, 0, 0, 0), None, {}, rules.rule, "mask", sha256)
    box, labels = _merged(placed)
    return Region(
        box,
        labels,
        {value: Label(vessel) for value, vessel in vessels.items()},
        rules.rule,
        "mask",
        sha256,
        quality=_doubts(placed),
    )


def _placed(mask: LabelMap, geometry: Geometry) -> Placed:
    placed = place(mask, geometry)
    if placed.overlap < MIN_OVERLAP:
        raise ScanExcluded(
            "mask_mismatch", f"{placed.overlap:.0%} of the mask's labelled voxels lie on the scan"
        )
    return placed


def _merged(placed: Sequence[Placed]) -> tuple[Box, Labels]:
    """One array of labels; where masks overlap, the first of them counts."""
    if len(placed) == 1:
        return placed[0].box, placed[0].labels
    boxes = [part.box for part in placed]
    box = Box(
        min(b.z0 for b in boxes), max(b.z1 for b in boxes),
        min(b.y0 for b in boxes), max(b.y1 for b in boxes),
        min(b.x0 for b in boxes), max(b.x1 for b in boxes),
    )  # fmt: skip
    labels = np.zeros(box.shape, dtype=np.uint16)
    for part in reversed(placed):
        z, y, x = part.box.z0 - box.z0, part.box.y0 - box.y0, part.box.x0 - box.x0
        depth, rows, columns = part.box.shape
        there = labels[z : z + depth, y : y + rows, x : x + columns]
        np.copyto(there, part.labels, where=part.labels > 0)
    return box, labels


def _anatomy(
    masks: Iterable[tuple[LabelMap, Mapping[int, Structure]]], geometry: Geometry
) -> Anatomy:
    found: dict[Structure, np.ndarray[tuple[int, int, int], np.dtype[np.bool_]]] = {}
    for mask, structures in masks:
        for structure in sorted({*structures.values()} - {"other"}):
            part = _only(mask, [v for v, s in structures.items() if s == structure])
            if not part.labels.any():
                continue
            placed = place(part, geometry) if structure == "aorta" else _placed(part, geometry)
            inside = found.setdefault(structure, np.zeros(geometry.shape, dtype=np.bool_))
            inside[placed.box.slices] |= placed.labels > 0
    return Anatomy(heart=found.get("heart"), aorta=found.get("aorta"))


def _check_empty(masks: Iterable[LabelMap], geometry: Geometry, rules: RegionRules) -> None:
    """A mask without a label is a score of zero only where it was looked for, and by rule."""
    if max(covered(mask, geometry) for mask in masks) < MIN_OVERLAP:
        raise ScanExcluded("mask_mismatch", "the grid of the empty mask misses most of the scan")
    if rules.empty_mask == "exclude":
        raise ScanExcluded("empty_mask")


def _doubts(placed: Sequence[Placed]) -> tuple[QualityRow, ...]:
    overlap = min(part.overlap for part in placed)
    resampled = any(part.resampled for part in placed)
    return (
        QualityRow("mask_overlap", "pass" if overlap >= FULL_OVERLAP else "warn", overlap),
        QualityRow("mask_grid", "pass", text="resampled" if resampled else "same"),
    )


def _values(mask: LabelMap) -> set[int]:
    """Labels that occur, without 0."""
    return {int(value) for value in np.flatnonzero(np.bincount(mask.labels.ravel("K")))} - {0}


def _only(mask: LabelMap, values: Iterable[int]) -> LabelMap:
    """A mask without all other labels, cropped."""
    inside = np.isin(mask.labels, sorted(values))
    return cropped(replace(mask, labels=np.where(inside, mask.labels, 0).astype(np.uint16)))


def hash_of(hashes: Sequence[str]) -> str:
    """One hash for several files."""
    if len(hashes) == 1:
        return hashes[0]
    return hashlib.sha256("".join(hashes).encode()).hexdigest()

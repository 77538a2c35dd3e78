"""Masks that the user has: from a file to the region of one scan."""

from __future__ import annotations

from collections.abc import Mapping

from calcarium.config import RegionRules
from calcarium.errors import ScanExcluded
from calcarium.quality import QualityRow
from calcarium.regions.labelmap import LabelMap, read_label_map
from calcarium.regions.model import Label, Region
from calcarium.regions.resample import Placed, covered, place
from calcarium.volume.model import Geometry
from calcarium_kernels.contract import Box

# Below the first the mask belongs to another scan, below the second it is cut by this one.
MIN_OVERLAP = 0.5
FULL_OVERLAP = 0.99


def mask_region(url: str, geometry: Geometry, rules: RegionRules) -> Region:
    """The region that a mask file marks on a scan.

    Parameters
    ----------
    url : NIfTI or NRRD label map
    geometry : of the scan
    rules : names of the labels, ``clip`` or ``select``, and what an empty mask means

    Raises
    ------
    ScanExcluded
        ``mask_mismatch`` if less than half of the mask lies on the scan; ``empty_mask``
    ScanFailed
        if the file cannot be read
    """
    return region_of(read_label_map(url), geometry, rules)


def region_of(mask: LabelMap, geometry: Geometry, rules: RegionRules) -> Region:
    """The region that a label map marks on a scan; see :func:`mask_region`."""
    if not mask.labels.any():
        return _empty(mask, geometry, rules)
    placed = place(mask, geometry)
    if placed.overlap < MIN_OVERLAP or not placed.labels.any():
        raise ScanExcluded(
            "mask_mismatch", f"{placed.overlap:.0%} of the mask's labelled voxels lie on the scan"
        )
    return Region(
        placed.box,
        placed.labels,
        meaning(rules.labels),
        rules.rule,
        "mask",
        mask.sha256,
        quality=_doubts(placed),
    )


def meaning(labels: Mapping[str, str]) -> dict[int, Label]:
    """What each label value stands for; one that is not here is ``unassigned``."""
    return {int(value): Label(vessel) for value, vessel in labels.items() if value.isdigit()}


def _empty(mask: LabelMap, geometry: Geometry, rules: RegionRules) -> Region:
    """A mask without a label is a score of zero only where it was looked for, and by rule."""
    if covered(mask, geometry) < MIN_OVERLAP:
        raise ScanExcluded("mask_mismatch", "the grid of the empty mask misses most of the scan")
    if rules.empty_mask == "exclude":
        raise ScanExcluded("empty_mask")
    return Region(Box(0, 0, 0, 0, 0, 0), None, {}, rules.rule, "mask", mask.sha256)


def _doubts(placed: Placed) -> tuple[QualityRow, ...]:
    return (
        QualityRow(
            "mask_overlap", "pass" if placed.overlap >= FULL_OVERLAP else "warn", placed.overlap
        ),
        QualityRow("mask_grid", "pass", text="resampled" if placed.resampled else "same"),
    )

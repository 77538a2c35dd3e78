"""The region of a scan: from the user's masks, or from what the protocol names."""

from __future__ import annotations

from dataclasses import replace

from calcarium.config import Protocol, RegionRules
from calcarium.errors import ScanExcluded
from calcarium.intake.records import Scan
from calcarium.regions.inputs import RegionInputs
from calcarium.regions.masks import Marked, read_marked
from calcarium.regions.model import Region
from calcarium.regions.shapes import load_shapes, shapes_region
from calcarium.regions.whole import whole_region
from calcarium.volume.model import Volume
from calcarium_kernels.contract import Kernels


def find_region(
    volume: Volume, scan: Scan, protocol: Protocol, inputs: RegionInputs, kernels: Kernels
) -> Region:
    """Where calcium counts in a scan.

    Masks that the user gave come first. A scan without one is excluded, unless the protocol
    says ``missing_mask = "auto"``: then, and where no masks were given, it is
    ``region.source`` that says where the region comes from.

    Raises
    ------
    ScanExcluded
        ``no_region``, ``missing_mask``, ``mask_mismatch``, ``empty_mask``, and what a detector
        finds (``no_heart``)
    """
    mask = inputs.mask_of(scan)
    if mask is not None:
        marked = read_marked(mask, volume.geometry, protocol.region)
        return marked.region or _by_source(volume, protocol, kernels, marked)
    if inputs.has_masks and protocol.region.missing_mask == "exclude":
        raise ScanExcluded("missing_mask", f"no mask for {scan.scan_id}")
    return _by_source(volume, protocol, kernels, None)


def _by_source(
    volume: Volume, protocol: Protocol, kernels: Kernels, marked: Marked | None
) -> Region:
    rules: RegionRules = protocol.region
    if rules.source == "detector":
        from calcarium.regions.detector import detect

        anatomy = marked.anatomy if marked else None
        found = detect(volume, protocol.detector, kernels, anatomy=anatomy)
        return replace(found, sha256=marked.sha256) if marked else found
    if marked is not None:
        raise ScanExcluded("no_region", "the mask marks anatomy: set region.source = 'detector'")
    if rules.source == "shapes":
        return shapes_region(load_shapes(rules.shapes), volume.geometry, rules.rule)
    if rules.source == "whole":
        return whole_region(volume)
    raise ScanExcluded("no_region", f"region.source is {rules.source}, and no masks were given")

"""The region of a scan: from the user's masks, or from what the protocol names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from calcarium.config import Protocol, RegionRules
from calcarium.errors import ScanExcluded
from calcarium.intake.classify import named_agent
from calcarium.intake.records import Scan
from calcarium.quality import QualityRow
from calcarium.regions.anatomy.given import Anatomy
from calcarium.regions.inputs import RegionInputs
from calcarium.regions.masks import Marked, hash_of, marked, read_marked
from calcarium.regions.model import Region
from calcarium.regions.network import Network, load_network
from calcarium.regions.shapes import load_shapes, shapes_region
from calcarium.regions.whole import whole_region
from calcarium.volume.model import Volume
from calcarium_kernels.contract import Kernels


def find_region(
    volume: Volume, scan: Scan, protocol: Protocol, inputs: RegionInputs, kernels: Kernels
) -> Region:
    """Where calcium counts in a scan.

    Masks that the user gave come first, then a network that the user gave, then what
    ``region.source`` names. A scan without a mask where masks were given is excluded, unless
    the protocol says ``missing_mask = "auto"``. Masks and networks that mark only heart or
    aorta take the place of the detector's own. Whatever gave the region, a scan with contrast in
    the blood is refused, unless the protocol asks for it.

    Raises
    ------
    ScanExcluded
        ``no_region``, ``missing_mask``, ``mask_mismatch``, ``empty_mask``, ``contrast``, and
        what a detector finds (``no_heart``)
    """
    rules = protocol.region
    marks = _marks(volume, scan, rules, inputs)
    region = next((found.region for found in marks if found.region), None)
    if region is not None:
        if rules.image_checks:
            return _checked(region, volume, protocol, kernels)
        return _without_contrast(region, volume, scan, protocol, kernels)
    if rules.source in ("detector", "contrast"):
        return _detected(volume, protocol, kernels, marks)
    if marks:
        raise ScanExcluded("no_region", "only anatomy is marked: set region.source = 'detector'")
    region = _by_source(volume, rules)
    # A test object has no blood, so the pixels are asked only where the header names an agent.
    if _names_agent(scan):
        return _without_contrast(region, volume, scan, protocol, kernels)
    return region


def _names_agent(scan: Scan) -> bool:
    return named_agent(scan.acquisition)[0] == "yes"


def _without_contrast(
    region: Region, volume: Volume, scan: Scan, protocol: Protocol, kernels: Kernels
) -> Region:
    """The same region, of a scan whose blood the pixels show to be dark."""
    from calcarium.regions.contrast_share import refuse_contrast, share_of_scan

    if protocol.region.source == "contrast":
        return region
    share = share_of_scan(volume, kernels)
    if share is None:
        if _names_agent(scan):
            raise ScanExcluded("contrast", "the header names an agent, and no pixels say otherwise")
        row = QualityRow(
            "blood_contrast",
            "unknown",
            text="too little soft tissue in view, or rows that do not run from side to side",
        )
    else:
        refuse_contrast(share, protocol.detector.heart)
        usual = share <= protocol.detector.doubt.contrast_share
        row = QualityRow("blood_contrast", "pass" if usual else "warn", round(share, 4))
    return replace(region, quality=(*region.quality, row))


def _marks(volume: Volume, scan: Scan, rules: RegionRules, inputs: RegionInputs) -> list[Marked]:
    """What the user's mask marks, and where it marks no region the user's network."""
    marks = []
    mask = inputs.mask_of(scan)
    if mask is not None:
        marks.append(read_marked(mask, volume.geometry, rules))
    elif inputs.has_masks and rules.missing_mask == "exclude":
        raise ScanExcluded("missing_mask", f"no mask for {scan.scan_id}")
    if inputs.network and not any(found.region for found in marks):
        network = load_network(inputs.network, inputs.network_sha256, inputs.network_device)
        marks.append(_marked_by(network, volume, rules))
    return marks


def _marked_by(network: Network, volume: Volume, rules: RegionRules) -> Marked:
    if network.spec.marks == "calcium":
        # It has looked at the whole scan: that it marks nothing is its finding.
        rules = rules.model_copy(update={"empty_mask": "zero"})
    found = marked([network(volume)], volume.geometry, rules, "network")
    if found.is_nothing:
        raise ScanExcluded("no_heart", "the network found neither heart nor aorta")
    return found


def _detected(
    volume: Volume, protocol: Protocol, kernels: Kernels, marks: Sequence[Marked]
) -> Region:
    from calcarium.regions.contrast import detect_above_blood
    from calcarium.regions.detector.detect import detect

    hearts = [m.anatomy.heart for m in marks if m.anatomy.heart is not None]
    aortas = [m.anatomy.aorta for m in marks if m.anatomy.aorta is not None]
    anatomy = Anatomy(*(parts[0] if parts else None for parts in (hearts, aortas)))
    if protocol.region.source == "contrast":
        found = detect_above_blood(volume, protocol, kernels, anatomy)
    else:
        found = detect(volume, protocol.detector, kernels, anatomy=anatomy)
    return replace(found, sha256=hash_of([m.sha256 for m in marks])) if marks else found


def _checked(region: Region, volume: Volume, protocol: Protocol, kernels: Kernels) -> Region:
    """The same region with the checks of the image that the detector makes."""
    from calcarium.regions.anatomy.landmarks import find_landmarks
    from calcarium.regions.anatomy.noise import measure_noise
    from calcarium.regions.contrast_share import refuse_contrast
    from calcarium.regions.detector.doubts import anatomy_doubts
    from calcarium.regions.image_quality import image_quality

    rules = protocol.detector
    landmarks = find_landmarks(volume, rules, kernels, Anatomy())
    if protocol.region.source != "contrast":
        refuse_contrast(landmarks.thorax.contrast, rules.heart)
    noise = measure_noise(volume, landmarks.thorax.grid, landmarks.heart.mask)
    rows = anatomy_doubts(landmarks, noise, rules.doubt)
    return replace(
        region, quality=(*region.quality, *rows, *image_quality(volume, landmarks, rules.doubt))
    )


def _by_source(volume: Volume, rules: RegionRules) -> Region:
    if rules.source == "shapes":
        return shapes_region(load_shapes(rules.shapes), volume.geometry, rules.rule)
    if rules.source == "whole":
        return whole_region(volume)
    raise ScanExcluded("no_region", f"region.source is {rules.source}, and none was given")

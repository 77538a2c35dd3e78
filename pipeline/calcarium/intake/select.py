"""Which scans of a study are scored, and why not the others."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import TypeAlias

from calcarium.config import Protocol, Protocols, ScanClass, SelectionRules
from calcarium.intake.classify import Contrast, classify, plain_class
from calcarium.intake.extent import Extent, extent
from calcarium.intake.quirks import KernelGroup, kernel_group, matches, quirks
from calcarium.intake.records import Gating, Scan, Study

CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"  # Enhanced and Legacy Converted are .1 and .2 below
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
DERIVED_MODALITIES = frozenset(
    {"SEG", "RTSTRUCT", "RTPLAN", "RTDOSE", "RTRECORD", "REG", "PR", "SR", "KO", "DOC", "FID"}
    | {"M3D", "STL", "PLAN", "RWV", "SMR", "OT"}
)
LEAST_SLICES = 2  # one has no increment
KERNEL_RANK: dict[KernelGroup, int] = {"soft": 0, "unknown": 1, "sharp": 2}
PREFERENCES = (
    "its header names a contrast agent",
    "it is an original image",
    "its kernel is softer",
    "its increment is nearer to the preferred one",
    "it covers more of the body",
    "they are equal, and one is chosen by its UID",
)

Rank: TypeAlias = tuple[bool, bool, int, float, float, str]
Refusal: TypeAlias = tuple[str, str] | None


@dataclass(frozen=True, slots=True)
class ScanChoice:
    """What becomes of one scan.

    Attributes
    ----------
    scan_class, gated, gated_evidence, contrast, contrast_evidence : see
        :class:`~calcarium.intake.classify.Classification`
    kernel : group of its reconstruction kernel
    extent : how it lies in space
    reason : why it is not scored, a key of :data:`calcarium.errors.REASONS`; ``None`` if it is
    detail : what was seen, in words without names, dates and ids
    """

    scan: Scan
    scan_class: ScanClass
    gated: Gating
    gated_evidence: str
    contrast: Contrast
    contrast_evidence: str
    kernel: KernelGroup
    extent: Extent
    reason: str | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Selection:
    """A choice on every scan of a study, in the order of its scans."""

    study_id: str
    scans: tuple[ScanChoice, ...]

    @property
    def chosen(self) -> tuple[ScanChoice, ...]:
        """Scans to be scored, each by the protocol of its class."""
        return tuple(choice for choice in self.scans if choice.reason is None)


def select(study: Study, protocols: Protocols, *, all_scans: bool = False) -> Selection:
    """Choose the scans of a study: the best of each class that the protocols score.

    A header may name an agent that is not in the blood. So where a study has nothing else to
    score, the best of the scans that are refused for it alone is read: the pixels decide.

    Parameters
    ----------
    protocols : one protocol per class of scan that is scored
    all_scans : choose every eligible scan, not only the best of each class
    """
    choices = [_judge(scan, protocols) for scan in study.scans]
    if all(choice.reason for choice in choices):
        choices = _despite_the_header(choices, protocols, all_scans=all_scans)
    if not all_scans:
        choices = _best_of_each_class(choices, protocols)
    return Selection(study.study_id, tuple(choices))


def _despite_the_header(
    choices: list[ScanChoice], protocols: Protocols, *, all_scans: bool
) -> list[ScanChoice]:
    """The same, with what would be chosen if no header named an agent; the rest stays as it is."""
    again = [
        _judge(choice.scan, protocols, believe_agent=False)
        if choice.reason == "contrast"
        else choice
        for choice in choices
    ]
    if not all_scans:
        again = _best_of_each_class(again, protocols)
    return [new if new.reason is None else old for new, old in zip(again, choices, strict=True)]


def _judge(scan: Scan, protocols: Protocols, *, believe_agent: bool = True) -> ScanChoice:
    """Class of a scan and whether it is eligible, without regard to the others."""
    found = classify(scan.acquisition, protocols.assume_class)
    scan_class = found.scan_class
    if not believe_agent:
        scan_class = protocols.assume_class or plain_class(scan.acquisition)
    protocol = protocols.by_class.get(scan_class)
    choice = ScanChoice(
        scan,
        scan_class,
        found.gated,
        found.gated_evidence,
        found.contrast,
        found.contrast_evidence,
        kernel_group(scan.acquisition.convolution_kernel),
        extent(scan),
    )
    for refuse in (_not_a_ct, _processed, _not_axial, _class_not_scored, _too_little):
        refusal = refuse(choice, protocol)
        if refusal:
            return replace(choice, reason=refusal[0], detail=refusal[1])
    return choice


def _not_a_ct(choice: ScanChoice, protocol: Protocol | None) -> Refusal:
    del protocol
    acquisition, first = choice.scan.acquisition, choice.scan.files[0]
    sop_class = first.sop_class_uid or ""
    if sop_class.startswith(SECONDARY_CAPTURE) or matches(quirks().screen, *acquisition.image_type):
        return "secondary_capture", "SOP class or ImageType of a secondary capture"
    if acquisition.modality in DERIVED_MODALITIES:
        return "derived_object", f"Modality {acquisition.modality}"
    is_ct_class = sop_class == CT_IMAGE or sop_class.startswith(f"{CT_IMAGE}.")
    if acquisition.modality != "CT" and not (acquisition.modality is None and is_ct_class):
        return "not_ct", f"Modality {acquisition.modality or 'is missing'}"
    if matches(quirks().localizer, *acquisition.image_type):
        return "localizer", "ImageType LOCALIZER"
    return None


def _processed(choice: ScanChoice, protocol: Protocol | None) -> Refusal:
    """Projections, renderings and spectral maps; DERIVED alone is none of them."""
    del protocol
    acquisition, known = choice.scan.acquisition, quirks()
    for what, patterns in (("projection", known.projection), ("spectral map", known.spectral)):
        if matches(patterns, *acquisition.image_type[2:]):
            return "derived_reformat", f"ImageType of a {what}"
    if acquisition.image_type[:1] == ("DERIVED",) and matches(
        (*known.described_projection, *known.described_spectral), acquisition.series_description
    ):
        return "derived_reformat", "ImageType DERIVED, and described as a projection or map"
    return None


def _not_axial(choice: ScanChoice, protocol: Protocol | None) -> Refusal:
    rules = _rules(protocol)
    angle = choice.extent.obliquity_deg
    if angle is None:
        return "no_position", "no ImageOrientationPatient that spans a plane"
    if angle > rules.max_obliquity_deg:
        return "not_axial", f"slice normal {angle:.1f} degrees off the body axis"
    return None


def _class_not_scored(choice: ScanChoice, protocol: Protocol | None) -> Refusal:
    if protocol is not None:
        return None
    if choice.contrast == "yes":
        return "contrast", choice.contrast_evidence
    return "class_not_in_protocol", f"class {choice.scan_class}"


def _too_little(choice: ScanChoice, protocol: Protocol | None) -> Refusal:
    size, rules = choice.extent, _rules(protocol)
    if size.coverage_mm is None:
        return "no_position", "no ImagePositionPatient"
    least = max(rules.min_slices, LEAST_SLICES)
    if size.n_slices < least or size.increment_mm is None:
        return "too_few_slices", f"positions: {size.n_slices}, asked for: {least}"
    if size.increment_mm > rules.max_increment_mm:
        return "slices_too_thick", f"{size.increment_mm:g} mm from slice to slice"
    if size.coverage_mm < rules.min_coverage_mm:
        return "coverage_too_short", f"{size.coverage_mm:g} mm"
    return None


def _rules(protocol: Protocol | None) -> SelectionRules:
    return protocol.selection if protocol else SelectionRules()


def _best_of_each_class(choices: list[ScanChoice], protocols: Protocols) -> list[ScanChoice]:
    ranks: dict[ScanClass, list[tuple[Rank, ScanChoice]]] = defaultdict(list)
    for choice in choices:
        if choice.reason is None:
            preferred = protocols.by_class[choice.scan_class].selection.preferred_increment_mm
            ranks[choice.scan_class].append((_rank(choice, preferred), choice))
    passed_over = {
        choice.scan.scan_id: _passed_over(choice, rank, best)
        for ranked in ranks.values()
        for best, *others in [sorted(ranked, key=itemgetter(0))]
        for rank, choice in others
    }
    return [passed_over.get(choice.scan.scan_id, choice) for choice in choices]


def _passed_over(choice: ScanChoice, rank: Rank, best: tuple[Rank, ScanChoice]) -> ScanChoice:
    steps = zip(PREFERENCES, best[0], rank, strict=True)
    why = next(why for why, better, worse in steps if better != worse)
    return replace(choice, reason="another_scan_preferred", detail=f"another scan: {why}")


def _rank(choice: ScanChoice, preferred_increment_mm: float) -> Rank:
    """Smaller is better; the order is that of :data:`PREFERENCES`."""
    size = choice.extent
    assert size.increment_mm is not None  # else the scan was not eligible
    assert size.coverage_mm is not None
    return (
        choice.scan_class == "contrast" and choice.contrast == "no",
        choice.scan.acquisition.image_type[:1] == ("DERIVED",),
        KERNEL_RANK[choice.kernel],
        round(abs(size.increment_mm - preferred_increment_mm), 2),
        -size.coverage_mm,
        choice.scan.scan_id,
    )

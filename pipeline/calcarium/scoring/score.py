"""The scoring stage: a volume and its region in, every convention's scores out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from calcarium.config.protocol import ScoringRules
from calcarium.errors import ScanExcluded, UsageError
from calcarium.intake.records import Acquisition
from calcarium.regions.model import Region, Standing
from calcarium.scoring.conventions import CONVENTIONS, CTA_DERIVED, Convention
from calcarium.scoring.cuts import CutKey, find_islands
from calcarium.scoring.devices import device_limit_hu, device_quality, suspected_devices
from calcarium.scoring.interpolated import interpolated_volume_mm3
from calcarium.scoring.kvp import (
    THRESHOLD_SETS,
    VoltageRule,
    region_threshold,
    threshold_at,
    voltage_quality,
)
from calcarium.scoring.lesions import measure_lesions
from calcarium.scoring.mass import MassFactor, mass_factor, mass_quality
from calcarium.scoring.measure import (
    agatston_of_parts,
    counts_in,
    label_sums,
    labels_by_vessel,
    labels_of,
    n_labels_of,
    sum_of,
    total,
)
from calcarium.scoring.model import ConventionScore, Movement, ScanScores
from calcarium.scoring.movement import movement, movement_quality
from calcarium.scoring.parts import weighted_parts
from calcarium.volume.model import Float64, Volume
from calcarium_kernels.contract import Int64, Islands, Kernels

UNCOUNTED: tuple[Standing, ...] = ("doubtful", "possible", "rejected")


@dataclass(frozen=True)
class Asked:
    """One convention of the protocol with its threshold for this scan."""

    convention: Convention
    rule: VoltageRule
    cut: CutKey
    volume_cut: CutKey


@dataclass(frozen=True)
class ScanFacts:
    """What every convention needs of the scan and the protocol."""

    volume: Volume
    region: Region
    n_labels: int
    by_standing: Mapping[Standing, Int64]
    device_hu: Fraction
    slice_thickness_mm: float | None
    factor: MassFactor | None
    interpolated_mm3: Float64 | None


def score_region(
    volume: Volume,
    region: Region,
    acquisition: Acquisition,
    rules: ScoringRules,
    kernels: Kernels,
    *,
    noise_hu: float | None = None,
) -> ScanScores:
    """Score a scan by every convention of the protocol, from one pass over the voxels.

    Parameters
    ----------
    noise_hu : standard deviation in soft tissue, where it was measured

    Raises
    ------
    ScanExcluded
        ``unknown_kvp``, where the protocol excludes scans without a known threshold;
        ``contrast`` or ``no_blood_pool``, where the region and a convention's threshold do not
        belong together.
    UsageError
        if the protocol names a convention or threshold set that does not exist.
    """
    check_scoring(rules)
    asked = _asked(acquisition, region, rules)
    primary = next(a for a in asked if a.convention.name == rules.primary_convention)
    quality = voltage_quality(
        acquisition,
        primary.rule,
        unknown=rules.unknown_kvp,
        others={a.convention.name: a.rule for a in asked},
    )
    lesion_cut = replace(primary.cut, link=rules.lesion_link)
    keys = {a.cut for a in asked} | {a.volume_cut for a in asked} | {lesion_cut}
    islands = find_islands(volume, region, frozenset(keys), kernels)
    scan = _facts(asked, volume, region, acquisition, rules)
    scores = [_score(a, scan, islands) for a in asked]
    place = asked.index(primary)
    moved = _movement(primary, scores[place], scan, noise_hu)
    scores[place] = replace(scores[place], movement=moved)
    device = device_quality(scores[place].n_suspected_devices, _device_limit_hu(primary, scan))
    return ScanScores(
        conventions=tuple(scores),
        primary=rules.primary_convention,
        lesions=measure_lesions(
            islands[lesion_cut],
            primary.convention,
            primary.rule.threshold,
            volume,
            region,
            scan.slice_thickness_mm,
            scan.factor,
        ),
        quality=(
            quality,
            mass_quality(scan.factor),
            device,
            *movement_quality(moved),
        ),
        mass_calibration=scan.factor.source if scan.factor else None,
        mass_factor_mg_per_cm3_hu=scan.factor.mg_per_cm3_hu if scan.factor else None,
    )


def lowest_threshold_hu(
    acquisition: Acquisition, region: Region, rules: ScoringRules
) -> Fraction | None:
    """The lowest threshold that any convention of the protocol uses on a scan.

    ``None`` where a convention counts every voxel of its region.
    """
    asked = _asked(acquisition, region, rules)
    found = [cut.hu for a in asked for cut in (a.cut, a.volume_cut)]
    known = [hu for hu in found if hu is not None]
    return min(known) if len(known) == len(found) else None


def check_scoring(rules: ScoringRules) -> None:
    """Refuse names of conventions and threshold sets that do not exist.

    Raises
    ------
    UsageError
        names the unknown one and those that exist.
    """
    for name in (*rules.conventions, rules.primary_convention):
        if name not in CONVENTIONS:
            raise UsageError(f"there is no convention {name!r}; there are {', '.join(CONVENTIONS)}")
    if rules.threshold_set not in THRESHOLD_SETS:
        raise UsageError(
            f"there is no threshold set {rules.threshold_set!r}; "
            f"there are {', '.join(THRESHOLD_SETS)}"
        )
    if CTA_DERIVED in rules.conventions and rules.cta_agatston_per_mm3 is None:
        raise UsageError(
            f"{CTA_DERIVED} needs scoring.cta_agatston_per_mm3: fit it with "
            "`calcarium cohort calibrate-cta`"
        )


def _asked(acquisition: Acquisition, region: Region, rules: ScoringRules) -> list[Asked]:
    names = dict.fromkeys((*rules.conventions, rules.primary_convention))
    return [_ask(CONVENTIONS[name], acquisition, region, rules) for name in names]


def _ask(
    convention: Convention, acquisition: Acquisition, region: Region, rules: ScoringRules
) -> Asked:
    if convention.threshold_from == "region":
        rule = region_threshold(region)
    elif region.threshold_hu is not None:
        raise ScanExcluded("contrast", f"{convention.name} would count the lumen")
    else:
        rule = threshold_at(convention, acquisition, threshold_set=rules.threshold_set)
    if convention.name == CTA_DERIVED:
        convention = replace(convention, agatston_per_mm3=rules.cta_agatston_per_mm3)
    link = rules.lesion_link if convention.part == "component" else convention.link
    sized = convention.volume_hu or rule.threshold
    return Asked(
        convention,
        rule,
        cut=CutKey.of(rule.threshold, convention.connectivity, link),
        volume_cut=CutKey.of(sized, convention.connectivity, link),
    )


def _facts(
    asked: list[Asked],
    volume: Volume,
    region: Region,
    acquisition: Acquisition,
    rules: ScoringRules,
) -> ScanFacts:
    n_labels = n_labels_of(region)
    interpolates = any(a.convention.interpolated_volume for a in asked)
    return ScanFacts(
        volume,
        region,
        n_labels=n_labels,
        by_standing={standing: labels_of(region, standing) for standing in UNCOUNTED},
        device_hu=Fraction(str(rules.device_hu)),
        slice_thickness_mm=acquisition.slice_thickness_mm,
        factor=mass_factor(acquisition, rules.mass_factor_mg_per_cm3_hu),
        interpolated_mm3=interpolated_volume_mm3(volume, region, n_labels)
        if interpolates
        else None,
    )


def _score(asked: Asked, scan: ScanFacts, islands: dict[CutKey, Islands]) -> ConventionScore:
    convention, threshold = asked.convention, asked.rule.threshold
    scored = weighted_parts(islands[asked.cut], convention, threshold, scan.volume)
    sized = scored
    if convention.volume_hu is not None:
        sized = weighted_parts(
            islands[asked.volume_cut], convention, convention.volume_hu, scan.volume
        )
    per_part = agatston_of_parts(scored, convention, scan.volume, scan.slice_thickness_mm)
    sums = label_sums(
        scored,
        per_part,
        sized,
        scan.volume,
        n_labels=scan.n_labels,
        factor=scan.factor,
        interpolated_mm3=scan.interpolated_mm3 if convention.interpolated_volume else None,
    )
    labels = labels_by_vessel(scan.region, np.flatnonzero(np.bincount(scored.label)))
    vessels = {vessel: sums.measure(values) for vessel, values in labels.items()}
    whole = sum_of(vessels.values())
    devices = suspected_devices(
        islands[asked.cut],
        scored,
        per_part,
        counts_in(scan.region, scored.label),
        _device_limit_hu(asked, scan),
        scan.volume,
    )
    agatston = {s: total(sums.agatston, labels) for s, labels in scan.by_standing.items()}
    return ConventionScore(
        convention=convention.name,
        total=whole,
        vessels=vessels,
        agatston_low=_add(whole.agatston, agatston["doubtful"], -1),
        agatston_high=_add(whole.agatston, agatston["possible"], 1),
        agatston_rejected=_add(agatston["possible"], agatston["rejected"], 1),
        agatston_without_suspected_device=devices.agatston if devices.n_lesions else whole.agatston,
        n_suspected_devices=devices.n_lesions,
        n_vessels=sum(measure.n_lesions > 0 for measure in vessels.values()),
        threshold_hu=_threshold_hu(asked, scan.region),
        threshold_inclusive=threshold.inclusive,
    )


def _device_limit_hu(asked: Asked, scan: ScanFacts) -> Fraction:
    return device_limit_hu(scan.device_hu, asked.convention, asked.rule.threshold)


def _movement(
    asked: Asked, score: ConventionScore, scan: ScanFacts, noise_hu: float | None
) -> Movement | None:
    return movement(
        scan.volume,
        scan.region,
        asked.convention,
        asked.rule.threshold,
        score=score.total.agatston,
        noise_hu=noise_hu,
        slice_thickness_mm=scan.slice_thickness_mm,
    )


def _threshold_hu(asked: Asked, region: Region) -> float | None:
    """The threshold that decided what is calcium."""
    if asked.convention.threshold_from == "region":
        return region.threshold_hu
    hu = asked.rule.threshold.hu
    return None if hu is None else float(hu)


def _add(score: float | None, other: float | None, sign: int) -> float | None:
    return None if score is None or other is None else max(0.0, score + sign * other)

"""Thresholds by tube voltage: named sets that were published, none in between."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from calcarium.errors import ScanExcluded
from calcarium.intake.records import Acquisition
from calcarium.quality import QualityRow
from calcarium.regions.model import Region
from calcarium.scoring.conventions import (
    BRAINSIA,
    FQM_PYTHON,
    STANDARD_EDGES,
    Convention,
    Threshold,
    weight_edges,
)

STANDARD = Threshold(Fraction(130), True, STANDARD_EDGES)
THRESHOLD_SETS: Mapping[str, Mapping[int, Threshold] | None] = {
    "fixed130": None,
    "fqm": FQM_PYTHON,
    "grani2018": {
        70: Threshold(Fraction(207), True, weight_edges(207, 318, 477, 636)),
        80: Threshold(Fraction(177), True, weight_edges(177, 271, 408, 544)),
        100: Threshold(Fraction(145), True, weight_edges(145, 222, 334, 446)),
        120: STANDARD,
    },
    "brainsia": BRAINSIA,
}
# Reconstructed as if scanned at 120 kV, so 130 HU holds at any tube voltage (FQM notebook; Tao,
# Booij 2020: Agatston within 8 %).
ARTIFICIAL_120_KERNELS = ("SA36",)
# A tin filter hardens the beam: no validated threshold is known for any voltage behind it.
TIN_FILTER = re.compile(r"\b(SN\d*|TIN)\b")


@dataclass(frozen=True)
class VoltageRule:
    """The threshold of one convention for one scan.

    Attributes
    ----------
    known : false where the tube voltage is missing or has no entry and 130 HU is used
    """

    threshold: Threshold
    known: bool


def region_threshold(region: Region) -> VoltageRule:
    """From where voxels of a scan with contrast count in its region; weights have no meaning there.

    The region's own threshold decided what is calcium; its labels say where that ends.

    Raises
    ------
    ScanExcluded
        ``no_blood_pool``, if the region has none.
    """
    if region.threshold_hu is None:
        raise ScanExcluded("no_blood_pool", "the region has no threshold of its own")
    hu = Fraction(region.threshold_hu if region.floor_hu is None else region.floor_hu)
    return VoltageRule(Threshold(hu, True, (hu, hu, hu, hu)), known=True)


def threshold_at(
    convention: Convention, acquisition: Acquisition, *, threshold_set: str
) -> VoltageRule:
    """Threshold of a convention at the scan's tube voltage."""
    table = THRESHOLD_SETS[threshold_set] if convention.by_kvp is None else convention.by_kvp
    if table is None:
        return VoltageRule(STANDARD, known=True)
    if _is_artificial_120(acquisition.convolution_kernel):
        return VoltageRule(table[120], known=True)
    kvp = None if _has_tin(acquisition) else acquisition.kvp
    if kvp is not None and round(kvp) in table and abs(kvp - round(kvp)) < 0.5:
        return VoltageRule(table[round(kvp)], known=True)
    return VoltageRule(table[120], known=False)


def voltage_quality(
    acquisition: Acquisition,
    primary: VoltageRule,
    *,
    unknown: str,
    others: Mapping[str, VoltageRule],
) -> QualityRow:
    """The quality row of the tube voltage; excludes the scan where the protocol asks.

    Parameters
    ----------
    primary : rule of the primary convention; only it can exclude the scan
    unknown : protocol key ``scoring.unknown_kvp``
    others : rule of every convention by name; those without one are named in the row

    Raises
    ------
    ScanExcluded
        ``unknown_kvp``, if the voltage has no threshold and ``unknown`` is ``exclude``.
    """
    if not primary.known and unknown == "exclude":
        raise ScanExcluded("unknown_kvp", f"KVP is {acquisition.kvp}")
    guessed = [name for name, rule in others.items() if not rule.known]
    if not guessed:
        return QualityRow("kvp_threshold", "pass", acquisition.kvp)
    behind = "tin filter, " if _has_tin(acquisition) else ""
    text = f"{behind}scored with the 120 kVp threshold: {', '.join(guessed)}"
    return QualityRow("kvp_threshold", "fail", acquisition.kvp, text)


def _has_tin(acquisition: Acquisition) -> bool:
    return TIN_FILTER.search((acquisition.filter_type or "").upper()) is not None


def _is_artificial_120(kernel: str | None) -> bool:
    return kernel is not None and kernel.strip().upper().startswith(ARTIFICIAL_120_KERNELS)

"""The named definitions of a calcium score, as data.

Every number here is marked VERIFIED in the project's review of public scorers
and papers; ``source`` says where it was seen. A definition that is not fully
known is not here: Agatston 1990 as printed (connectivity not stated), orCaScore
(size and slice rules not found), CalciumScoring.jl (its pixel and weight rules
disagree), CACSLabeler (needs a hand-made slice table), DeepCAC (needs its
resampling). No vendor's name stands alone: ``fqm-siemens-matlab`` is what the
FQM project implements under that name, not what a vendor's product computes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from calcarium_kernels.contract import InSlice, Int64, Link

Edges: TypeAlias = tuple[Fraction, Fraction, Fraction, Fraction]
Part: TypeAlias = Literal["component", "lesion_slice", "lesion"]


def weight_edges(first: int, second: int, third: int, fourth: int) -> Edges:
    """Hounsfield units from which the weights 1 to 4 are given, as exact fractions."""
    return Fraction(first), Fraction(second), Fraction(third), Fraction(fourth)


STANDARD_EDGES = weight_edges(130, 200, 300, 400)
CTA_VOLUME, CTA_DERIVED = "cta-volume", "cta-derived"


@dataclass(frozen=True)
class Threshold:
    """What is foreground and where the weights 1 to 4 begin, at one tube voltage.

    Attributes
    ----------
    hu : threshold; ``None`` counts every voxel of the region (masks only)
    inclusive : ``>=`` if true, ``>`` otherwise
    edges : the peak HU from which weight 1, 2, 3 and 4 are given, inclusive
    """

    hu: Fraction | None
    inclusive: bool
    edges: Edges


@dataclass(frozen=True)
class MinimumSize:
    """The smallest part that counts."""

    rule: Literal["none", "pixels_at_least", "pixels_above", "mm2_above", "mm2_ceil", "mm2_round"]
    value: float = 0.0

    def keeps(self, area_px: Int64, pixel_area_mm2: float) -> NDArray[np.bool_]:
        """Which parts are large enough; ``area_px`` holds their pixel counts.

        ``mm2_ceil`` asks for ``ceil(value / pixel area)`` pixels and ``mm2_round`` for
        ``round(value / pixel area)``, as the sources write it; ``mm2_above`` compares areas.
        """
        if self.rule == "pixels_above":
            return np.asarray(area_px > self.value)
        if self.rule == "mm2_above":
            return np.asarray(area_px * pixel_area_mm2 > self.value)
        least: dict[str, float] = {
            "none": 0,
            "pixels_at_least": self.value,
            "mm2_ceil": ceil(self.value / pixel_area_mm2),
            "mm2_round": round(self.value / pixel_area_mm2),
        }
        return np.asarray(area_px >= least[self.rule])


@dataclass(frozen=True)
class Convention:
    """One named definition of Agatston score, volume and mass.

    Attributes
    ----------
    by_kvp : thresholds per tube voltage; ``None`` takes the protocol's threshold set
    connectivity : in-slice connectivity of a component
    part : what is sized and weighted: a slice ``component``, all of a 3-D lesion in one
        slice (``lesion_slice``), or the whole 3-D ``lesion``
    link : 3-D connectivity where ``part`` is not a component
    weight_from : the peak of the ``part``, or the peak of the whole region in that slice
    slice_factor : length that is divided by 3 mm: the measured ``increment``, the header's
        ``thickness``, or ``none``
    volume_hu : threshold of volume and mass at 120 kVp where it is not that of the score
    threshold_from : the tube ``voltage``, or the ``region``: its own, above contrasted blood
    agatston_per_mm3 : with a threshold of the region, conversion of its volume; ``None`` gives
        no Agatston score
    interpolated_volume : whether the convention's volume is the interpolated one; the plain
        one is always computed
    """

    name: str
    title: str
    source: str
    by_kvp: Mapping[int, Threshold] | None
    connectivity: InSlice
    minimum_size: MinimumSize
    part: Part = "component"
    link: Link = 6
    weight_from: Literal["part", "region_slice"] = "part"
    slice_factor: Literal["increment", "thickness", "none"] = "increment"
    volume_hu: Threshold | None = None
    interpolated_volume: bool = False
    threshold_from: Literal["voltage", "region"] = "voltage"
    agatston_per_mm3: float | None = None

    @property
    def score_type(self) -> Literal["cta_volume", "cta_derived"] | None:
        """What a score on contrast CT is; ``None`` for scores named by the class of scan."""
        if self.threshold_from == "voltage":
            return None
        return "cta_derived" if self.name == CTA_DERIVED else "cta_volume"


# MATLAB tests > 129 and > 146 on integer HU; kept as written, for scans with a fractional slope.
FQM_MATLAB = {
    120: Threshold(Fraction(129), False, STANDARD_EDGES),
    100: Threshold(Fraction(146), False, STANDARD_EDGES),
}
FQM_PYTHON = {
    120: Threshold(Fraction(130), True, STANDARD_EDGES),
    100: Threshold(Fraction(147), True, STANDARD_EDGES),
}
BRAINSIA = {
    120: Threshold(Fraction(130), True, STANDARD_EDGES),
    80: Threshold(Fraction(167), True, weight_edges(167, 266, 408, 551)),
}
# 100 mgHA/cm3 at 0.88 mg/cm3 per HU, written as 99/0.88 in the source.
FQM_PHILIPS_VOLUME = Threshold(Fraction(99) / Fraction("0.88"), False, STANDARD_EDGES)

_MATLAB = Convention(
    "", "", "nwerf/FQM_Analysis CACscore.m", FQM_MATLAB, 4, MinimumSize("mm2_ceil", 1.0)
)
_PYTHON = Convention(
    "",
    "",
    "MolloiLab/CAC-stanford-data FQM_Analysis_main.ipynb",
    FQM_PYTHON,
    8,
    MinimumSize("mm2_above", 1.0),
    weight_from="region_slice",
)


def _fqm(base: Convention, name: str, method: str, size: MinimumSize | None = None) -> Convention:
    version = "MATLAB" if base is _MATLAB else "Python as stored, 8-connected in effect"
    title = f"FQM ({version}), method {method}"
    return replace(base, name=name, title=title, minimum_size=size or base.minimum_size)


_CTA = Convention(
    CTA_VOLUME,
    "Volume of calcium on contrast CT, above the scan's own blood; never an Agatston score",
    "threshold = max(floor, mean + k SD) of the blood pool: section contrast of the protocol",
    None,
    4,
    MinimumSize("none"),
    slice_factor="none",
    threshold_from="region",
)
_ALL = (
    Convention(
        "literature",
        "Agatston as in the literature: >= 130 HU, 4-connected, >= 1 mm2, increment / 3 mm",
        "Agatston 1990 (slice-wise sum, weights); connectivity and size as FQM literature",
        None,
        4,
        MinimumSize("mm2_ceil", 1.0),
        interpolated_volume=True,
    ),
    replace(_fqm(_MATLAB, "fqm-literature-matlab", "literatureCAC"), interpolated_volume=True),
    _fqm(_MATLAB, "fqm-ge-matlab", "GE"),
    _fqm(_MATLAB, "fqm-siemens-matlab", "Siemens", MinimumSize("none")),
    replace(
        _fqm(_MATLAB, "fqm-philips-matlab", "Philips", MinimumSize("mm2_ceil", 0.5)),
        volume_hu=FQM_PHILIPS_VOLUME,
    ),
    _fqm(_MATLAB, "fqm-canon-matlab", "Canon", MinimumSize("pixels_at_least", 3)),
    _fqm(_PYTHON, "fqm-python", "GE and literature"),
    replace(
        _fqm(_PYTHON, "fqm-siemens-python", "Siemens", MinimumSize("none")),
        interpolated_volume=True,
    ),
    _fqm(_PYTHON, "fqm-philips-python", "Philips", MinimumSize("mm2_above", 0.5)),
    _fqm(_PYTHON, "fqm-canon-python", "Canon", MinimumSize("pixels_above", 3)),
    Convention(
        "lassoan-gist",
        "3D Slicer gist of May 2023: > 130 HU, 4-connected, no slice normalisation",
        "Slicer forum archive (quoted text)",
        {120: Threshold(Fraction(130), False, STANDARD_EDGES)},
        4,
        MinimumSize("mm2_round", 1.0),
        slice_factor="none",
    ),
    Convention(
        "brainsia",
        "CardiacAgatstonMeasures: slices of 6-connected 3-D lesions, no minimum size",
        "BRAINSia/CardiacAgatstonMeasures",
        BRAINSIA,
        4,
        MinimumSize("none"),
        part="lesion_slice",
        slice_factor="none",
    ),
    Convention(
        "ai-cac",
        "AI-CAC inference: the mask is not clipped at a threshold; 3-D peak, thickness / 3 mm",
        "Raffi-Hagopian/AI-CAC processing.py",
        {120: Threshold(None, True, STANDARD_EDGES)},
        4,
        MinimumSize("pixels_above", 1),
        part="lesion",
        slice_factor="thickness",
    ),
    _CTA,
    replace(
        _CTA,
        name=CTA_DERIVED,
        title="Volume on contrast CT x the user's own conversion: derived, no Agatston score",
    ),
)
CONVENTIONS: Mapping[str, Convention] = {convention.name: convention for convention in _ALL}

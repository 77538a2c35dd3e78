"""Every key of a protocol: the science of a run, hashed into every row.

How many workers, where, and how often to retry is not here: execution cannot
change a result. ``calcarium protocol show`` prints each key with its meaning,
unit and source.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from calcarium.config.contrast import ContrastRules
from calcarium.config.detector import DetectorRules
from calcarium.config.dose import DoseRules
from calcarium.config.interpret import InterpretRules
from calcarium.config.keys import Section, key, section
from calcarium.config.threshold_free import ThresholdFreeRules

ScanClass: TypeAlias = Literal["gated", "nongated", "contrast"]
RegionSource: TypeAlias = Literal[
    "masks", "shapes", "whole", "network", "detector", "contrast", "none"
]

ENGINEERING = "engineering choice"


class SelectionRules(Section):
    """Which scan of a study is scored."""

    min_slices: int = key(8, "Fewest slices of a scan.", source=ENGINEERING, ge=1)
    min_coverage_mm: float = key(
        60.0,
        "Least distance between the first and the last slice.",
        unit="mm",
        source="engineering choice: a heart is 95-135 mm high",
        ge=0,
    )
    max_increment_mm: float = key(
        8.5,
        "Greatest slice increment that is scored at all.",
        unit="mm",
        source="engineering choice: 8 mm chest CT exists in archives; beyond it lesions are missed",
        ge=0.1,
    )
    preferred_increment_mm: float = key(
        3.0,
        "Increment that ranks first; others rank by their distance from it.",
        unit="mm",
        source="Agatston 1990: contiguous 3 mm slices",
        ge=0.1,
    )
    max_obliquity_deg: float = key(
        10.0,
        "Greatest angle between the slice normal and the body axis for a scan to be axial.",
        unit="degree",
        source=ENGINEERING,
        ge=0,
        le=45,
    )


class VolumeRules(Section):
    """What geometry is understood."""

    increment_tolerance_mm: float = key(
        0.1,
        "Greatest deviation of one slice distance from their mean.",
        unit="mm",
        source="engineering choice: positions are written to 0.01-0.1 mm",
        ge=0,
    )
    max_shear_deg: float = key(
        1.0,
        "Greatest angle between the slice normal and the line of slice origins.",
        unit="degree",
        source=ENGINEERING,
        ge=0,
    )
    missing_slices: Literal["exclude", "score_with_gaps"] = key(
        "exclude",
        "A scan with gaps of whole slices: exclude, or score what is there; a slice then stands "
        "for half the way to each neighbour, at most one increment on each side.",
        source="engineering choice: calcium in a gap is not seen, so such a score is a guess",
    )
    varying_increment: Literal["exclude", "score"] = key(
        "exclude",
        "Slices at distances that are not one increment: exclude, or score with the weights of "
        "missing_slices.",
        source=ENGINEERING,
    )


class RegionRules(Section):
    """Where calcium counts."""

    source: RegionSource = key(
        "none",
        "Where the region comes from when no mask was given: none excludes the scan.",
    )
    rule: Literal["clip", "select"] = key(
        "clip",
        "clip: a voxel counts if it is foreground and in the region. select: a lesion counts "
        "whole if at least half of it is in the region.",
    )
    labels: dict[str, str] = section(
        lambda: {"1": "LM", "2": "LAD", "3": "LCX", "4": "RCA"},
        "Vessel of each label value of a mask; a label without a name counts as unassigned.",
    )
    missing_mask: Literal["exclude", "auto"] = key(
        "exclude",
        "A scan without a mask, when masks were given: exclude, or use region.source.",
    )
    empty_mask: Literal["exclude", "zero"] = key(
        "exclude",
        "A mask without any label: exclude, or a score of zero.",
    )
    image_checks: bool = key(
        False,
        "Find heart, aorta and body on scans with a mask too, for the checks of noise, size and "
        "coverage; the score stays as it is, and each scan takes about as long as detecting.",
    )
    shapes: str = key(
        "", "TOML file of shapes in patient millimetres, or the name of a shipped one."
    )


class ScoringRules(Section):
    """What is computed."""

    conventions: tuple[str, ...] = key(
        ("literature",),
        "Named conventions that are scored; `calcarium protocol conventions` lists them.",
    )
    primary_convention: str = key(
        "literature", "The convention whose score goes into the studies table."
    )
    threshold_set: str = key(
        "fqm",
        "Thresholds by tube voltage for conventions that have none of their own.",
        source="kV threshold sets: fqm (120: 130 HU, 100: 147 HU), grani2018, brainsia, fixed130",
    )
    unknown_kvp: Literal["score_at_130", "exclude"] = key(
        "score_at_130",
        "A tube voltage that is missing or has no threshold in the set: score at 130 HU with a "
        "failed quality row, or exclude.",
    )
    lesion_link: Literal[6, 18, 26] = key(
        26, "3-D connectivity that joins the slice components to lesions."
    )
    mass_factor_mg_per_cm3_hu: float | None = key(
        None,
        "Calibration factor when the scan's header has none; without any there is no mass.",
        unit="mg/cm3 per HU",
        source="measured on a calibration rod of the same protocol (FQM)",
    )
    device_hu: float = key(
        2000.0,
        "Peak at 120 kVp from which a lesion may be a device and is left out of "
        "agatston_without_suspected_device; at a lower voltage it rises with the threshold.",
        unit="HU",
        source="engineering choice: no limit is published; an insert of 800 mg/cm3 peaks at 1275 "
        "HU, metal saturates 12 bits at 3071 HU",
        ge=0,
    )
    cta_agatston_per_mm3: float | None = key(
        None,
        "Conversion of the convention cta-derived: Agatston score per mm3 of calcium on contrast "
        "CT. None is shipped: `calcarium cohort calibrate-cta` fits it on paired scans.",
        unit="1/mm3",
        source="fitted by the user on paired scans",
        ge=0,
    )


class Protocol(Section):
    """One resolved protocol for one or more classes of scan."""

    name: str = key("", "Name of the protocol, as written into every row.")
    description: str = key("", "What it is for, in a sentence.")
    assume_class: ScanClass | None = key(
        None,
        "Treat every scan without contrast in its header as this class; without it the header "
        "decides. contrast: the pixels decide, and what is dark is excluded.",
    )
    selection: SelectionRules = section(SelectionRules, "Which scan of a study is scored.")
    volume: VolumeRules = section(VolumeRules, "What geometry is understood.")
    region: RegionRules = section(RegionRules, "Where calcium counts.")
    detector: DetectorRules = section(DetectorRules, "Thresholds of the embedded detector.")
    contrast: ContrastRules = section(ContrastRules, "What is calcium in a contrast CT.")
    scoring: ScoringRules = section(ScoringRules, "What is computed.")
    dose: DoseRules = section(DoseRules, "From dose length product to effective dose.")
    threshold_free: ThresholdFreeRules = section(
        ThresholdFreeRules, "Calibration of scores without a threshold."
    )
    interpret: InterpretRules = section(InterpretRules, "What the score is said to mean.")

"""The keys of the detector that say when its answer needs a second look."""

from __future__ import annotations

from calcarium.config.keys import Section, key


class DoubtRules(Section):
    """Limits beyond which a quality row warns."""

    heart_ml: tuple[float, float] = key(
        (400.0, 3000.0),
        "Volume of the heart's region.",
        unit="ml",
        source="heart masks of 450-1250 ml, the region 1.7-2.4 times as much",
    )
    noise_hu: float = key(
        30.0,
        "Noise from which small lesions fade.",
        unit="HU",
        source="measured: at 30 HU 10 of 39 lesions below 15 mm3 are lost",
        ge=0,
    )
    blood_hu: tuple[float, float] = key(
        (20.0, 60.0),
        "Mean of the aorta in a scan without contrast.",
        unit="HU",
        source="engineering choice: blood without contrast",
    )
    air_hu: float = key(
        -900.0,
        "Greatest value of air in front of the patient.",
        unit="HU",
        source="engineering choice: air is -1000 HU by definition",
    )
    contrast_share: float = key(
        0.1,
        "Share of soft tissue above 110 HU that is not normal, though not contrast yet.",
        source="without contrast 0.002-0.064",
        ge=0,
        le=1,
    )
    upside_down_share: float = key(
        0.1,
        "How much less soft tissue between the lungs below than above is upside down.",
        source="measured: 0.10-0.33 more below, in three chest CT",
        ge=0,
    )
    liver_ratio: float = key(
        1.6,
        "Soft tissue at the lung base: right to left, or left to right if mirrored.",
        source="measured: 2.6-4.5 in three chest CT",
        ge=1,
    )
    aorta_side: float = key(
        0.15,
        "How much more support a descending aorta has on one side.",
        source="measured: 0.00-0.32 in three chest CT",
        ge=0,
    )
    gross_change: float = key(
        1.5,
        "Upper over lower end of the score that warns even within a category.",
        ge=1,
        source="engineering choice",
    )

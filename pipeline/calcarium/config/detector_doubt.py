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
    cut_chambers_cm2: float = key(
        5.0,
        "Area of the heart's chambers at a border of the image, above the liver, from which the "
        "heart is cut.",
        unit="cm2",
        source="drawn thoraxes: at most 4 at 180 mm, where nothing is lost; at 135 mm 8 or more "
        "in 11 of 12",
        ge=0,
    )
    cut_top_share: float = key(
        0.5,
        "Cross-section of the chambers and great vessels in the highest slice, as a share of the "
        "largest, from which the heart is cut above.",
        source="73 drawn thoraxes: median 0.36 5 mm above the highest artery, 0.59 5 mm below; "
        "two chest CT: 0.45 or less from the left main up, 0.6 or more 20 mm below",
        ge=0,
        le=1,
    )
    noise_hu: float = key(
        45.0,
        "Noise above which too little was tried to trust a category.",
        unit="HU",
        source="240 drawn thoraxes, with noise of 20 and 30 HU added: at 40 to 45 HU 38 of 41 "
        "categories are right, above 18 of 19; too few above to say more. Of lesions of 5 to 15 "
        "mm3 60 of 83 are found from 35 HU on",
        ge=0,
    )
    greatest_increment_mm: float = key(
        6.25,
        "Slice increment above which arteries and their calcium may be lost in the slice.",
        unit="mm",
        source="engineering choice, beyond 6 mm as positions are rounded: a chest CT made thicker "
        "has its heavy left main accepted at 4 mm, at 6 mm by where the slices begin and with "
        "another warning; drawn slices of 10 mm lose lesions below 130 HU",
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
    above_root_margin_mm: float = key(
        10.0,
        "More than evidence.wall_above_root_mm above the root, counted calcium so near to the "
        "circle of the aorta may be in its wall.",
        unit="mm",
        source="a drawn scan cut above had calcium of the wall 6 mm outside; of 240 drawn thoraxes "
        "and four copies of each none had an artery there",
        ge=0,
    )
    aorta_left_mm: tuple[float, float] = key(
        (-40.0, 30.0),
        "Where an aorta that was not seen must be: from, to, to the left of the spine.",
        unit="mm",
        source="the search for the ascending aorta, widened by its radius",
    )
    aorta_depth: tuple[float, float] = key(
        (0.35, 0.80),
        "The same: from, to, as a share of the chest's depth in front of the spine.",
        source="the search for the ascending aorta, widened by half its radius",
    )
    groove_muscle_share: float = key(
        0.36,
        "Counted calcium with a smaller share of chambers and great vessels around it (less at the "
        "lung: standing.adrift_at_lung) may be in the pericardium.",
        source="marked in two chest CT: 17 of 21 places on it have less, and 9 of 25 on arteries; "
        "drawn arteries: one in four",
        ge=0,
        le=1,
    )
    greatest_fat: float = key(
        0.65,
        "Counted calcium with more fat around it may be in the pericardium as well: an artery "
        "holds blood.",
        source="drawn thoraxes: 98 of 100 lesions of arteries have 0.64 or less, 3 of 7 plates of "
        "the pericardium that passed for an artery 0.67 or more",
        ge=0,
        le=1,
    )
    gross_change: float = key(
        1.5,
        "Upper over lower end of the score that warns even within a category; the score with "
        "over that without calcium at the aorta, or off the grooves, that does if the category "
        "changes.",
        ge=1,
        source="engineering choice",
    )

"""The keys of the detector that say which candidates are coronary calcium."""

from __future__ import annotations

from typing import TypeAlias

from calcarium.config.keys import Section, key

Ramp: TypeAlias = tuple[float, float]
FITTED = "ridge logistic fit on 12 labelled CT, gated and chest, rounded; noise was fitted later"
AGAINST_NOISE = (
    "weights by a logistic fit on 148,000 spots of noise and 616 of coronary calcium in 240 drawn "
    "thoraxes with noise of 30 HU added, relative to the evidence of the place, rounded; where "
    "they begin by false positives and lesions of the same thoraxes and of three real chest CT"
)
ANATOMY = "anatomy; width of the ramp is an engineering choice"


class CandidateRules(Section):
    """What is a candidate, and where none can be coronary calcium."""

    threshold_hu: float = key(130.0, "Threshold of a candidate.", unit="HU", source="Agatston 1990")
    least_area_mm2: float = key(
        1.0,
        "Least area of a candidate, summed over its slices.",
        unit="mm2",
        source="Agatston 1990: islands of 1 mm2",
        ge=0,
    )
    least_share_in_region: float = key(
        0.3,
        "Share of a component inside the heart's region to be a candidate.",
        ge=0,
        le=1,
        source="engineering choice: most of what lies outside belongs to something else",
    )
    least_share_accepted: float = key(
        0.8,
        "Share inside the heart's region to be accepted.",
        source="ribs and nodes leave the region; the margin is a block",
        ge=0,
        le=1,
    )
    greatest_share_at_rim: float = key(
        0.0,
        "Greatest share at the border of the image: what the image cuts is a rib.",
        ge=0,
        le=1,
        source="engineering choice: a field of view holds the whole heart",
    )
    greatest_volume_mm3: float = key(
        3000.0,
        "Greatest volume.",
        unit="mm3",
        source="engineering choice: twice the largest calcification seen (1488 mm3)",
        ge=0,
    )
    metal_hu: float = key(
        2200.0,
        "Peak from which it is metal.",
        unit="HU",
        source="engineering choice: the densest calcium seen was 1561 HU",
    )
    least_bone_distance_mm: float = key(
        2.5, "Least distance to wall bone.", unit="mm", source="one block", ge=0
    )
    least_wall_distance_mm: float = key(
        3.0, "Least distance behind the front wall.", unit="mm", source="one block", ge=0
    )
    descending_margin_mm: float = key(
        3.0, "Margin around the descending aorta.", unit="mm", source="one block", ge=0
    )
    least_spine_distance_mm: float = key(
        3.0, "Least distance before the vertebrae.", unit="mm", source="one block", ge=0
    )
    least_below_bronchi_mm: float = key(
        6.0,
        "Least distance below the main bronchi.",
        unit="mm",
        source="the highest coronary calcium seen was 12 mm below",
        ge=0,
    )
    vena_cava_above_root_mm: float = key(
        12.0,
        "Height above the root from which the vena cava is told apart.",
        unit="mm",
        ge=0,
        source="anatomy: below it the right coronary artery leaves on that side",
    )
    greatest_above_root_mm: float = key(
        45.0,
        "Greatest height above the lower end of the ascending aorta.",
        unit="mm",
        source="the left main leaves within 20 mm of the root's upper end",
        ge=0,
    )


class EvidenceRules(Section):
    """Weights (in logits) and ramps (from no to full effect) of the evidence."""

    offset: float = key(-1.7, "Logit of a candidate without evidence.", source=FITTED)
    fat_weight: float = key(12.0, "Weight of the fat around.", source=FITTED)
    fat_range: Ramp = key(
        (-0.1, 0.25),
        "Fat that makes a difference.",
        source="noise has -0.08 +- 0.05, coronary calcium 0.04 or more (median 0.33)",
    )
    noise_sd: float = key(
        4.6,
        "Peak of a spot of 8 mm3 over its surroundings that speaks neither for nor against it, in "
        "standard deviations: of the noise, and of 10 HU for what lies around.",
        source=AGAINST_NOISE,
    )
    noise_per_sd: float = key(
        1.4, "Weight of each standard deviation more or less.", source=AGAINST_NOISE
    )
    noise_per_decade: float = key(
        3.0,
        "Weight of the size, per decade of volume from 0.8 to 20 mm3, with slices taken as 3 mm "
        "where they are thicker.",
        source=AGAINST_NOISE,
    )
    noise_range: Ramp = key(
        (-8.0, 3.6), "Least and greatest evidence against noise.", source="engineering choice"
    )
    prevertebral_weight: float = key(7.0, "Weight of a place before the spine.", source=FITTED)
    prevertebral_depth: Ramp = key((0.34, 0.20), "Share of the chest's depth.", source=ANATOMY)
    prevertebral_left_mm: Ramp = key(
        (25.0, 17.0),
        "To the left: farther runs the LCX.",
        unit="mm",
        source="180 of the 240 drawn thoraxes: nodes within 8, LCX at 24 or more but for one; "
        "anatomy",
    )
    prevertebral_right_mm: Ramp = key((30.0, 22.0), "To the right.", unit="mm", source=ANATOMY)
    right_hilum_weight: float = key(4.0, "Weight of the right hilum.", source=FITTED)
    right_hilum_left_mm: Ramp = key((-12.0, -24.0), "To the left.", unit="mm", source=ANATOMY)
    right_hilum_depth: Ramp = key((0.50, 0.38), "Share of the chest's depth.", source=ANATOMY)
    bone_weight: float = key(3.0, "Weight of bone near by.", source=FITTED)
    bone_mm: Ramp = key((7.0, 4.0), "Distance to wall bone.", unit="mm", source=ANATOMY)
    bronchi_weight: float = key(4.0, "Weight of the main bronchi's level.", source=FITTED)
    bronchi_mm: Ramp = key(
        (13.0, 7.0), "Below the main bronchi.", unit="mm", source="left main: 14 mm or more"
    )
    lung_weight: float = key(3.5, "Weight of the border to the lung.", source=FITTED)
    lung_mm: Ramp = key((8.0, 4.0), "Distance to lung.", unit="mm", source=FITTED)
    lung_fat: Ramp = key(
        (0.27, 0.18),
        "Fat towards the heart's middle that speaks for an artery.",
        source="plaques put into two chest CT: 0.26 or more at the lung; hilar vessels 0.13",
    )
    lung_depth: Ramp = key(
        (0.60, 0.45),
        "Share of the chest's depth from which a hilum may be near.",
        source="anatomy: hila lie beside and behind the atria; width is an engineering choice",
    )
    lung_level_mm: Ramp = key(
        (55.0, 35.0),
        "Below the main bronchi, where the hila have ended: with muscle around, it is the LCX.",
        unit="mm",
        source=ANATOMY,
    )
    lung_muscle_share: Ramp = key(
        (0.32, 0.24),
        "Share of chambers and great vessels around, below which it is a lung vessel there too.",
        source="240 drawn thoraxes: LCX at the lung 0.34 or more; a vessel of a chest CT 0.14",
    )
    lung_share: Ramp = key((0.18, 0.42), "Share of lung around.", source=FITTED)
    valve_weight: float = key(5.0, "Weight of a place deep in the heart.", source=FITTED)
    valve_lung_mm: Ramp = key((15.0, 25.0), "Distance to lung.", unit="mm", source=ANATOMY)
    valve_fat: Ramp = key((0.10, 0.02), "Fat that speaks for an artery.", source=FITTED)
    valve_above_bottom_mm: Ramp = key(
        (15.0, 30.0), "Above the underside, where arteries run deep.", unit="mm", source=ANATOMY
    )
    embedded_weight: float = key(
        5.0,
        "Weight of a place inside the muscle: the mitral ring.",
        source="engineering choice: as a valve",
    )
    embedded_lung_mm: Ramp = key((6.0, 11.0), "Distance to lung.", unit="mm", source=ANATOMY)
    embedded_fat: Ramp = key((0.15, 0.07), "Fat that speaks for an artery.", source=ANATOMY)
    embedded_fat_to_heart: Ramp = key(
        (0.10, 0.03),
        "Fat towards the heart's middle that speaks for an artery.",
        source="put into two chest CT: left arteries 0.17 or more, mitral ring 0.06 or less",
    )
    ring_fat: Ramp = key(
        (0.30, 0.18), "Fat all around that does, where the mitral ring lies.", source=ANATOMY
    )
    ring_depth: Ramp = key((0.50, 0.42), "Share of the chest's depth.", source=ANATOMY)
    ring_left_mm: Ramp = key((0.0, 10.0), "To the left.", unit="mm", source=ANATOMY)
    aorta_weight: float = key(8.0, "Weight of the aortic wall.", source=FITTED)
    aorta_mm: Ramp = key((5.5, 2.0), "Outside the aortic circle.", unit="mm", source=ANATOMY)
    aorta_support: Ramp = key(
        (0.18, 0.42),
        "How well the circle was seen: the root is less round than the ascending aorta.",
        source="median 0.5 in the ascending aorta, 0.2-0.3 in the root",
    )
    aorta_root_mm: Ramp = key(
        (-12.0, -6.0),
        "So little below the end of the ascending aorta the circle of the root is believed.",
        unit="mm",
        source="engineering choice: two to four grid slices",
    )
    aorta_fat: float = key(0.06, "Fat towards the aorta's axis at an artery.", source=FITTED)
    aorta_fat_per_mm: float = key(
        0.014, "The same, more for each mm inside the circle.", unit="1/mm", source=FITTED
    )
    aorta_fat_share: float = key(
        0.3,
        "Or this share of the fat all around, if that is more: at the wall it is one-sided.",
        source=ANATOMY,
    )
    aorta_fat_margin: Ramp = key(
        (0.08, -0.02),
        "Fat above that.",
        source="plaques put into three chest CT: 0.03 or less in walls; drawn arteries at the "
        "aorta 0.06 or more",
    )
    aorta_depth_mm: Ramp = key(
        (4.5, 6.5),
        "Depth across the wall from which calcium is more than one in it.",
        unit="mm",
        source="five wall lesions of two chest CT: 1.4 to 4.2; left main at its ostium: 5.5 to 7",
    )
    aorta_inside_mm: Ramp = key(
        (3.0, 1.0),
        "Its middle inside the circle: a valve is deep as well.",
        unit="mm",
        source=ANATOMY,
    )
    side_weight: float = key(
        4.0,
        "Weight of the aortic wall on the right and behind, and above the root.",
        source=ANATOMY,
    )
    side_mm: Ramp = key((6.0, 3.0), "Outside the aortic circle.", unit="mm", source=ANATOMY)
    side_from_deg: Ramp = key(
        (10.0, 25.0),
        "Angle around the aorta, from straight behind to the right: beyond the left main.",
        unit="degree",
        source=ANATOMY,
    )
    side_to_deg: Ramp = key(
        (115.0, 95.0), "The same: short of the right ostium.", unit="degree", source=ANATOMY
    )
    wall_above_root_mm: Ramp = key(
        (10.0, 20.0),
        "Above the lower end of the ascending aorta, where no artery leaves it.",
        unit="mm",
        source=ANATOMY,
    )
    base_weight: float = key(5.0, "Weight of the lung base.", source=FITTED)
    base_above_bottom_mm: Ramp = key(
        (30.0, 15.0), "Above the underside.", unit="mm", source="engineering choice"
    )
    base_fat: Ramp = key((0.15, 0.05), "Fat that speaks for an artery.", source=FITTED)
    base_lung_mm: Ramp = key((20.0, 12.0), "Distance to lung.", unit="mm", source=ANATOMY)
    below_weight: float = key(3.5, "Weight of the margin below the heart.", source=FITTED)
    below_mm: Ramp = key((9.0, 2.0), "Above the underside.", unit="mm", source=ANATOMY)

"""The keys of calcium scores from contrast CT."""

from __future__ import annotations

from calcarium.config.detector_evidence import Ramp
from calcarium.config.keys import Section, key

CHOICE = "engineering choice"


class ContrastRules(Section):
    """What is calcium where the blood is bright: threshold = max(floor, mean + k SD) of it."""

    floor_hu: float = key(
        130.0,
        "The threshold is never below this.",
        unit="HU",
        source="Agatston 1990: below it nothing is calcium, contrast or not",
        ge=0,
    )
    sd_above_blood: float = key(
        5.0,
        "Standard deviations of the blood pool between its mean and the threshold.",
        source="engineering choice: of 1e6 voxels of Gaussian noise none is expected above; "
        "no published value was found in full",
        ge=0,
    )
    eroded_share: float = key(
        0.6,
        "Share of the aorta's radius inside which blood is measured.",
        source="engineering choice: wall and its blur stay outside",
        ge=0.1,
        le=1,
    )
    least_blood_voxels: int = key(
        500, "Fewest voxels of blood for a mean and SD to be believed.", source=CHOICE, ge=2
    )
    greatest_relative_sd: float = key(
        0.35,
        "Greatest SD of the blood pool as a share of its mean; beyond, it is not only blood.",
        source=CHOICE,
        ge=0,
    )
    edge_share: float = key(
        0.5,
        "A lesion ends at this share of the way from what lies around it to its peak near by. "
        "0: it is what reaches the threshold, and nothing else.",
        source="half maximum: where the edge of a blurred body lies",
        ge=0,
        le=1,
    )
    blur_mm: float = key(
        0.4,
        "Standard deviation of the scanner's blur, part of which is taken back before a lesion's "
        "edge is looked for. 0: none is.",
        unit="mm",
        source="engineering choice: that of the phantom's heart kernels, about one pixel; what is "
        "measured depends little on it",
        ge=0,
        le=1,
    )
    sure_share: float = key(
        0.7,
        "What is brighter than blood by this share of the way to the peak near by is surely "
        "plaque; a lesion ends within blur_mm of it, or a voxel where that is more.",
        source="engineering choice: with 0.75 the best one of 0.5 to 0.8 on 825 phantom plaques",
        ge=0,
        le=1,
    )
    surroundings_mm: float = key(
        0.7,
        "What lies around a lesion is read this far from it.",
        unit="mm",
        source="engineering choice: beyond most of the blur; chosen on phantom plaques",
        ge=0,
    )
    peak_mm: float = key(
        1.5,
        "How far a peak counts as near by.",
        unit="mm",
        source="engineering choice: dense and faint parts of a plaque have edges of their own; 1.2 "
        "to 2 mm are as good on 825 phantom plaques",
        ge=0,
    )
    edge_reach_mm: float = key(
        1.6,
        "Greatest distance of a lesion's edge from what reaches the threshold.",
        unit="mm",
        source="engineering choice: the radius of a coronary artery",
        ge=0,
    )
    muscle_hu: float = key(
        60.0,
        "Muscle without contrast; what is nearer to the blood than to this is a lumen.",
        unit="HU",
        source="engineering choice: without contrast 40-60 HU",
    )
    chamber_radius_mm: float = key(
        6.0,
        "What is bright in a sphere of this radius is a chamber or great vessel, not an artery.",
        unit="mm",
        source="engineering choice: coronary arteries are less than 3 mm in radius",
        ge=1,
    )
    greatest_share_chamber: float = key(
        0.35,
        "Share of chamber or great vessel around a candidate from which it is the wall of one: "
        "the mitral ring.",
        source=CHOICE,
        ge=0,
        le=1,
    )
    greatest_share_bright: float = key(
        0.5,
        "Share of what lies around a candidate that is as bright as blood, from which it is noise "
        "of a lumen or bone: if no chamber is in it, or where it does not stand out of the "
        "brightest part of it.",
        source="engineering choice: arteries run in fat",
        ge=0,
        le=1,
    )
    beside_mm: Ramp = key(
        (0.7, 1.5),
        "Distances from a candidate between which what lies beside it is read: beyond its own "
        "blur.",
        unit="mm",
        source=CHOICE,
    )
    around_mm: Ramp = key(
        (1.5, 2.5),
        "Distances from a candidate between which what lies around it is read: where an artery "
        "goes on.",
        unit="mm",
        source="engineering choice: coronary arteries are less than 3 mm in radius",
    )
    least_vessel_share: float = key(
        0.25,
        "An opacified vessel is near where what lies around is brighter than muscle by this share "
        "of the way to the blood.",
        source="engineering choice: of a lumen of 0.8 mm radius in fat, blurred by 0.4 mm and "
        "smoothed as much, 0.3 to 0.55 is left",
        ge=0,
        le=1,
    )
    elsewhere_logit: float = key(
        -1.5,
        "A candidate is rejected where the detector's evidence of a valve, of the aortic wall, of "
        "the lung base, or, above the root, of a place before the spine weighs this or less: odds "
        "of 4 to 1.",
        source="engineering choice: on no drawn plaque this evidence said anything",
        le=0,
    )
    greatest_above_root_mm: float = key(
        75.0,
        "Takes the place of detector.candidate.greatest_above_root_mm.",
        unit="mm",
        source="engineering choice: a path down the bright aorta may go on into the left ventricle",
        ge=0,
    )
    wall_above_root_mm: float = key(
        10.0,
        "Height above the root from which no artery leaves the aorta.",
        unit="mm",
        source="anatomy: the ostia are in the root",
        ge=0,
    )
    wall_margin_mm: float = key(
        3.0, "There, the wall reaches so far beyond the lumen.", unit="mm", source="one block", ge=0
    )
    greatest_volume_mm3: float = key(
        1500.0,
        "Greatest volume of a candidate; larger ones are lumen or bone.",
        unit="mm3",
        source="engineering choice: the largest calcification seen without contrast (1488 mm3)",
        ge=0,
    )

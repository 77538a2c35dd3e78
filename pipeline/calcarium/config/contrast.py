"""The keys of calcium scores from contrast CT."""

from __future__ import annotations

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
        "A voxel counts if it reaches this share of the way from the blood's mean to the peak of "
        "its lesion, and the threshold: 0.5 is where a blurred edge lies, 0 the threshold alone.",
        source="engineering choice: half maximum of a blurred body",
        ge=0,
        le=1,
    )
    chamber_radius_mm: float = key(
        6.0,
        "What is bright in a sphere of this radius is a chamber or great vessel, not an artery.",
        unit="mm",
        source="engineering choice: coronary arteries are less than 3 mm in radius",
        ge=1,
    )
    greatest_share_in_lumen: float = key(
        0.5,
        "Share of a candidate inside chambers and great vessels from which it is lumen.",
        source=CHOICE,
        ge=0,
        le=1,
    )
    greatest_volume_mm3: float = key(
        1500.0,
        "Greatest volume of a candidate; larger ones are lumen or bone.",
        unit="mm3",
        source="engineering choice: the largest calcification seen without contrast (1488 mm3)",
        ge=0,
    )

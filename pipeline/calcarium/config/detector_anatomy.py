"""The keys of the detector that say where the heart and its neighbours are."""

from __future__ import annotations

from calcarium.config.keys import Section, key

MEASURED_14 = "measured on 17 non-contrast CT, gated and chest"


class ExtentRules(Section):
    """How far the heart reaches along the body."""

    front_lung_share: float = key(
        0.12,
        "The heart has ended where the lung in front is less than this share of its most.",
        source=MEASURED_14,
        ge=0,
        le=1,
    )
    below_dome_mm: float = key(
        55.0,
        "Greatest distance from the liver's dome down to the heart's underside.",
        unit="mm",
        source=MEASURED_14,
        ge=0,
    )
    margin_mm: float = key(
        6.0, "Added below the underside.", unit="mm", source="two grid slices", ge=0
    )
    least_height_mm: float = key(
        80.0,
        "Main bronchi nearer than this to the underside are not believed.",
        unit="mm",
        source="heart masks reach 95-135 mm below the main bronchi",
        ge=0,
    )
    greatest_height_mm: float = key(
        160.0,
        "Greatest distance of the underside below main bronchi that were seen to fork.",
        unit="mm",
        source="heart masks reach 95-135 mm below the main bronchi; 25 mm of margin",
        ge=0,
    )


class AortaRules(Section):
    """What counts as an aorta."""

    ascending_least_support: float = key(
        0.30,
        "Support of a disc below which the ascending aorta is not followed.",
        source=MEASURED_14,
        ge=0,
        le=1,
    )
    descending_least_support: float = key(
        0.10,
        "Support of a disc below which the descending aorta is not followed.",
        source=MEASURED_14,
        ge=0,
        le=1,
    )
    least_total: float = key(
        0.7,
        "Support summed along the path, above the least, for the ascending aorta to be sure.",
        source=MEASURED_14,
        ge=0,
    )
    least_length_mm: float = key(
        18.0,
        "Length in view for the ascending aorta to be sure.",
        unit="mm",
        source=MEASURED_14,
        ge=0,
    )


class HeartRules(Section):
    """The heart's region, and when there is none."""

    height_mm: float = key(
        137.0,
        "Height of the region above the heart's underside.",
        unit="mm",
        source="heart masks are 108-135 mm high, great vessels included; with 125 three more of "
        "625 drawn lesions lie above it, and nothing else changes",
        ge=0,
    )
    above_root_mm: float = key(
        38.0,
        "The region reaches at least so far above the lower end of the ascending aorta.",
        unit="mm",
        source="engineering choice: the left main leaves within 20 mm of the root's upper end",
        ge=0,
    )
    aorta_least_length_mm: float = key(
        20.0,
        "Length of ascending aorta that may move the region's upper end.",
        unit="mm",
        source="engineering choice",
        ge=0,
    )
    above_bronchi_mm: float = key(
        6.0,
        "The region ends so far above the main bronchi, if they were seen to fork.",
        unit="mm",
        source="no coronary artery runs above them; the first is 12 mm lower or more",
        ge=0,
    )
    least_ml: float = key(
        200.0,
        "Volume of the region below which no heart is in view.",
        unit="ml",
        source="heart masks are 450-1100 ml, the region 1.7-2.3 times as much",
        ge=0,
    )
    least_height_mm: float = key(
        30.0,
        "Height of the region below which no heart is in view.",
        unit="mm",
        source="engineering choice: less than a third of a heart is no score",
        ge=0,
    )
    least_lung_cm2: float = key(
        30.0,
        "Median area of lung beside the region below which it is not a heart.",
        unit="cm2",
        source="hearts have 60 cm2 or more beside them, the upper abdomen next to none",
        ge=0,
    )
    contrast_share: float = key(
        0.2,
        "Share of soft tissue above 110 HU from which the blood holds contrast.",
        source="without contrast 0.002-0.064, with contrast 0.58-0.66",
        ge=0,
        le=1,
    )

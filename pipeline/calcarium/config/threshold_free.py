"""The keys of scores without a threshold: what a user measured on calibration rods."""

from __future__ import annotations

from calcarium.config.keys import Section, key, section

MEASURED = "measured by the user on a rod scanned by the same protocol; none is shipped"


class ThresholdFreeRules(Section):
    """Calibration of the spatially weighted score and of the integrated mass."""

    weighting_rod_hu: dict[str, tuple[float, float]] = section(
        dict,
        "Mean and SD in HU of a rod of 100 mg/cm3 hydroxyapatite, by tube voltage in kV. Without "
        "that of a scan's voltage there is no spatially weighted score.",
    )
    mass_rod_hu: dict[str, float] = section(
        dict,
        "Mean in HU of a rod of the density below, by tube voltage in kV. Without that of a "
        "scan's voltage there is no integrated mass.",
    )
    mass_rod_mg_per_cm3: float | None = key(
        None, "Density of that rod.", unit="mg/cm3", source=MEASURED, ge=0
    )
    roi_margin_mm: float | None = key(
        None,
        "How far around a label its blurred calcium is integrated.",
        unit="mm",
        source="the user's choice: no published value was found",
        ge=0,
    )
    ring_mm: float | None = key(
        None,
        "Width of the ring around that, whose mean is the background.",
        unit="mm",
        source="the user's choice: no published value was found",
        ge=0,
    )

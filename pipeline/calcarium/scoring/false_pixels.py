"""How many voxels reach the threshold by noise alone."""

from __future__ import annotations

from collections.abc import Iterable
from math import erfc, sqrt

from calcarium.quality import QualityRow


def expected_above(n_voxels: float, threshold_hu: float, mean_hu: float, sd_hu: float) -> float:
    """Expected number of voxels of Gaussian noise at or above a threshold.

    ``n_voxels * (1 - Phi((threshold_hu - mean_hu) / sd_hu))``: that neighbours share their noise
    does not change the mean of the count, only its scatter.
    """
    return n_voxels * 0.5 * erfc((threshold_hu - mean_hu) / (sd_hu * sqrt(2)))


def measured_noise_hu(rows: Iterable[QualityRow]) -> float | None:
    """Standard deviation of the noise in the heart, where the region source has measured it."""
    return next((row.value for row in rows if row.check == "image_noise"), None)


def false_pixels(
    rows: Iterable[QualityRow], voxel_mm3: float, threshold_hu: float | None
) -> tuple[QualityRow, ...]:
    """The check ``false_pixels``, where the region source has measured the blood.

    Parameters
    ----------
    rows : checks of the scan: ``blood_hu``, ``blood_noise`` and ``heart_volume`` are used
    voxel_mm3 : volume of a voxel
    threshold_hu : of the score; ``None`` where it has none
    """
    value = {row.check: row.value for row in rows}
    if not {"blood_hu", "blood_noise", "heart_volume"} <= value.keys():
        return ()
    mean, sd, heart_ml = value["blood_hu"], value["blood_noise"], value["heart_volume"]
    if mean is None or not sd or heart_ml is None or threshold_hu is None:
        return (QualityRow("false_pixels", "unknown", text="blood or threshold not known"),)
    n_voxels = heart_ml * 1000 / voxel_mm3
    expected = expected_above(n_voxels, threshold_hu, mean, sd)
    text = f"at {threshold_hu:g} HU, of {n_voxels:.0f} voxels"
    return (QualityRow("false_pixels", "pass", float(f"{expected:.3g}"), text),)

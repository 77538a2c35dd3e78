"""Columns of what was measured on the candidate that a lesion belongs to."""

from __future__ import annotations

from dataclasses import replace

from calcarium.tables.columns import real

_MEASURED = (
    real("volume_mm3", "mm3", "Volume, from the detector's threshold up"),
    real("area_mm2", "mm2", "Sum of its areas over slices"),
    real("peak_hu", "HU", "Greatest value"),
    real("noise_hu", "HU", "Standard deviation of the noise of its slice"),
    real("peak_over_blood_sd", "1", "Peak above the blood, in units of that noise"),
    real("agatston", "1", "Approximate score, all islands of a slice taken as one"),
    real("z", "slice", "Index of its middle, from 0"),
    real("y", "row", "Index of its middle, from 0"),
    real("x", "column", "Index of its middle, from 0"),
    real("in_region", "1", "Share of it in the region of the heart"),
    real("at_rim", "1", "Share of it at the border of the image"),
    real("lung_mm", "mm", "Distance to lung"),
    real("bone_mm", "mm", "Distance to bone or cartilage of the chest wall"),
    real("muscle_share", "1", "Share of chambers and great vessels in what lies around"),
    real("left_mm", "mm", "To the left of the spine, in a patient that is not turned"),
    real("before_spine_mm", "mm", "In front of the vertebra"),
    real("behind_wall_mm", "mm", "Behind the chest wall"),
    real("depth", "1", "before_spine_mm as a share of the distance from spine to wall"),
    real("above_bottom_mm", "mm", "Above the underside of the heart"),
    real("below_bronchi_mm", "mm", "Below the main bronchi; 99 where these are unknown"),
    real("outside_aorta_mm", "mm", "From the wall of ascending aorta or root; negative inside"),
    real("across_wall_mm", "mm", "Its depth across that wall; 0 where unknown"),
    real("outside_descending_mm", "mm", "From the wall of the descending aorta"),
    real("above_root_mm", "mm", "Above the lower end of the ascending aorta"),
    real("left_of_aorta_mm", "mm", "To the left of the axis of the ascending aorta"),
    real("behind_aorta_mm", "mm", "Behind that axis"),
    real("beside_aorta", "1", "1 at a level where the ascending aorta itself was seen, else 0"),
    real("aorta_support", "1", "How well the aorta of its level was seen, 0 to 1"),
    real("fat", "1", "Fat around it: 0 in blood or muscle, 1 in pure fat"),
    real("fat_to_aorta", "1", "The same in the half towards the axis of the aorta"),
    real("fat_to_heart", "1", "The same in the half towards the middle of the heart"),
    real("lung_share", "1", "Share of lung around it"),
    real("above_threshold_mm3", "mm3", "On contrast CT, volume above the threshold of the scan"),
    real("mostly_beside_hu", "HU", "On contrast CT, three quarters of what is beside it is darker"),
    real("brightest_around_hu", "HU", "On contrast CT, the brightest around it"),
    real("share_chamber_around", "1", "On contrast CT, share of chamber or great vessel around it"),
    real("share_bright_around", "1", "On contrast CT, share brighter than muscle around it"),
)
FEATURES = {c.name: replace(c, name=f"feature_{c.name}") for c in _MEASURED}

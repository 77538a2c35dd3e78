"""Columns of what a score means: categories, percentiles, ages, risks and rules of guidelines."""

from __future__ import annotations

from calcarium.tables.columns import flag, real, text

CATEGORY_SCHEMES = (
    "five_rumberger",
    "four_100_400",
    "cac_drs",
    "six_1000",
    "acc_aha_2018",
    "deepcac",
    "javaid_young",
)
GUIDELINE_RULES = (
    "acc_aha_2018_cac_0",
    "acc_aha_2018_cac_1_99_age_55",
    "acc_aha_2018_cac_100_or_p75",
    "acc_aha_2013_cac_300_or_p75",
)
INTERPRETATION = (
    *(text(f"category_{s}", f"Category by the scheme {s}") for s in CATEGORY_SCHEMES),
    flag("agatston_300_or_more", "The rounded score reaches the named cut-off of 300"),
    flag(
        "n_vessels_limited",
        "n_vessels may be too low: LM and LAD are one, or calcium has no artery",
    ),
    real("density_score", "1", "Agatston score per calcified area, 1 to 4"),
    real("vessel_max_to_mean", "1", "Score of the most calcified artery by the mean of the four"),
    real("percentile_mesa", "%", "Percentile by age, sex and race (MESA 2006); 0 for a score of 0"),
    real("percentile_mesa_nonzero", "%", "Peers with any calcium (MESA 2006)"),
    text("percentile_mesa_reference", "Table that gave it, with its version"),
    text("percentile_hoff", "Band of percentiles by age and sex (Hoff 2001), or zero"),
    text("percentile_hoff_reference", "Table that gave it, with its version"),
    real("arterial_age_years", "a", "Arterial age (McClelland 2009)"),
    flag("arterial_age_at_floor", "The score is 0: read the arterial age as 39 or less"),
    real("risk_mesa_chd_10y_percent", "%", "10-year CHD risk without the score (MESA 2015)"),
    real("risk_mesa_chd_10y_with_cac_percent", "%", "10-year CHD risk with it (MESA 2015)"),
    text(
        "acc_aha_group", "Group of the 2018 ACC/AHA guideline: 0, 1-99, >=100 or >=75th percentile"
    ),
    *(flag(f"guideline_{r}", f"Meets the rule {r}: no advice") for r in GUIDELINE_RULES),
)

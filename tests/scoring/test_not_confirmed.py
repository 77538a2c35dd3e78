"""What was only recalled, or not found, is no constant of the product.

Each line says what was looked for in publications and public code and not seen there.
"""

from __future__ import annotations

from dataclasses import replace

from calcarium.cohort.progress import Change
from calcarium.config.protocol import Protocol, ScoringRules
from calcarium.quality import CHECKS
from calcarium.scoring.categories import schemes
from calcarium.scoring.conventions import CONVENTIONS
from calcarium.scoring.kvp import THRESHOLD_SETS, threshold_at
from calcarium.scoring.mass import mass_factor
from calcarium.scoring.reference import read_csv
from calcarium.tables.schema import TABLES

COLUMNS = {column.name for table in TABLES.values() for column in table.columns}


def test_no_threshold_where_none_was_published() -> None:
    """90, 110, 130, 135, 140 and 150 kV: regressions and a commented-out line alone."""
    voltages = {kvp for table in THRESHOLD_SETS.values() for kvp in table or ()}
    assert voltages == {70, 80, 100, 120}


def test_no_threshold_with_a_tin_filter(empty_acquisition) -> None:
    """No validated threshold of Sn100 was found; that of 100 kVp is of another spectrum."""
    for filter_type in ("SN", "Sn100", "TIN", "0.6 mm Tin"):
        seen = replace(empty_acquisition, kvp=100.0, filter_type=filter_type)
        rule = threshold_at(CONVENTIONS["literature"], seen, threshold_set="fqm")
        assert (rule.known, rule.threshold.hu) == (False, 130)
    for filter_type in (None, "FLAT", "WEDGE_3", "BODY FILTER", "STANDARD"):
        seen = replace(empty_acquisition, kvp=100.0, filter_type=filter_type)
        assert threshold_at(CONVENTIONS["literature"], seen, threshold_set="fqm").known


def test_no_mass_without_a_measured_factor(empty_acquisition) -> None:
    """McCollough 2007's table of factors was not found, nor the order of DICOM's three values."""
    assert ScoringRules().mass_factor_mg_per_cm3_hu is None
    assert mass_factor(empty_acquisition, None) is None
    three = replace(empty_acquisition, mass_factor_device=(0.7, 0.75, 0.8))
    assert mass_factor(three, None) is None


def test_no_conversion_of_contrast_scans() -> None:
    """No published formula from contrast CT to an Agatston score was found."""
    assert ScoringRules().cta_agatston_per_mm3 is None


def test_no_convention_of_which_a_rule_is_not_known() -> None:
    """Agatston 1990 does not state a connectivity; orCaScore's size and slice rules: not found."""
    assert not {"agatston1990", "orcascore", "calciumscoring-jl", "cacslabeler"} & set(CONVENTIONS)


def test_no_category_of_which_limits_are_recalled() -> None:
    """Maron's stages (300-999, 1000 and more)."""
    assert not {"extreme", "maron"} & set(schemes())
    assert not any("stage" in name for name in COLUMNS if name.startswith("category"))


def test_no_progression_rule_that_was_recalled() -> None:
    """Berry 2009."""
    assert not any("berry" in field for field in Change.__dataclass_fields__)


def test_no_counts_of_hoff_that_were_recalled() -> None:
    assert set(read_csv("percentiles-hoff-2001.csv")[0]) == {
        "sex", "age_from", "age_to", "p25", "p50", "p75", "p90",
    }  # fmt: skip


def test_no_noise_target_that_was_recalled() -> None:
    """20 and 23 HU by patient size (McCollough 2007): the limit here is from drawn thoraxes."""
    assert Protocol().detector.doubt.noise_hu not in (20, 23)


def test_the_dose_factor_is_the_one_that_was_seen() -> None:
    """0.026 for the heart is recalled; 0.014 follows from two published pairs."""
    k = Protocol().dose.msv_per_mgy_cm
    for effective_msv, dlp_mgy_cm in ((1.6, 115.8), (1.2, 83.8)):
        assert round(effective_msv / dlp_mgy_cm, 3) == k


def test_no_metric_of_motion() -> None:
    """None is published."""
    assert not any("motion" in name for name in CHECKS)

"""What a score means: category, percentile, arterial age, risk, guideline rules.

All of it describes a scan by published references. None of it is advice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from calcarium.config.interpret import InterpretRules
from calcarium.config.protocol import ScanClass
from calcarium.covariates import Covariates
from calcarium.quality import QualityRow, Status
from calcarium.regions.model import Region
from calcarium.scoring.arterial_age import arterial_age
from calcarium.scoring.categories import categorise, integer_score
from calcarium.scoring.conventions import CONVENTIONS
from calcarium.scoring.distribution import MAIN_VESSELS, density_score, max_to_mean
from calcarium.scoring.eligibility import eligibility
from calcarium.scoring.guidelines import acc_aha_group, rules_met
from calcarium.scoring.model import ScanScores
from calcarium.scoring.percentiles import (
    HOFF_TABLE,
    MESA_TABLE,
    MesaPercentile,
    hoff_band,
    mesa_percentile,
    reference_name,
)
from calcarium.scoring.risk import INPUTS, mesa_risk
from calcarium.tables.rows import Cell


@dataclass(frozen=True)
class ScoreFacts:
    """What of a score decides its meaning.

    Attributes
    ----------
    agatston : score of the primary convention, not rounded; ``None`` where there is none
    scan_class : gated, nongated or contrast
    is_coronary : false where every bright component was counted
    agatston_by_vessel : score of every vessel that the region knows
    volume_mm3 : plain volume of the same convention
    convention : its name
    """

    agatston: float | None
    scan_class: ScanClass | None
    is_coronary: bool
    agatston_by_vessel: Mapping[str, float]
    volume_mm3: float
    convention: str


@dataclass(frozen=True)
class Interpretation:
    """What can be said, and what could not.

    Attributes
    ----------
    columns : columns of the studies table by name; one that is absent is null
    quality : why something is null, or should be read with care
    """

    columns: Mapping[str, Cell]
    quality: tuple[QualityRow, ...] = ()


def interpret_scores(
    scores: ScanScores,
    region: Region,
    scan_class: ScanClass | None,
    covariates: Covariates,
    rules: InterpretRules,
) -> Interpretation:
    """What the primary score of a scan means, and for whom such a scan is.

    Parameters
    ----------
    scores, region : of the scan; only coronary scores are interpreted
    scan_class : the references hold for gated scans
    covariates : age, sex and the like; what is unknown gives null and a quality row
    rules : which classes may be compared with a reference

    Raises
    ------
    ScanExcluded
        ``not_eligible``, if the protocol excludes for a covariate.
    """
    primary = next(s for s in scores.conventions if s.convention == scores.primary)
    facts = ScoreFacts(
        primary.total.agatston,
        scan_class,
        region.is_coronary,
        {vessel: measure.agatston or 0.0 for vessel, measure in primary.vessels.items()},
        primary.total.volume_mm3,
        primary.convention,
    )
    meaning = interpret(facts, covariates, rules)
    return replace(meaning, quality=meaning.quality + eligibility(covariates, rules))


def interpret(facts: ScoreFacts, covariates: Covariates, rules: InterpretRules) -> Interpretation:
    """Compare a score with every published reference that holds for the scan.

    Categories are given for every coronary Agatston score; percentiles, arterial
    age, risk and guideline rules for the classes of scan that the protocol names.
    """
    agatston = facts.agatston
    if agatston is None or not facts.is_coronary:
        why = "no Agatston score" if agatston is None else "not only coronary calcium was counted"
        return Interpretation({}, (QualityRow("interpretation", "unknown", text=why),))
    parts = [_by_score_alone(agatston, facts)]
    comparable = facts.scan_class in rules.reference_classes
    if comparable:
        mesa = _mesa(agatston, covariates)
        parts += [
            _percentiles(agatston, covariates, mesa),
            _risk(agatston, covariates),
            _guidelines(agatston, covariates, mesa),
        ]
    if facts.scan_class != "gated" or not comparable:
        parts.append(_other_class(facts.scan_class, comparable))
    return Interpretation(
        {name: cell for part in parts for name, cell in part.columns.items()},
        tuple(row for part in parts for row in part.quality),
    )


def _by_score_alone(agatston: float, facts: ScoreFacts) -> Interpretation:
    columns: dict[str, Cell] = {
        f"category_{name}": label for name, label in categorise(agatston).items()
    }
    columns["agatston_300_or_more"] = integer_score(agatston) >= 300
    columns["n_vessels_limited"] = any(
        score > 0 and vessel not in MAIN_VESSELS
        for vessel, score in facts.agatston_by_vessel.items()
    )
    columns["density_score"] = density_score(
        agatston, facts.volume_mm3, CONVENTIONS[facts.convention]
    )
    columns["vessel_max_to_mean"] = max_to_mean(facts.agatston_by_vessel)
    return Interpretation(columns)


def _other_class(scan_class: ScanClass | None, comparable: bool) -> Interpretation:
    text = f"{scan_class} scan, references from gated scans"
    status: Status = "warn" if comparable else "unknown"
    return Interpretation({}, (QualityRow("reference_class", status, text=text),))


def _percentiles(
    agatston: float, covariates: Covariates, mesa: MesaPercentile | None
) -> Interpretation:
    age = arterial_age(agatston)
    columns: dict[str, Cell] = {
        "arterial_age_years": age.years,
        "arterial_age_at_floor": age.at_floor,
    }
    quality = []
    if covariates.age_years is None or covariates.sex is None:
        quality.append(_unknown("percentile_hoff", covariates, ("age_years", "sex")))
    else:
        columns["percentile_hoff"] = hoff_band(
            agatston, age_years=covariates.age_years, sex=covariates.sex
        )
        columns["percentile_hoff_reference"] = reference_name(HOFF_TABLE)
    if mesa is None:
        quality.append(
            _unknown("percentile_mesa", covariates, ("age_years", "sex", "race_ethnicity"))
        )
    else:
        columns["percentile_mesa"] = mesa.percentile
        columns["percentile_mesa_nonzero"] = mesa.nonzero_percent
        columns["percentile_mesa_reference"] = reference_name(MESA_TABLE)
    return Interpretation(columns, tuple(quality))


def _risk(agatston: float, covariates: Covariates) -> Interpretation:
    risk = mesa_risk(agatston, covariates)
    if risk is None:
        return Interpretation({}, (_unknown("risk_mesa", covariates, INPUTS),))
    columns = {
        "risk_mesa_chd_10y_percent": risk.without_cac_percent,
        "risk_mesa_chd_10y_with_cac_percent": risk.with_cac_percent,
    }
    return Interpretation(columns)


def _guidelines(
    agatston: float, covariates: Covariates, mesa: MesaPercentile | None
) -> Interpretation:
    percentile = None if mesa is None else mesa.percentile
    met = rules_met(agatston, age_years=covariates.age_years, percentile=percentile)
    columns: dict[str, Cell] = {f"guideline_{name}": is_met for name, is_met in met.items()}
    columns["acc_aha_group"] = acc_aha_group(agatston, percentile)
    undecided = "; ".join(name for name, is_met in met.items() if is_met is None)
    quality = (QualityRow("guideline_rules", "unknown", text=undecided),) if undecided else ()
    return Interpretation(columns, quality)


def _mesa(agatston: float, covariates: Covariates) -> MesaPercentile | None:
    age, sex, race = covariates.age_years, covariates.sex, covariates.race_ethnicity
    if age is None or sex is None or race is None:
        return None
    return mesa_percentile(agatston, age_years=age, sex=sex, race=race)


def _unknown(check: str, covariates: Covariates, needed: tuple[str, ...]) -> QualityRow:
    missing = [name for name in needed if getattr(covariates, name) is None]
    why = f"missing: {', '.join(missing)}" if missing else "age_outside_reference"
    return QualityRow(check, "unknown", covariates.age_years, why)

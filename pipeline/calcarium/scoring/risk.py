"""Ten-year risk of coronary heart disease from risk factors and calcium (MESA 2015).

McClelland 2015, JACC 66:1643, Table 2: myocardial infarction, death from
coronary heart disease, resuscitated cardiac arrest, and revascularisation with
angina.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

from calcarium.covariates import Covariates, Race
from calcarium.scoring.reference import read_csv

RISK_TABLE = "risk-mesa-2015.csv"
MESA_AGES = (45, 85)
RISK_FACTORS = (
    "diabetes",
    "current_smoker",
    "total_cholesterol_mg_dl",
    "hdl_mg_dl",
    "lipid_lowering_medication",
    "sbp_mm_hg",
    "hypertension_medication",
    "family_history_heart_attack",
)
INPUTS = ("age_years", "sex", "race_ethnicity", *RISK_FACTORS)
RACE_TERM: dict[Race, str] = {
    "chinese": "chinese",
    "black": "african_american",
    "hispanic": "hispanic",
}


@dataclass(frozen=True)
class MesaRisk:
    """Ten-year risk in percent, without and with the calcium score."""

    without_cac_percent: float
    with_cac_percent: float


def missing_inputs(covariates: Covariates) -> tuple[str, ...]:
    """Inputs of :func:`mesa_risk` that are not known; nothing is filled in for them."""
    return tuple(name for name in INPUTS if getattr(covariates, name) is None)


def mesa_risk(agatston: float, covariates: Covariates) -> MesaRisk | None:
    """Ten-year risk of coronary heart disease: ``1 - S0 ** exp(sum(beta * x))``.

    Parameters
    ----------
    agatston : Agatston score of a gated scan without contrast, not rounded

    Returns
    -------
    ``None`` if an input is missing (:func:`missing_inputs`) or the age is outside
    45 to 85 completed years. Results are not clipped.
    """
    if missing_inputs(covariates) or covariates.age_years is None or covariates.sex is None:
        return None
    age = math.floor(covariates.age_years)
    if not MESA_AGES[0] <= age <= MESA_AGES[1]:
        return None
    terms = {
        "age_years": float(age),
        "male": float(covariates.sex == "M"),
        **{name: float(getattr(covariates, name)) for name in RISK_FACTORS},
    }
    if covariates.race_ethnicity in RACE_TERM:
        terms[RACE_TERM[covariates.race_ethnicity]] = 1.0
    return MesaRisk(
        _percent(terms, "without_cac"),
        _percent(terms | {"ln_cac_plus_1": math.log1p(agatston)}, "with_cac"),
    )


def _percent(terms: dict[str, float], model: str) -> float:
    beta = _coefficients(model)
    predictor = sum(beta[name] * value for name, value in terms.items())
    return float(100 * (1 - beta["baseline_survival_10y"] ** math.exp(predictor)))


@cache
def _coefficients(model: str) -> dict[str, float]:
    return {row["term"]: float(row[model]) for row in read_csv(RISK_TABLE) if row[model]}

"""The conversion of contrast volumes: fitted on pairs, and back from a known factor."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from made_results import Facts, MakeResults
from scipy import optimize

from calcarium.cli.cohort import command
from calcarium.cohort.calibrate import calibrate, contrast_pairs, slope_through_origin
from calcarium.config import load_protocol
from calcarium.errors import UsageError
from calcarium.scoring.score import check_scoring

FACTOR = 1.9


def gated(patient: int, agatston: float) -> Facts:
    return {"scan_id": f"g{patient}", "patient_key": f"p{patient}", "agatston": agatston}


def contrast(patient: int, volume_mm3: float, scan: str = "c") -> Facts:
    return {
        "scan_id": f"{scan}{patient}",
        "patient_key": f"p{patient}",
        "scan_class": "contrast",
        "convention": "cta-volume",
        "volume_mm3": volume_mm3,
    }


def registry(n: int = 60) -> list[Facts]:
    """Pairs of a known factor with 20 % of spread, a third without calcium, three gross errors."""
    rng = np.random.default_rng(4)
    volumes = np.where(np.arange(n) % 3 == 0, 0.0, rng.lognormal(4, 1, n))
    scores = FACTOR * volumes * rng.normal(1, 0.2, n)
    scores[[7, 8, 10]] *= 6
    return [
        facts
        for i, (volume, score) in enumerate(zip(volumes, scores, strict=True))
        for facts in (gated(i, float(score)), contrast(i, float(volume)))
    ]


def test_a_known_factor_comes_back(make_results: MakeResults, tmp_path: Path) -> None:
    results, out = make_results(registry()), tmp_path / "mine.toml"
    ran = CliRunner().invoke(command, ["calibrate-cta", results, "--out", str(out)])
    assert ran.exit_code == 0, ran.output
    protocol = load_protocol(str(out)).by_class["contrast"]
    check_scoring(protocol.scoring)
    assert protocol.scoring.cta_agatston_per_mm3 == pytest.approx(FACTOR, rel=0.05)
    assert protocol.scoring.conventions == ("cta-volume", "cta-derived")
    assert protocol.scoring.primary_convention == "cta-volume"


def test_slope_minimises_absolute_deviations() -> None:
    rng = np.random.default_rng(1)
    x, y = rng.gamma(1, 50, 41), rng.gamma(1, 90, 41)
    best = optimize.minimize_scalar(lambda f: np.abs(y - f * x).sum(), bounds=(0, 20))
    assert slope_through_origin(x, y) == pytest.approx(best.x, rel=1e-3)


def test_pairs_are_of_one_patient_and_ambiguous_ones_are_left_out(
    make_results: MakeResults,
) -> None:
    scans = [gated(1, 10.0), contrast(1, 4.0), gated(2, 5.0), contrast(3, 6.0)]
    scans += [gated(4, 9.0), contrast(4, 1.0), contrast(4, 2.0, "d")]
    pairs = contrast_pairs([make_results(scans)])
    assert (pairs.volume_mm3.tolist(), pairs.agatston.tolist()) == ([4.0], [10.0])
    assert pairs.n_ambiguous == 1


def test_too_few_pairs_are_refused(make_results: MakeResults) -> None:
    pairs = contrast_pairs([make_results([gated(1, 10.0), contrast(1, 4.0)])])
    with pytest.raises(UsageError, match="1 of 1 pairs"):
        calibrate(pairs)


def test_without_a_fit_nothing_is_converted(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("extends = 'cta'\n[scoring]\nconventions = ['cta-volume', 'cta-derived']\n")
    with pytest.raises(UsageError, match="calibrate-cta"):
        check_scoring(load_protocol(str(file)).by_class["contrast"].scoring)

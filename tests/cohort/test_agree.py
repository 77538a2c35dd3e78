from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from made_results import MakeResults

from calcarium.cli.cohort import command
from calcarium.cohort.agree import Finding, agreement, category_table
from calcarium.cohort.score_pairs import ScorePairs, score_pairs
from calcarium.errors import UsageError
from calcarium.scoring.categories import schemes


def by_name(found: list[Finding], vessel: str = "total") -> dict[tuple[str, str], Finding]:
    return {(f.measure, f.scheme): f for f in found if f.vessel == vessel}


def test_the_figures_of_deepcac_on_nlst(test_data: Path) -> None:
    text = (test_data / "deepcac" / "Results_NLST.csv").read_text()
    rows = list(csv.DictReader(text.splitlines()))
    own, reference = (
        {"total": np.array([float(row[name]) for row in rows])} for name in ("CAC_AI", "CAC_manual")
    )
    pairs = ScorePairs(396, 396, 0, own, reference)
    # One manual score is 100.141: the authors' bins are of the raw score, where it is above 100.
    expected = [[59, 32, 4, 0], [24, 94, 8 + 1, 1], [0, 11, 37 - 1, 7], [1, 3, 20, 95]]
    assert category_table(pairs, schemes()["deepcac"]).tolist() == expected
    found = by_name(agreement(pairs))
    assert found["same_class", "deepcac"].value == pytest.approx(0.7196969696969697 - 1 / 396)
    assert found["kappa", "deepcac"].value == pytest.approx(0.6177872074014817, abs=5e-3)
    assert found["icc_a1", ""].value == pytest.approx(0.77126, abs=5e-6)
    assert found["bias", ""].value == pytest.approx(-136.2125, abs=5e-5)
    assert found["any_calcium_specificity", ""].value == pytest.approx(1 - 36 / 95)
    assert found["any_calcium_specificity", ""].n == 95


def test_equal_scores_agree_wholly() -> None:
    scores = {"total": np.array([0.0, 0.0, 5.0, 120.0, 800.0])}
    found = by_name(agreement(ScorePairs(5, 5, 0, scores, scores)))
    for name in ("icc_a1", "icc_c1", "pearson", "spearman"):
        assert found[name, ""].value == pytest.approx(1)
    for scheme in schemes():
        assert found["kappa", scheme].value == 1
        assert found["same_class", scheme].value == 1
    assert found["both_zero", ""].value == pytest.approx(2 / 5)
    assert found["limit_upper", ""].value == 0


def test_one_pair_has_counts_and_no_spread() -> None:
    one = {"total": np.array([7.0])}
    found = by_name(agreement(ScorePairs(1, 1, 0, one, one)))
    assert found["same_class", "cac_drs"].n == 1
    assert ("icc_a1", "") not in found
    assert math.isnan(found["pearson", ""].value)
    assert math.isnan(found["any_calcium_specificity", ""].value)


SCANS = [
    {"scan_id": "1.1", "accession_number": "007", "patient_id": "p", "agatston": 10.0,
     "agatston_LM": 4.0, "agatston_LAD": 6.0, "agatston_RCA": 0.0},
    {"scan_id": "1.2", "accession_number": "008", "patient_id": "p", "agatston": 0.0,
     "agatston_LM_LAD": 0.0, "agatston_RCA": 0.0},
    {"scan_id": "1.3", "accession_number": "009", "patient_id": "q", "agatston": 500.0,
     "agatston_LM_LAD": 500.0, "agatston_RCA": 0.0},
]  # fmt: skip


def test_pairs_by_key_and_artery(make_results: MakeResults, tmp_path: Path) -> None:
    results = make_results(SCANS)
    table = tmp_path / "manual.csv"
    table.write_text(
        "accession_number,agatston,agatston_lm,agatston_LAD,agatston_RCA\n"
        "007,12,5,7,0\n009,480,100,380,\n999,1,,,\n"
    )
    pairs = score_pairs(results, str(table))
    assert (pairs.n_pairs, pairs.n_own, pairs.n_reference, pairs.n_ambiguous) == (2, 3, 3, 0)
    assert {name: list(scores) for name, scores in pairs.own.items()} == {
        "total": [10, 500], "LM": [4], "LAD": [6], "RCA": [0], "LM+LAD": [10, 500],
    }  # fmt: skip
    assert list(pairs.reference["LM+LAD"]) == [12, 480]
    by_patient = tmp_path / "patients.csv"
    by_patient.write_text("patient_id,manual\np,1\nq,450\n")
    pairs = score_pairs(results, str(by_patient), column="manual")
    assert (pairs.n_ambiguous, list(pairs.own["total"])) == (1, [500])


def test_a_run_agrees_with_itself(make_results: MakeResults, tmp_path: Path) -> None:
    results = make_results(SCANS)
    out = tmp_path / "agree.csv"
    done = CliRunner().invoke(command, ["agree", results, "--with", results, "--out", str(out)])
    assert done.exit_code == 0, done.output
    assert "3 scans in both" in done.output
    rows = list(csv.DictReader(out.read_text().splitlines()))
    kappas = [float(row["value"]) for row in rows if row["measure"].startswith("kappa")]
    assert kappas == [1.0] * 3 * len(schemes())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("accession_number,score\n007,1\n", "no column 'agatston'"),
        ("accession_number,agatston\n007,-1\n", "agatston in data row 1: '-1' is no score"),
        ("accession_number,agatston\n007,many\n", "'many' is no score"),
        ("accession_number,agatston\n7,1\n", "no scan is in both"),
        ("name,agatston\n7,1\n", "no key column"),
    ],
)
def test_what_cannot_be_compared_is_said_in_a_sentence(
    make_results: MakeResults, tmp_path: Path, text: str, message: str
) -> None:
    results = make_results(SCANS)
    table = tmp_path / "manual.csv"
    table.write_text(text)
    with pytest.raises(UsageError) as error:
        score_pairs(results, str(table))
    assert message in str(error.value)

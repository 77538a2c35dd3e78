from __future__ import annotations

import csv
import math
from pathlib import Path

import pytest
from click.testing import CliRunner
from made_results import MakeResults

from calcarium.cli.cohort import command
from calcarium.cohort.accuracy import Case, accuracies, read_cases
from calcarium.errors import UsageError


def test_a_published_table_of_counts() -> None:
    # Altman and Bland 1994, BMJ 308:1552: liver scans, 231 of 258 abnormal, 54 of 86 normal found.
    cases = [
        *[Case("50", 1.0, True)] * 231, *[Case("50", 0.0, True)] * 27,
        *[Case("60", 1.0, False)] * 32, *[Case("60", 0.0, False)] * 54,
    ]  # fmt: skip
    found = {a.age_decade: a for a in accuracies(cases, [1.0])}
    everyone = found["all"]
    assert (everyone.true_positive, everyone.false_negative) == (231, 27)
    assert (everyone.false_positive, everyone.true_negative) == (32, 54)
    assert everyone.sensitivity == pytest.approx(0.90, abs=0.005)
    assert everyone.specificity == pytest.approx(0.63, abs=0.005)
    assert everyone.ppv == pytest.approx(0.88, abs=0.005)
    assert everyone.npv == pytest.approx(0.67, abs=0.005)
    assert found["50"].specificity is not None
    assert math.isnan(found["50"].specificity)


def test_the_threshold_itself_is_positive_and_zero_never_is() -> None:
    cases = [Case("50", 100.0, True), Case("50", 99.9, True), Case("50", 0.0, True)]
    counts = [a.true_positive for a in accuracies(cases, [1, 100]) if a.age_decade == "all"]
    assert counts == [2, 1]


def test_small_strata_keep_their_counts(make_results: MakeResults, tmp_path: Path) -> None:
    results = make_results(
        [
            {"scan_id": "1", "accession_number": "a", "agatston": 0.0, "age_years": 59.9},
            {"scan_id": "2", "accession_number": "b", "agatston": 120.0, "age_years": 50.0},
            {"scan_id": "3", "accession_number": "c", "agatston": 50.0, "age_years": None},
            {"scan_id": "4", "accession_number": "d", "agatston": 1.0, "age_years": 70.0},
        ]
    )
    table, out = tmp_path / "disease.csv", tmp_path / "accuracy.csv"
    table.write_text("accession_number,cad\na,no\nb,yes\nc,1\nd,\nz,yes\n")
    assert [c.age_decade for c in read_cases(results, str(table), "cad")] == ["50", "50", "unknown"]
    options = f"--disease {table} --column cad --threshold 100 --min-cell 2 --out {out}"
    done = CliRunner().invoke(
        command, ["accuracy", results, *options.split()], catch_exceptions=False
    )
    assert "3 studies, 2 with the disease" in done.output
    rows = {r["age_decade"]: r for r in csv.DictReader(out.read_text().splitlines())}
    assert (rows["50"]["true_positive"], rows["50"]["sensitivity"]) == ("1", "1")
    assert (rows["unknown"]["false_negative"], rows["unknown"]["sensitivity"]) == ("1", "")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("accession_number,x\na,no\n", "no column 'cad'"),
        ("accession_number,cad\na,perhaps\n", "cad in data row 1: 'perhaps' is neither yes nor no"),
        ("accession_number,cad\nq,no\n", "no study is in both"),
    ],
)
def test_what_is_wrong_is_said(
    make_results: MakeResults, tmp_path: Path, text: str, message: str
) -> None:
    results = make_results([{"scan_id": "1", "accession_number": "a", "agatston": 0.0}])
    (tmp_path / "d.csv").write_text(text)
    with pytest.raises(UsageError) as error:
        read_cases(results, str(tmp_path / "d.csv"), "cad")
    assert message in str(error.value)

"""What a diff lists, and what it leaves out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from small_results import STAMP, small_studies, write_results

from calcarium.tables.commit import commit
from calcarium.tables.diff import diff
from calcarium.tables.folder import ResultFolder
from calcarium.tables.rows import Cell, StudyRows, TableName
from calcarium.tables.runs import record_run, runs
from calcarium.tables.stamp import stamp


def _results(path: Path, studies: list[StudyRows]) -> ResultFolder:
    return write_results(str(path), studies)


def _changed(table: TableName, **cells: Cell) -> list[StudyRows]:
    studies = small_studies()
    studies[0].tables[table][0].update(cells)
    return studies


def test_volatile_columns_and_the_order_of_commits_are_no_difference(tmp_path: Path) -> None:
    a = _results(tmp_path / "a", small_studies())
    b = _results(tmp_path / "b", [])
    other = replace(STAMP, run_id="r2", backend="cupy", host="h2", study_s=9.0, attempts=3)
    for study in reversed(small_studies()):
        commit(b, [stamp(study, other)])
    assert diff(a, b) == diff(a, a)
    assert diff(a, b).studies == ()


def test_a_study_that_one_folder_lacks_is_listed(tmp_path: Path) -> None:
    a = _results(tmp_path / "a", small_studies())
    b = _results(tmp_path / "b", small_studies()[:2])
    (change,) = diff(a, b).studies
    assert (change.study_id, change.only_in, change.why) == ("1.3", "A", "only A has it")
    assert diff(b, a).studies[0].only_in == "B"


def test_a_changed_score_is_listed_with_both_values_and_its_cause(tmp_path: Path) -> None:
    a = _results(tmp_path / "a", small_studies())
    studies = _changed("studies", agatston=31.0)
    studies[0].tables["scores"][0].update(agatston=31.0, region_sha256="fe")
    studies[0].tables["lesions"].pop()
    (change,) = diff(a, _results(tmp_path / "b", studies)).studies
    assert change.cells == {"agatston": (30.0, 31.0)}
    assert change.columns["scores"] == {"agatston", "region_sha256"}
    assert change.rows == {"lesions": 1}
    assert change.why == "another region"


def test_an_outcome_that_changed_is_told_by_its_cause(tmp_path: Path) -> None:
    a = _results(tmp_path / "a", small_studies())
    b = _results(tmp_path / "b", _changed("series", n_files=7, reason="contrast"))
    why = "its files changed; another rule excluded a scan, or none does now"
    assert diff(a, b).studies[0].why == why


def test_a_setting_that_differs_is_named_as_the_cause_and_its_consequences_are_not(
    tmp_path: Path,
) -> None:
    a = _results(tmp_path / "a", small_studies())
    b = _results(tmp_path / "b", _changed("lesions", standing="doubtful", vessel="LCX"))
    changes = {
        '"detector": {"standing": {"accepted": 0.9}}': "another verdict on a lesion "
        "(detector.standing.accepted); another artery of a lesion (detector.standing.accepted)",
        # Lesions have other numbers then, so their rows are not comparable.
        '"scoring": {"lesion_link": 6}': "",
    }
    for key, why in changes.items():
        b.write(b'{"gated": {%s}}' % key.encode(), "protocol.json")
        assert diff(a, b).studies[0].why == why
    b.write(a.read("protocol.json"), "protocol.json")
    assert "another verdict" in diff(a, b).studies[0].why


def test_keys_of_the_protocol_that_differ_are_named(tmp_path: Path) -> None:
    a, b = (_results(tmp_path / name, small_studies()) for name in "ab")
    b.write(b.read("protocol.json").replace(b'"a", "b"', b'"a"'), "protocol.json")
    record_run(b, replace(runs(b)[0], protocol_hash="h2", calcarium_version="0.2.0"))
    assert diff(a, b).made_by == (
        'protocol gated.scoring.conventions: ["a", "b"] -> ["a"]',
        "calcarium 0.1.0 -> 0.2.0",
    )

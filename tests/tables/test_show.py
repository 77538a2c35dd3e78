"""What the commands say about a result folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from small_results import empty_row, small_studies, write_results

from calcarium.cli import group


@pytest.fixture
def results(tmp_path: Path) -> str:
    studies = small_studies()
    cut = empty_row("messages", study_id="1.3", scan_id="1.3.1", outcome="failed", message="cut")
    studies[2].tables["messages"] = [cut]
    write_results(str(tmp_path / "r"), studies)
    return str(tmp_path / "r")


def call(*words: str) -> Result:
    return CliRunner().invoke(group, words)


def test_the_state_of_a_run_names_counts_and_reasons(results: str) -> None:
    said = call("show", results).output
    assert "3 studies: 1 scored, 1 excluded, 1 failed" in said
    assert "contrast" in said
    assert "A contrast agent is in the blood" in said
    assert "volume: ValueError" in said


@pytest.mark.parametrize("some_id", ["1.1", "1.1.1", "PID-77123", "ACC0042"])
def test_a_study_is_found_by_each_of_its_ids(results: str, some_id: str) -> None:
    said = call("show", results, some_id).output
    assert "study 1.1: scored  30.0 (a)" in said
    assert "/archive/la mancha" in said


def test_a_failed_study_is_told_with_its_private_message(results: str) -> None:
    said = call("show", results, "1.3").output
    assert "scan 1.3.1: failed volume: ValueError" in said
    assert "cut" in said


def test_an_unknown_id_ends_in_a_sentence(results: str) -> None:
    result = call("show", results, "9.9")
    assert result.exit_code == 1
    assert "no file that was read has this id" in result.output


def test_verify_and_diff_say_so_when_all_is_well(results: str) -> None:
    assert "adds up" in call("verify", results).output
    assert call("diff", results, results).output == "0 studies differ\n"

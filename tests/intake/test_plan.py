"""``calcarium plan`` and ``calcarium index`` as a user calls them."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from generated_ct import ROOT, ct_series, save

from calcarium.cli import group


def run(*arguments: str) -> str:
    result = CliRunner().invoke(group, [*arguments, "--workers", "1"])
    assert result.exception is None, result.output
    return result.output


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    archive = tmp_path / "archive"
    save(archive / "a", ct_series(25))
    save(archive / "b", ct_series(25, SeriesInstanceUID=f"{ROOT}.1.2", ConvolutionKernel="B70f"))
    save(archive / "c", ct_series(2, SeriesInstanceUID=f"{ROOT}.1.3", Modality="PT"))
    (archive / "notes.txt").write_text("hello")
    return archive


def test_plan_says_what_would_be_scored_and_why_not_the_rest(archive: Path) -> None:
    words = run("plan", str(archive)).split()
    for word in ("score", "another_scan_preferred", "not_ct", "Explicit"):
        assert word in words
    assert "1 of 1 studies have a scan to score: 1 scans" in " ".join(words)
    assert "1 files are not DICOM" in " ".join(words)
    masks = archive.parent / "my masks" / "1.2.3.nii.gz"
    masks.parent.mkdir()
    masks.write_bytes(b"")
    words = run("plan", str(archive), "--masks", str(masks.parent), "--sample", "0")
    assert words.endswith(f"--protocol auto --masks '{masks.parent}' --out RESULTS\n")


def test_plan_estimates_the_time_from_studies_that_it_scores(archive: Path) -> None:
    words = " ".join(run("plan", str(archive)).split())
    assert "with 1 workers" in words
    assert "fastest and slowest of 1 studies drawn at random" in words
    assert "Estimate" not in run("plan", str(archive), "--sample", "0")


def test_plan_says_where_files_cannot_be_read(archive: Path) -> None:
    for folder in "ab":
        first = min((archive / folder).iterdir())
        first.write_bytes(first.read_bytes()[:140])
    words = " ".join(run("plan", str(archive), "--sample", "0").split())
    assert "unreadable: " in words
    assert "2 folders or archives would have a row unreadable_header" in words


def test_plan_of_an_index_that_was_made_before(archive: Path, tmp_path: Path) -> None:
    index = tmp_path / "index"
    first = run("index", str(archive), "--out", str(index))
    assert first.startswith("read 53 files")
    assert run("index", str(archive), "--out", str(index)).startswith("read 0 files; 53 were known")
    for file in archive.rglob("*.dcm"):
        file.unlink()
    words = " ".join(run("plan", str(index)).split())
    assert "1 of 1 studies have a scan to score" in words
    assert "No estimate of the hours: " in words


def test_plan_says_how_many_masks_are_missing(archive: Path, tmp_path: Path) -> None:
    masks = tmp_path / "masks"
    masks.mkdir()
    (masks / f"{ROOT}.1.9.nii.gz").write_bytes(b"of another series")
    words = " ".join(run("plan", str(archive), "--masks", str(masks)).split())
    assert "1 of these scans have no mask" in words


def test_an_input_that_is_not_there_ends_in_a_sentence(tmp_path: Path) -> None:
    result = CliRunner().invoke(group, ["plan", str(tmp_path / "absent"), "--workers", "1"])
    assert "there is nothing at" in str(result.exception)


def test_plan_says_how_far_the_covariates_reach(archive: Path, tmp_path: Path) -> None:
    table = tmp_path / "covariates.csv"
    table.write_text(
        f"series_instance_uid,sex,hdl_mg_dl,site\n{ROOT}.1.1,F,,north\n9.9,M,50,south\n"
    )
    words = " ".join(run("plan", str(archive), "--covariates", str(table)).split())
    assert "series_instance_uid: 1 of 1 scans have a row; 1 of 2 rows are used" in words
    assert "sex 1, hdl_mg_dl 0" in words
    assert "no covariates: site" in words

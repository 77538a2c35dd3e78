"""Studies whose files changed under their rows are scored again where that is asked for."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from calcarium.batch.options import RunOptions
from calcarium.batch.score import Request, score_archive
from calcarium.config import load_protocol
from calcarium.intake.index import build_index
from calcarium.phantom.registry import order_studies, write_registry
from calcarium.tables.folder import ResultFolder
from calcarium.tables.read import read_table
from calcarium.tables.rows import Row
from calcarium.tables.runs import Run


def score(archive: Path, out: Path, retry: str | None = None, *, quiet: bool = True) -> Run:
    options = RunOptions(workers=1)
    protocols = load_protocol("auto")
    return score_archive(
        Request((str(archive),), str(out), protocols, options=options, retry=retry, quiet=quiet)
    )


def scans(out: Path) -> dict[str, Row]:
    """Rows of the ledger by study; every study of the archive has one scan."""
    listed = read_table(ResultFolder.at(str(out)), "series").to_pylist()
    return {str(row["study_id"]): row for row in listed}


def test_only_studies_with_other_files_are_scored_again(tmp_path: Path) -> None:
    write_registry(tmp_path / "set", order_studies(3, seed=2, kind="geometric"), workers=1)
    archive, out = tmp_path / "set" / "dicom", tmp_path / "results"
    cut, gone, _ = sorted(archive.iterdir())
    first = score(archive, out)
    before = scans(out)
    max(path for path in cut.rglob("*") if path.is_file()).unlink()
    shutil.rmtree(gone)
    second = score(archive, out)
    assert second.counts["done"] == 0
    assert scans(out) == before

    again = score(archive, out, retry="changed")
    assert (again.counts["done"], again.counts["continued"]) == (1, 1)
    after = scans(out)
    ended_by = {study: row["run_id"] for study, row in after.items()}
    assert sorted(ended_by.values()) == sorted([first.run_id, first.run_id, again.run_id])
    (changed,) = (study for study, run_id in ended_by.items() if run_id == again.run_id)
    assert after[changed]["n_files"] == before[changed]["n_files"] - 1
    score(archive, tmp_path / "afresh")
    alone = scans(tmp_path / "afresh")[changed]
    assert after[changed]["n_slices"] == alone["n_slices"]
    assert after[changed]["outcome"] == alone["outcome"]
    assert score(archive, out, retry="changed").counts["done"] == 0
    assert scans(out) == after


def test_a_copied_index_that_has_grown_is_told(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    write_registry(tmp_path / "set", order_studies(2, seed=2, kind="geometric"), workers=1)
    archive, index, out = tmp_path / "set" / "dicom", tmp_path / "index", tmp_path / "results"
    build_index([str(archive)], index)
    score(index, out, quiet=False)
    assert "--retry changed" not in capfd.readouterr().err
    max(path for path in archive.rglob("*") if path.is_file()).unlink()
    build_index([str(archive)], index)
    score(index, out, quiet=False)
    assert "files of 1 known studies came, changed or vanished" in capfd.readouterr().err

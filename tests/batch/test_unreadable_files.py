"""Files without a readable header: a row for their folder, private words for each of them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from calcarium.batch.options import RunOptions
from calcarium.batch.plan import Choice
from calcarium.batch.score import Request, score_archive
from calcarium.config import load_protocol
from calcarium.phantom.registry import order_studies, write_registry
from calcarium.tables.folder import ResultFolder
from calcarium.tables.merge import merge
from calcarium.tables.read import read_table
from calcarium.tables.rows import PRIVATE_TABLES, Row
from calcarium.tables.runs import Run
from calcarium.tables.schema import TABLES
from calcarium.tables.verify import verify

REASON = "unreadable_header"


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("set")
    write_registry(folder, order_studies(2, seed=2, kind="geometric"), workers=1)
    return folder / "dicom"


@pytest.fixture
def archive(registry: Path, tmp_path: Path) -> Path:
    """Two studies; of the first three slices are cut short, and a ZIP beside them is none."""
    archive = Path(shutil.copytree(registry, tmp_path / "archive"))
    for path in slices(archive)[:3]:
        path.write_bytes(path.read_bytes()[:140])
    (archive / "broken.zip").write_bytes(b"PK\3\4 nothing")
    return archive


def slices(archive: Path) -> list[Path]:
    return sorted(path for path in min(archive.iterdir()).rglob("*") if path.is_file())


def score(archive: Path, out: Path, **how: object) -> Run:
    options = RunOptions(workers=1)
    request = {"options": options, "quiet": True} | how
    return score_archive(Request((str(archive),), str(out), load_protocol("auto"), **request))  # type: ignore[arg-type]


def rows(out: Path, table: str = "series") -> list[Row]:
    """Rows of the unreadable places; after it is sure that the folder adds up."""
    results = ResultFolder.at(str(out))
    assert verify(results) == []
    listed: list[Row] = read_table(results, table).to_pylist()  # type: ignore[arg-type]
    return [row for row in listed if str(row["study_id"]).startswith("unreadable-")]


def test_each_folder_with_unreadable_files_has_a_row(archive: Path, tmp_path: Path) -> None:
    out = tmp_path / "results"
    run = score(archive, out)
    ledger = rows(out)
    assert sorted(row["n_files"] for row in ledger) == [1, 3]  # type: ignore[type-var]
    assert {(row["outcome"], row["reason"], row["reason_group"]) for row in ledger} == {
        ("excluded", REASON, "unscorable")
    }
    assert run.counts["asked"] == 4 == len(read_table(ResultFolder.at(str(out)), "studies"))
    said = "\n".join(str(row["message"]) for row in rows(out, "messages"))
    cut = slices(archive)[:3]
    assert all(f"unreadable: {path}: " in said for path in (*cut, archive / "broken.zip"))
    assert {row["folder"] for row in rows(out, "links")} == {str(cut[0].parent), str(archive)}


def test_no_shareable_table_names_a_file(archive: Path, tmp_path: Path) -> None:
    out = tmp_path / "results"
    score(archive, out)
    for table in TABLES.keys() - set(PRIVATE_TABLES):
        for row in rows(out, table):
            assert not any("/" in cell for cell in row.values() if isinstance(cell, str)), table


def test_a_repeated_run_follows_what_was_mended_and_what_broke(
    archive: Path, registry: Path, tmp_path: Path
) -> None:
    out = tmp_path / "results"
    score(archive, out)
    before = rows(out)
    assert score(archive, out).counts["done"] == 0
    assert rows(out) == before
    (archive / "broken.zip").unlink()
    fourth = slices(archive)[3]
    whole = fourth.read_bytes()
    fourth.write_bytes(whole[:140])
    score(archive, out)
    assert [row["n_files"] for row in rows(out)] == [4]
    for path in slices(archive)[:4]:
        shutil.copy(registry / path.relative_to(archive), path)
    score(archive, out)
    assert rows(out) == []


def test_job_arrays_name_each_place_once(archive: Path, tmp_path: Path) -> None:
    parts = [tmp_path / f"part-{i}" for i in (1, 2)]
    for number, part in enumerate(parts, 1):
        score(archive, part, choice=Choice(shard=(number, 2)))
    assert sorted(row["n_files"] for part in parts for row in rows(part)) == [1, 3]  # type: ignore[type-var]
    merged = ResultFolder.at(str(tmp_path / "all"))
    merged.create()
    merge([ResultFolder.at(str(part)) for part in parts], merged)
    assert sorted(row["n_files"] for row in rows(tmp_path / "all")) == [1, 3]  # type: ignore[type-var]

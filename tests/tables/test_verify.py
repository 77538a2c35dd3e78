"""Each kind of damage is found, and named by the identity that it breaks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from small_results import small_studies, write_results

from calcarium.tables.commit import join_small_parts
from calcarium.tables.folder import ResultFolder
from calcarium.tables.rows import Cell, Row, StudyRows, TableName
from calcarium.tables.verify import verify

Damage = Callable[[list[StudyRows]], object]


def _set(table: TableName, index: int, **cells: Cell) -> Damage:
    return lambda studies: studies[0].tables[table][index].update(cells)


def _drop(table: TableName, index: int) -> Damage:
    return lambda studies: studies[0].tables[table].pop(index)


def _twice(table: TableName) -> Damage:
    return lambda studies: studies[0].tables[table].append(studies[0].tables[table][0])


def _stray(table: TableName) -> Damage:
    def add(studies: list[StudyRows]) -> None:
        row: Row = studies[0].tables[table][0] | {"scan_id": "9.9"}
        studies[0].tables[table].append(row)

    return add


DAMAGE: dict[str, Damage] = {
    "studies has one row per": _twice("studies"),
    "scores has one row per": _twice("scores"),
    "lesions has one row per": _twice("lesions"),
    "row of scores belongs to a scan": _stray("scores"),
    "row of links belongs to a scan": _stray("links"),
    "scan of the ledger belongs to a study": _drop("studies", 0),
    "a study counts its scans": _set("studies", 0, n_scans=2),
    "an outcome is scored, excluded": _set("series", 0, outcome="scored", reason="contrast"),
    "an outcome is scored,": _set("series", 0, outcome="excluded"),
    "score by each convention": _drop("scores", 1),
    "score by each convention of": _set("scores", 0, is_primary=False),
    "only conventions of the protocol": _set("scores", 1, convention="c"),
    "only scored scans have": _set("series", 0, outcome="failed", error="ValueError"),
    "finite, not negative": _set("scores", 1, agatston=float("nan")),
    "between its bounds": _set("scores", 0, agatston_low=31.0),
    "agatston of a scan is the sum": _set("vessels", 1, agatston=21.0),
    "agatston of a scan is": _drop("vessels", 3),
    "volume_mm3 of a scan is the sum": _set("vessels", 0, volume_mm3=6.0),
    "n_lesions of a scan is the sum": _set("vessels", 0, n_lesions=3),
    "accepted lesions of a scan add up": _set("lesions", 0, accepted=False),
    "accepted lesions of a scan add": _set("lesions", 0, agatston=None),
    "agatston of a study is that of its primary": _set("studies", 0, agatston=31.0),
    "agatston_RCA of a study": _set("studies", 0, agatston_RCA=21.0),
    "quality says nothing private": _set("quality", 0, text="of Alonso, aged 72"),
    "series says nothing private": _set("series", 0, filter_type="[PID 77123]"),
    "series says nothing": _set("series", 0, gated_evidence="seen on 2019-08-07"),
    "lesions says nothing private": _set("lesions", 2, rejected_by="of Quixote"),
    "scores says nothing private": _set("scores", 0, region_source="/archive/la mancha/m.nii"),
}


def test_a_whole_folder_has_no_findings(tmp_path: Path) -> None:
    folder = write_results(str(tmp_path), small_studies())
    assert verify(folder) == []
    join_small_parts(folder)
    assert verify(folder) == []


@pytest.mark.parametrize("identity", DAMAGE)
def test_damage_is_named_by_what_it_breaks(identity: str, tmp_path: Path) -> None:
    studies = small_studies()
    DAMAGE[identity](studies)
    findings = verify(write_results(str(tmp_path), studies))
    assert [f for f in findings if identity in str(f)], findings


@pytest.fixture
def folder(tmp_path: Path) -> ResultFolder:
    return write_results(str(tmp_path), small_studies())


@pytest.mark.parametrize("table", ["studies", "scores", "private/links"])
def test_a_part_that_went_missing_is_found(folder: ResultFolder, table: str) -> None:
    Path(folder.root, table, "0000000-0000000.parquet").unlink()
    assert "missing, with" in str(verify(folder)[0])


def test_a_part_that_was_cut_or_changed_is_found(folder: ResultFolder) -> None:
    path = Path(folder.root, "scores", "0000000-0000000.parquet")
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    assert "a committed part is whole" in str(verify(folder)[0])
    path.write_bytes(whole)
    rows = pq.read_table(path)
    pq.write_table(rows.slice(1), path)
    assert "1 rows, not 2" in str(verify(folder)[0])
    pq.write_table(rows.rename_columns([c.upper() for c in rows.column_names]), path)
    assert (
        "its columns are not those of this version: AGATSTON, AGATSTON_HIGH, AGATSTON_LOW and"
        in str(verify(folder)[0])
    )


def test_a_run_that_does_not_add_up_is_found(tmp_path: Path) -> None:
    counts = {"asked": 4, "continued": 0, "done": 3, "scored": 1, "excluded": 1, "failed": 1}
    findings = verify(write_results(str(tmp_path), small_studies(), counts=counts))
    assert {f.identity for f in findings} == {
        "requested + found = scored + excluded + failed",
        "every study that was asked for has a row",
    }


def test_a_row_of_an_unknown_run_is_found(tmp_path: Path) -> None:
    studies = small_studies()
    folder = write_results(str(tmp_path), studies)
    text = folder.read("run.json").replace(b'"hash"', b'"other"')
    folder.write(text, "run.json")
    assert "made by a run of run.json" in str(verify(folder)[0])


def test_a_private_value_beside_the_tables_is_found(folder: ResultFolder) -> None:
    assert verify(folder) == []
    folder.write(b'{"runs": [], "input": "/archive/la mancha"}', "notes.json")
    (finding,) = verify(folder)
    assert finding.examples == ("notes.json",)

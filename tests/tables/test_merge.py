"""Result folders of a job array, joined."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from small_results import not_scored, scored, small_studies, write_results

from calcarium.errors import UsageError
from calcarium.privacy import patient_key
from calcarium.tables.diff import diff
from calcarium.tables.folder import ResultFolder
from calcarium.tables.lock import LOCK
from calcarium.tables.merge import merge
from calcarium.tables.parts import connect_whole
from calcarium.tables.read import committed_study_ids, read_table
from calcarium.tables.runs import record_run, runs
from calcarium.tables.secret import patient_secret
from calcarium.tables.verify import verify


@pytest.fixture
def out(tmp_path: Path) -> ResultFolder:
    folder = ResultFolder.at(str(tmp_path / "out"))
    folder.create()
    return folder


def shards(tmp_path: Path) -> list[ResultFolder]:
    of_each = {"asked": 1, "continued": 0, "done": 1, "scored": 0, "excluded": 1, "failed": 0}
    studies = small_studies()
    a = write_results(str(tmp_path / "a"), studies[:1], counts=of_each)
    b = write_results(str(tmp_path / "b"), studies[1:], counts=of_each)
    return [a, b]


def test_rows_of_all_are_there_once_and_add_up(tmp_path: Path, out: ResultFolder) -> None:
    sources = shards(tmp_path)
    assert merge(sources, out) == 0
    assert committed_study_ids(out) == {"1.1", "1.2", "1.3"}
    assert verify(out) == []
    assert read_table(out, "lesions").num_rows == 3
    assert merge(sources, out) == 3
    assert verify(out) == []


def test_a_patient_has_one_key_in_all_shards(tmp_path: Path, out: ResultFolder) -> None:
    other = not_scored("1.9", outcome="excluded", reason="contrast")
    for study in (scored(), other):
        study.tables["links"][0]["patient_id"] = "PID-77123"
        study.tables["studies"][0]["patient_key"] = f"of {study.study_id}"
        write_results(str(tmp_path / study.study_id), [study])
    merge([ResultFolder.at(str(tmp_path / s)) for s in ("1.1", "1.9")], out)
    keys = set(read_table(out, "studies").column("patient_key").to_pylist())
    assert keys == {patient_key("PID-77123", patient_secret(out))}


def test_other_protocols_and_folders_in_use_are_refused(tmp_path: Path, out: ResultFolder) -> None:
    a, b = shards(tmp_path)
    record_run(b, replace(runs(b)[0], protocol_hash="other"))
    with pytest.raises(UsageError, match=f"as in {b.root}. One folder holds one definition"):
        merge([a, b], out)
    assert runs(out) == []
    with pytest.raises(UsageError, match="give another --out"):
        merge([a], a)
    (tmp_path / "a" / LOCK).write_text("{}")
    with pytest.raises(UsageError, match="being written"):
        merge([a], out)


def test_columns_of_another_version_are_refused_by_name(tmp_path: Path, out: ResultFolder) -> None:
    """They would read as empty."""
    (folder, other) = shards(tmp_path)
    (lesions,) = (tmp_path / "a" / "lesions").iterdir()
    rows = pq.read_table(lesions).drop_columns(["feature_fat"])
    pq.write_table(rows.append_column("features_json", [["{}"] * len(rows)]), lesions)
    said = r"other columns in lesions \(feature_fat, features_json\): use that version, or score"
    with pytest.raises(UsageError, match=said):
        merge([folder], out)
    with pytest.raises(UsageError, match=said):
        merge([other], folder)
    with pytest.raises(UsageError, match=said):
        diff(folder, out)
    with pytest.raises(UsageError, match=said):
        connect_whole(folder.root)
    assert "columns are not those of this version: feature_fat" in str(verify(folder)[0])


def test_a_damaged_folder_is_refused_by_file(tmp_path: Path, out: ResultFolder) -> None:
    (folder, _) = shards(tmp_path)
    (lesions,) = (tmp_path / "a" / "lesions").iterdir()
    lesions.unlink()
    with pytest.raises(
        UsageError, match=rf"a is damaged \(lesions/{lesions.name}: missing, with 3"
    ):
        merge([folder], out)
    (series,) = (tmp_path / "a" / "series").iterdir()
    series.write_bytes(b"")
    with pytest.raises(
        UsageError, match=rf"a is damaged \(series/{series.name}: .*bring that file"
    ):
        merge([folder], out)
    assert runs(out) == []

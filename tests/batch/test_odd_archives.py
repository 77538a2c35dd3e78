"""Archives without a scan, and manifests that name what is not there: rows, not tracebacks."""

from __future__ import annotations

import csv

import pytest

from calcarium.batch.options import RunOptions
from calcarium.batch.score import Request, score_archive
from calcarium.config import load_protocol
from calcarium.errors import UsageError
from calcarium.intake.index import build_index
from calcarium.phantom.registry import order_studies, write_registry
from calcarium.tables.folder import ResultFolder
from calcarium.tables.read import read_table


def score(place, out, covariates=""):
    request = Request(
        (str(place),),
        str(out),
        load_protocol("auto"),
        covariates=covariates,
        options=RunOptions(workers=1),
        quiet=True,
    )
    run = score_archive(request)
    return run, read_table(ResultFolder.at(str(out)), "studies").to_pylist()


def test_an_archive_without_dicom(tmp_path):
    (tmp_path / "archive").mkdir()
    (tmp_path / "archive" / "notes.txt").write_text("nothing else is here")
    run, studies = score(tmp_path / "archive", tmp_path / "results")
    assert (run.counts["asked"], studies) == (0, [])


def test_an_index_that_was_made_before_serves_as_the_archive(tmp_path):
    write_registry(tmp_path / "set", order_studies(2, seed=2, kind="geometric"), workers=1)
    build_index([str(tmp_path / "set" / "dicom" / "00001")], tmp_path / "index")
    _, first = score(tmp_path / "index", tmp_path / "results")
    build_index([str(tmp_path / "set" / "dicom")], tmp_path / "index")
    run, both = score(tmp_path / "index", tmp_path / "results")
    assert (len(first), len(both)) == (1, 2)
    assert (run.counts["asked"], run.counts["done"]) == (2, 1)
    build_index([str(tmp_path / "set" / "dicom")], tmp_path / "another")
    with pytest.raises(UsageError, match="was made from other inputs than"):
        score(tmp_path / "another", tmp_path / "results")


def test_covariates_of_no_scan_are_refused_before_anything_is_scored(tmp_path):
    write_registry(tmp_path / "set", order_studies(1, seed=2, kind="geometric"), workers=1)
    table = tmp_path / "covariates.csv"
    (entry,) = csv.DictReader((tmp_path / "set" / "truth" / "studies.csv").read_text().splitlines())
    table.write_text("series_instance_uid,age_years\n1.2.3,50\n")
    archive = tmp_path / "set" / "dicom"
    with pytest.raises(UsageError, match="no scan here has a series_instance_uid of its 1 rows"):
        score(archive, tmp_path / "results", covariates=str(table))
    table.write_text(f"series_instance_uid,age_years\n{entry['series_instance_uid']},50\n")
    run, _ = score(archive, tmp_path / "results", covariates=str(table))
    assert run.counts["done"] == 1


def test_a_manifest_that_names_what_is_not_there(tmp_path):
    write_registry(tmp_path / "set", order_studies(1, seed=2, kind="geometric"), workers=1)
    (tmp_path / "list.csv").write_text(
        "path,series_uid\nset/dicom/00001,\nset/dicom/00001,1.2.3.4\nset/dicom/nowhere,\n"
    )
    run, studies = score(tmp_path / "list.csv", tmp_path / "results")
    absent = [study for study in studies if study["reason"] == "not_found"]
    assert len(absent) == 2
    assert (run.counts["asked"], len(studies)) == (3, 3)
    told = read_table(ResultFolder.at(str(tmp_path / "results")), "messages").to_pylist()
    assert any("holds no series 1.2.3.4" in row["message"] for row in told)


def test_an_index_beside_other_inputs_is_no_archive(tmp_path):
    write_registry(tmp_path / "set", order_studies(1, seed=2, kind="geometric"), workers=1)
    build_index([str(tmp_path / "set" / "dicom")], tmp_path / "index")
    with pytest.raises(UsageError, match="is an index; give it alone"):
        build_index([str(tmp_path / "set"), str(tmp_path / "index")], tmp_path / "both")


def test_an_index_has_not_the_masks_of_its_manifest(tmp_path):
    write_registry(tmp_path / "set", order_studies(1, seed=2, kind="geometric"), workers=1)
    manifest = tmp_path / "manifest.csv"
    manifest.write_text("path,mask\nset/dicom/00001,mask.nii.gz\n")
    build_index([str(manifest)], tmp_path / "index")
    with pytest.raises(UsageError, match=f"give {manifest}"):
        score(tmp_path / "index", tmp_path / "results")

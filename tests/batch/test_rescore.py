"""Rescoring from kept voxels gives the rows of scoring from DICOM."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import pytest

from calcarium import rescore
from calcarium.batch.options import RunOptions
from calcarium.batch.rescore import rescore_folder
from calcarium.batch.score import Request, score_archive
from calcarium.batch.task import check_complete
from calcarium.config import load_protocol
from calcarium.errors import UsageError
from calcarium.intake.records import Study
from calcarium.kept import recall
from calcarium.ledger import lesion_columns
from calcarium.phantom.registry import order_studies, write_registry
from calcarium.regions.model import Label
from calcarium.study import score_volume
from calcarium.tables.commit import drop_studies
from calcarium.tables.diff import diff
from calcarium.tables.folder import Part, ResultFolder
from calcarium.tables.read import open_results, read_table
from calcarium.tables.rows import StudyRows
from calcarium_kernels import load

# Geometric phantoms are shorter than any heart.
SHORT = """
extends = "auto"
[selection]
min_coverage_mm = 0.0
"""
RULES = """
[scoring]
conventions = ["literature", "fqm-philips-matlab", "brainsia", "fqm-siemens-python"]
primary_convention = "fqm-siemens-python"
lesion_link = 6
mass_factor_mg_per_cm3_hu = 0.8
"""


def score(registry, out, protocol, voxels=None):
    options = RunOptions(workers=1, voxels_base_hu=voxels)
    score_archive(
        Request(
            (str(registry / "dicom"),),
            str(out),
            load_protocol(protocol),
            masks=str(registry / "masks"),
            options=options,
            quiet=True,
        )
    )


@pytest.fixture(scope="module")
def scored(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rescore")
    write_registry(folder / "set", order_studies(3, seed=4, kind="geometric"), workers=1)
    (folder / "short.toml").write_text(SHORT)
    score(folder / "set", folder / "first", str(folder / "short.toml"), voxels=100.0)
    return folder


def test_same_rows_as_from_dicom(scored, tmp_path):
    protocol = tmp_path / "rules.toml"
    protocol.write_text(SHORT + RULES)
    rescore_folder(str(scored / "first"), str(tmp_path / "again"), load_protocol(str(protocol)))
    score(scored / "set", tmp_path / "dicom", str(protocol))
    found = diff(open_results(str(tmp_path / "again")), open_results(str(tmp_path / "dicom")))
    assert not found.studies
    agatston = read_table(ResultFolder.at(str(tmp_path / "again")), "scores", ["agatston"])
    assert max(agatston.column(0).to_pylist()) > 0


def test_scans_that_the_other_rules_exclude_end_as_from_dicom(scored, tmp_path):
    """A scan without contrast has no threshold of its own blood."""
    protocol = tmp_path / "rules.toml"
    cta = "conventions = ['cta-volume']\nprimary_convention = 'cta-volume'"
    protocol.write_text(f"{SHORT}[scoring]\n{cta}")
    rescore_folder(str(scored / "first"), str(tmp_path / "again"), load_protocol(str(protocol)))
    score(scored / "set", tmp_path / "dicom", str(protocol))
    again, dicom = (open_results(str(tmp_path / name)) for name in ("again", "dicom"))
    assert not diff(again, dicom).studies
    assert read_table(again, "studies")["reason"].to_pylist() == ["no_blood_pool"] * 3
    said = [read_table(folder, "messages", ["scan_id", "message"]) for folder in (again, dicom)]
    assert said[0].sort_by("scan_id") == said[1].sort_by("scan_id")
    assert said[0].num_rows


def test_checks_of_scans_that_were_not_scored_stay(tmp_path):
    write_registry(tmp_path / "set", order_studies(2, seed=4, kind="geometric"), workers=1)
    next(iter((tmp_path / "set" / "masks").iterdir())).unlink()
    (tmp_path / "short.toml").write_text(SHORT)
    score(tmp_path / "set", tmp_path / "first", str(tmp_path / "short.toml"), voxels=100.0)
    rescore_folder(
        str(tmp_path / "first"),
        str(tmp_path / "again"),
        load_protocol(str(tmp_path / "short.toml")),
    )
    first, again = (open_results(str(tmp_path / name)) for name in ("first", "again"))
    assert not diff(first, again).studies
    scored = set(read_table(first, "scores", ["scan_id"]).column(0).to_pylist())
    checked = set(read_table(again, "quality", ["scan_id"]).column(0).to_pylist())
    assert len(scored) == 1
    assert len(checked) == 2


def test_a_rescore_goes_on_where_it_was_stopped(scored, tmp_path):
    protocol = load_protocol(str(scored / "short.toml"))
    out = str(tmp_path / "again")
    whole = rescore_folder(str(scored / "first"), out, protocol).counts
    (gone, *left) = read_table(ResultFolder.at(out), "studies", ["study_id"]).column(0).to_pylist()
    drop_studies(ResultFolder.at(out), [gone])
    rest = rescore_folder(str(scored / "first"), out, protocol).counts
    assert (rest["asked"], rest["continued"], rest["done"]) == (whole["asked"], len(left), 1)
    assert rescore_folder(str(scored / "first"), out, protocol).counts["done"] == 0
    assert not diff(open_results(str(scored / "first")), open_results(out)).studies


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ("[scoring]\nconventions = ['ai-cac']", "any HU"),
        ("[scoring]\nthreshold_set = 'fixed130'\n[region]\nrule = 'select'", "region differ"),
        ("[uses]\ngated = 'gated'", "classes of scans differ"),
    ],
)
def test_what_voxels_do_not_hold_is_refused(scored, tmp_path, rules, said):
    protocol = tmp_path / "rules.toml"
    protocol.write_text(rules if "[uses]" in rules else SHORT + rules)
    with pytest.raises(UsageError, match=said):
        rescore_folder(str(scored / "first"), str(tmp_path / "out"), load_protocol(str(protocol)))
    assert not (tmp_path / "out").exists()


def test_a_rescored_folder_is_not_rescored(scored, tmp_path):
    """Its verdicts are not those that its voxels were kept with."""
    protocol = load_protocol(str(scored / "short.toml"))
    rescore_folder(str(scored / "first"), str(tmp_path / "again"), protocol)
    with pytest.raises(UsageError, match="the folder that this one was rescored from"):
        rescore_folder(str(tmp_path / "again"), str(tmp_path / "third"), protocol)
    assert not (tmp_path / "third").exists()
    (tmp_path / "mine").mkdir()
    with pytest.raises(UsageError, match="has no voxels"):
        rescore_folder(str(tmp_path / "again"), str(tmp_path / "mine"), protocol)
    assert (tmp_path / "mine").exists()


def test_a_part_is_scored_some_studies_at_a_time(scored, tmp_path, monkeypatch):
    protocol = load_protocol(str(scored / "short.toml"))
    monkeypatch.setattr(rescore, "STUDIES", 1)
    monkeypatch.setattr(rescore, "SLICES", 2)
    monkeypatch.setattr("calcarium.batch.rescore.JOIN_COMMITS", 2)
    rescore_folder(str(scored / "first"), str(tmp_path / "again"), protocol)
    again = open_results(str(tmp_path / "again"))
    assert again.committed() == [Part(0, 1)]  # two commits, joined
    assert not diff(open_results(str(scored / "first")), again).studies


def test_a_measurement_without_a_column_is_not_lost_silently(scored):
    protocol = load_protocol(str(scored / "short.toml")).by_class["gated"]
    rows = read_table(open_results(str(scored / "first")), "voxels").to_pylist()
    known = next(r for r in map(recall, rows) if r.result.scan_class == "gated")
    value = known.region.known.value.tolist()
    meaning = dict.fromkeys(value, Label("LAD", features={"colour": 1.0}))
    region = replace(known.region, meaning=meaning)
    result = score_volume(known.result, known.volume, region, protocol, load("numpy"))
    study = Study(known.result.scan.study_id, (known.result.scan,))
    rows_of_study = StudyRows(study.study_id, {}, lesion_columns([result]))
    with pytest.raises(
        ValueError, match=r"lesions have columns that are unknown.*: feature_colour"
    ):
        check_complete(study, rows_of_study)


def test_rules_of_another_version_are_refused(scored, tmp_path):
    shutil.copytree(scored / "first", tmp_path / "old")
    protocol = json.loads((tmp_path / "old" / "protocol.json").read_text())
    protocol["gated"]["region"]["gone"] = 1
    (tmp_path / "old" / "protocol.json").write_text(json.dumps(protocol))
    rules = load_protocol(str(scored / "short.toml"))
    with pytest.raises(UsageError, match="rules that this version does not have"):
        rescore_folder(str(tmp_path / "old"), str(tmp_path / "out"), rules)

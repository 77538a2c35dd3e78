from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from small_scans import geometry, lps_affine, scan, volume

from calcarium.config import Protocol, RegionRules
from calcarium.errors import ScanExcluded, UsageError
from calcarium.intake.records import Study
from calcarium.regions.inputs import RegionInputs, gather_inputs
from calcarium.regions.resolve import find_region
from calcarium_kernels import load

UID = "1.2.840.9"
OTHER = "1.2.840.10"


def write_mask(path: Path, label: int = 2) -> Path:
    of = geometry()
    labels = np.zeros(of.shape, dtype=np.uint8)
    labels[2, 3, 4] = label
    image = nib.Nifti1Image(labels, np.diag([-1.0, -1.0, 1.0, 1.0]) @ lps_affine(of))
    image.set_sform(image.affine, code=1)
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(image, path)
    return path


def region(inputs: RegionInputs, rules: RegionRules, scan_id: str = UID) -> object:
    stored = np.zeros(geometry().shape, dtype=np.int16)
    protocol = Protocol(region=rules)
    return find_region(volume(stored), scan(scan_id, UID), protocol, inputs, load("numpy"))


def test_a_mask_is_found_by_scan_before_series(tmp_path: Path) -> None:
    own = write_mask(tmp_path / f"{UID}_2.nii.gz")
    of_series = write_mask(tmp_path / f"{UID}.nii")
    (tmp_path / "notes.txt").write_text("junk beside masks")
    inputs = gather_inputs(str(tmp_path))
    assert inputs.mask_of(scan(f"{UID}/2", UID)) == f"file://{own}"
    assert inputs.mask_of(scan(UID, UID)) == f"file://{of_series}"
    assert inputs.mask_of(scan(f"{UID}/3", UID)) == f"file://{of_series}"
    assert inputs.mask_of(scan(OTHER, OTHER)) is None
    assert region(inputs, RegionRules()).source == "mask"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("17.nii.gz", "/coca/patient/17/Pro_Gated/IM-0001-0001.dcm"),
        ("17/mask.nii.gz", "/coca/patient/17/Pro_Gated/IM-0001-0001.dcm"),
        ("scan 3.nii.gz", "/enhanced/scan 3.dcm"),
        ("17.nii.gz", "zip://17/IM1.dcm::/data/all.zip"),
    ],
)
def test_a_mask_is_found_by_the_names_of_file_and_folders(
    tmp_path: Path, name: str, url: str
) -> None:
    mask = write_mask(tmp_path / name)
    inputs = gather_inputs(str(tmp_path))
    place = mask if mask.parent == tmp_path else mask.parent
    assert inputs.mask_of(scan(UID, UID, url)) == f"file://{place}"
    assert inputs.mask_of(scan(UID, UID, "/coca/patient/7/IM-0001-0001.dcm")) is None
    whole = RegionInputs(mask_of_all=str(place), has_masks=True)
    assert region(whole, RegionRules()).meaning[2].vessel == "LAD"  # type: ignore[attr-defined]
    own = write_mask(tmp_path / f"{UID}.nii.gz")
    assert gather_inputs(str(tmp_path)).mask_of(scan(UID, UID, url)) == f"file://{own}"


def test_a_table_names_masks(tmp_path: Path) -> None:
    mask = write_mask(tmp_path / "drawn" / "patient 7.nii.gz")
    table = tmp_path / "masks.csv"
    table.write_text(f"mask,series_instance_uid\ndrawn/{mask.name},{UID}\n,{OTHER}\n")
    inputs = gather_inputs(str(table))
    assert inputs.masks == {UID: str(mask)}
    assert inputs.has_masks
    table.write_text(f"mask,scan_id\n{mask},{UID}/2\n")
    assert gather_inputs(str(table)).mask_of(scan(f"{UID}/2", UID)) == str(mask)


def test_a_manifest_column_names_masks(tmp_path: Path) -> None:
    mask = write_mask(tmp_path / "a.nii.gz")
    inputs = gather_inputs(mask_column={UID: str(mask)})
    assert inputs.mask_of(scan(UID, UID)) == str(mask)
    assert inputs.fingerprint


def test_one_file_is_for_the_series_of_its_name_else_for_every_scan(tmp_path: Path) -> None:
    named = gather_inputs(str(write_mask(tmp_path / f"{UID}.nii.gz")))
    assert named.mask_of(scan(OTHER, OTHER)) is None
    any_name = gather_inputs(str(write_mask(tmp_path / "mine.nii.gz")))
    assert any_name.mask_of(scan(OTHER, OTHER)) == str(tmp_path / "mine.nii.gz")


def test_places_without_masks_are_named(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").write_text("")
    (tmp_path / "bad.csv").write_text("uid,file\n1,2\n")
    (tmp_path / "semicolon.csv").write_text("series_instance_uid;mask\n1;2\n")
    write_mask(tmp_path / "twice" / f"{UID}.nii.gz")
    write_mask(tmp_path / "twice" / f"{UID}.nii")
    for place, message in (
        ("nowhere", "there are no masks at"),
        ("empty", "no mask in"),
        ("notes.txt", "no mask that is understood"),
        ("bad.csv", "its columns are: uid, file"),
        ("semicolon.csv", "separated by ';'"),
        ("nothing://here", "cannot be opened"),
        (" ", "a path is empty"),
        ("twice", "two masks for"),
    ):
        with pytest.raises(UsageError, match=message):
            gather_inputs(str(tmp_path / place) if place.isidentifier() or "." in place else place)


def test_a_scan_without_a_mask_is_excluded_unless_the_protocol_says_auto(tmp_path: Path) -> None:
    write_mask(tmp_path / f"{OTHER}.nii.gz")
    inputs = gather_inputs(str(tmp_path))
    with pytest.raises(ScanExcluded, match="missing_mask"):
        region(inputs, RegionRules(source="whole"))
    found = region(inputs, RegionRules(source="whole", missing_mask="auto"))
    assert found.source == "whole"  # type: ignore[attr-defined]
    with pytest.raises(ScanExcluded, match="no_region"):
        region(inputs, RegionRules(missing_mask="auto"))


def test_a_mask_that_went_away_is_missing(tmp_path: Path) -> None:
    mask = write_mask(tmp_path / f"{UID}.nii.gz")
    inputs = gather_inputs(str(tmp_path))
    mask.unlink()
    with pytest.raises(ScanExcluded, match="missing_mask"):
        region(inputs, RegionRules())


def test_without_any_source_there_is_no_region() -> None:
    for source in ("none", "masks"):
        with pytest.raises(ScanExcluded, match="no_region"):
            region(gather_inputs(), RegionRules(source=source))


def test_the_fingerprint_changes_with_the_masks_and_with_nothing_else(tmp_path: Path) -> None:
    write_mask(tmp_path / f"{UID}.nii.gz")
    before = gather_inputs(str(tmp_path)).fingerprint
    assert before
    (tmp_path / "notes.txt").write_text("not a mask")
    assert gather_inputs(str(tmp_path)).fingerprint == before
    moved = tmp_path.rename(tmp_path.with_name("moved"))
    assert gather_inputs(str(moved)).fingerprint == before
    write_mask(moved / f"{OTHER}.nii.gz")
    assert gather_inputs(str(moved)).fingerprint != before
    assert gather_inputs().fingerprint == ""


def test_a_study_brings_its_own_masks_and_the_list_of_all_stays() -> None:
    many = {f"1.2.840.{n}": f"/masks/1.2.840.{n}.nii.gz" for n in range(100_000)}
    inputs = RegionInputs(masks=many, has_masks=True, fingerprint="f")
    other = "1.2.826.1"
    study = Study("study", (scan(UID, UID), scan(other, other)))
    (sent,) = inputs.with_masks([study])
    worker = inputs.without_masks()
    assert len(pickle.dumps((sent, worker))) < 10_000
    assert [worker.mask_of(one) for one in sent.scans] == [f"/masks/{UID}.nii.gz", None]
    assert (worker.has_masks, worker.fingerprint) == (True, "f")
    assert [replace(one, mask="") for one in sent.scans] == list(study.scans)
    everywhere = RegionInputs(mask_of_all="/masks/all.nii.gz", has_masks=True)
    (sent,) = everywhere.with_masks([study])
    assert {one.mask for one in sent.scans} == {"/masks/all.nii.gz"}

"""The index: incremental, resumable, and the same whatever the files are called."""

from __future__ import annotations

import os
import random
import shutil
import tarfile
import time
import zipfile
from dataclasses import replace
from pathlib import Path
from threading import current_thread, main_thread

import pytest
from generated_ct import ROOT, ct_series, ct_slice, save

from calcarium.errors import ResourceError, UsageError
from calcarium.intake.index import build_index
from calcarium.intake.index_query import (
    index_counts,
    other_files_by_folder,
    problems,
    series_of_entries,
)
from calcarium.intake.manifest import expand, masks_by_series
from calcarium.intake.parallel import process_map
from calcarium.intake.studies import iter_studies

Shape = list[tuple[str, list[tuple[str, list[str | None]]]]]


def shape_of(index: Path) -> Shape:
    """Studies, their scans and the SOP instances of those: everything but the places."""
    return [
        (
            study.study_id,
            [
                (scan.scan_id, [file.sop_instance_uid for file in scan.files])
                for scan in study.scans
            ],
        )
        for study in iter_studies(index)
    ]


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Two studies of two patients; the first has two series."""
    archive = tmp_path / "archive"
    save(archive / "p1" / "a", ct_series(5))
    save(archive / "p1" / "b", ct_series(4, SeriesInstanceUID=f"{ROOT}.1.2"))
    other = {"PatientID": "P2", "StudyInstanceUID": f"{ROOT}.2"}
    save(archive / "p2", ct_series(3, SeriesInstanceUID=f"{ROOT}.2.1", **other))
    (archive / "p2" / "report.pdf").write_bytes(b"%PDF-1.4 and more")
    return archive


def test_a_repeated_run_reads_nothing(archive: Path, tmp_path: Path) -> None:
    index = tmp_path / "index"
    first = build_index([str(archive)], index)
    shape = shape_of(index)
    again = build_index([str(archive)], index)
    assert (first.read, first.unchanged) == (13, 0)
    assert (again.read, again.unchanged, again.changed, again.vanished) == (0, 13, 0, 0)
    assert shape_of(index) == shape
    assert [len(scans) for _, scans in shape] == [2, 1]


def test_changed_new_and_vanished_files(archive: Path, tmp_path: Path) -> None:
    index = tmp_path / "index"
    build_index([str(archive)], index)
    ct_slice(99, 1, StudyInstanceUID=f"{ROOT}.3", SeriesInstanceUID=f"{ROOT}.3.1").save_as(
        archive / "p1" / "a" / "0000.dcm", enforce_file_format=True
    )
    os.utime(archive / "p1" / "a" / "0000.dcm", ns=(1, 1))
    (archive / "p2" / "0000.dcm").unlink()
    save(archive / "p1" / "b", ct_series(1, 50, SeriesInstanceUID=f"{ROOT}.1.2"), prefix="new")
    summary = build_index([str(archive)], index)
    assert (summary.read, summary.unchanged, summary.changed, summary.vanished) == (2, 11, 1, 1)
    assert summary.touched_studies == (f"{ROOT}.1", f"{ROOT}.2")
    fresh = tmp_path / "fresh"
    build_index([str(archive)], fresh)
    assert shape_of(index) == shape_of(fresh)


def test_an_interrupted_run_is_continued(archive: Path, tmp_path: Path) -> None:
    index = tmp_path / "index"

    def dies_after_one(function, items):
        for number, item in enumerate(items):
            for container in item if number == 0 else ():
                yield function([container])
                if container.url.endswith("0002.dcm"):
                    raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_index([str(archive)], index, parallel=dies_after_one)
    summary = build_index([str(archive)], index)
    assert (summary.read, summary.unchanged) == (10, 3)
    fresh = tmp_path / "fresh"
    build_index([str(archive)], fresh)
    assert shape_of(index) == shape_of(fresh)


def test_names_order_and_folders_do_not_matter(archive: Path, tmp_path: Path) -> None:
    build_index([str(archive)], tmp_path / "index")
    scattered = tmp_path / "scattered"
    files = [path for path in archive.rglob("*") if path.is_file()]
    random.Random(1).shuffle(files)
    for number, path in enumerate(files):
        place = scattered / str(number % 3) / f"x{number * 37 % 101}"
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, place)
    build_index([str(scattered)], tmp_path / "other")
    assert shape_of(tmp_path / "other") == shape_of(tmp_path / "index")


@pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz"])
def test_in_archives(archive: Path, tmp_path: Path, kind: str) -> None:
    build_index([str(archive)], tmp_path / "index")
    packed = tmp_path / "packed"
    packed.mkdir()
    form = {"zip": "zip", "tar": "tar", "tar.gz": "gztar"}[kind]
    shutil.make_archive(str(packed / "all"), form, archive)
    build_index([str(packed)], tmp_path / "other")
    assert shape_of(tmp_path / "other") == shape_of(tmp_path / "index")
    again = build_index([str(packed)], tmp_path / "other")
    assert (again.read, again.unchanged) == (0, 13)
    assert other_files_by_folder(tmp_path / "other") == [(str(packed / f"all.{kind}"), 1)]
    (study, _) = iter_studies(tmp_path / "other")
    assert study.scans[0].files[0].url.endswith(f"p1/a/0000.dcm::{packed}/all.{kind}")


def test_over_processes(archive: Path, tmp_path: Path) -> None:
    build_index([str(archive)], tmp_path / "index")
    with process_map(2) as parallel:
        build_index([str(archive)], tmp_path / "other", parallel=parallel)
    assert shape_of(tmp_path / "other") == shape_of(tmp_path / "index")


def test_files_of_other_formats_are_counted_by_folder(archive: Path, tmp_path: Path) -> None:
    build_index([str(archive)], tmp_path / "index")
    assert other_files_by_folder(tmp_path / "index") == [(str(archive / "p2"), 1)]
    counts = index_counts(tmp_path / "index")
    assert (counts.studies, counts.series, counts.dicom_files, counts.other_files) == (2, 3, 12, 1)


def test_broken_files_are_kept_with_a_message(archive: Path, tmp_path: Path) -> None:
    whole = (archive / "p2" / "0000.dcm").read_bytes()
    (archive / "p2" / "cut.dcm").write_bytes(whole[:140])
    (archive / "p2" / "broken.zip").write_bytes(b"PK\3\4 nothing")
    build_index([str(archive)], tmp_path / "index")
    found = {Path(problem.url).name: problem for problem in problems(tmp_path / "index")}
    assert found.keys() == {"cut.dcm", "broken.zip"}
    assert {problem.kind for problem in found.values()} == {"unreadable"}
    assert all(problem.message for problem in found.values())


def test_storage_that_answers_late_gives_the_same_index(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Headers are read ahead then; some files are broken, longer than one read, or gone."""
    names = save(archive / "p3", ct_series(20, SeriesInstanceUID=f"{ROOT}.3"))
    dataset = ct_slice(7, 8, SeriesInstanceUID=f"{ROOT}.3")
    dataset.add_new(0x00091001, "UN", bytes(40_000))
    dataset.save_as(names[7], enforce_file_format=True)
    names[5].write_bytes(names[5].read_bytes()[:140])
    names[12].unlink()
    names[12].symlink_to(tmp_path / "nothing")
    build_index([str(archive)], tmp_path / "index")
    plain, slow = os.open, []

    def late_open(path: str, *args: int, **more: int) -> int:
        if str(path).endswith(".dcm"):
            slow.append(current_thread() is main_thread())
            time.sleep(0.005)
        return plain(path, *args, **more)

    monkeypatch.setattr(os, "open", late_open)
    build_index([str(archive)], tmp_path / "late")
    assert not all(slow)
    assert shape_of(tmp_path / "late") == shape_of(tmp_path / "index")
    assert problems(tmp_path / "late") == problems(tmp_path / "index")
    assert len(problems(tmp_path / "late")) == 2


def test_a_manifest(archive: Path, tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text(
        "path,series_uid,mask,age\n"
        f"archive/p1,{ROOT}.1.2,m.nii.gz,61\n"
        "archive/p2,,other.nii.gz,\n"
        "archive/absent,,,\n"
    )
    manifest = str(tmp_path / "list.csv")
    summary = build_index([manifest], tmp_path / "index")
    assert summary.lost == 1
    (absent,) = problems(tmp_path / "index")
    assert (absent.url, absent.kind) == (str(archive / "absent"), "missing")
    matched = series_of_entries(tmp_path / "index", expand([manifest])[1])
    assert [series for _, series in matched] == [(f"{ROOT}.1.2",), (f"{ROOT}.2.1",), ()]
    assert masks_by_series(matched) == {
        f"{ROOT}.1.2": str(tmp_path / "m.nii.gz"),
        f"{ROOT}.2.1": str(tmp_path / "other.nii.gz"),
    }
    save(archive / "absent", ct_series(2, SeriesInstanceUID=f"{ROOT}.1.9"))
    assert build_index([manifest], tmp_path / "index").read == 2
    assert problems(tmp_path / "index") == []


def test_an_input_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing at"):
        build_index([str(tmp_path / "absent")], tmp_path / "index")


def test_an_archive_that_is_not_mounted_keeps_its_index(archive: Path, tmp_path: Path) -> None:
    build_index([str(archive)], tmp_path / "index")
    shape = shape_of(tmp_path / "index")
    archive.rename(tmp_path / "elsewhere")
    archive.mkdir()
    with pytest.raises(ResourceError, match="mounted"):
        build_index([str(archive)], tmp_path / "index")
    assert shape_of(tmp_path / "index") == shape


def test_another_archive_beside_it_is_added(archive: Path, tmp_path: Path) -> None:
    build_index([str(archive / "p1")], tmp_path / "index")
    build_index([str(archive / "p2")], tmp_path / "index")
    fresh = tmp_path / "fresh"
    build_index([str(archive)], fresh)
    assert shape_of(tmp_path / "index") == shape_of(fresh)


def test_links_in_a_circle_end(archive: Path, tmp_path: Path) -> None:
    (archive / "p1" / "up").symlink_to(archive)
    (archive / "p1" / "nowhere").symlink_to(archive / "absent")
    summary = build_index([str(archive)], tmp_path / "index")
    assert (summary.read, summary.lost) == (13, 1)


def test_hostile_members_are_refused(archive: Path, tmp_path: Path) -> None:
    dicom = (archive / "p2" / "0000.dcm").read_bytes()
    box = tmp_path / "box"
    box.mkdir()
    with zipfile.ZipFile(box / "a.zip", "w") as packed:
        for name in ("good.dcm", "../../up.dcm", "/root.dcm", "a::b.dcm"):
            packed.writestr(name, dicom)
    with tarfile.open(box / "b.tar", "w") as packed_tar:
        link = tarfile.TarInfo("link.dcm")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        packed_tar.addfile(link)
    build_index([str(box)], tmp_path / "index")
    assert index_counts(tmp_path / "index").dicom_files == 1
    assert sorted(problem.url.split("::")[0] for problem in problems(tmp_path / "index")) == [
        "tar://link.dcm",
        "zip://../../up.dcm",
        "zip:///root.dcm",
        "zip://a",
    ]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_on_storage_that_fsspec_reaches(archive: Path, tmp_path: Path) -> None:
    import fsspec

    memory = fsspec.filesystem("memory")
    memory.put(f"{archive}/", "/bucket/", recursive=True)
    build_index([str(archive)], tmp_path / "index")
    first = build_index(["memory://bucket"], tmp_path / "other")
    again = build_index(["memory://bucket"], tmp_path / "other")
    assert (first.read, again.read, again.unchanged) == (13, 0, 13)
    assert shape_of(tmp_path / "other") == shape_of(tmp_path / "index")
    memory.rm("/bucket", recursive=True)


def test_headers_come_back_from_the_index_as_they_were_read(tmp_path: Path) -> None:
    from test_headers import FULL, encoded, header, multi_frame

    contents = {"a.dcm": encoded(ct_slice(4.5, 3, **FULL)), "b.dcm": encoded(multi_frame())}
    (tmp_path / "archive").mkdir()
    for name, content in contents.items():
        (tmp_path / "archive" / name).write_bytes(content)
    build_index([str(tmp_path / "archive")], tmp_path / "index")
    scans = [scan for study in iter_studies(tmp_path / "index") for scan in study.scans]
    assert len(scans) == 2
    for scan in scans:
        (file,) = scan.files
        read = header(contents[Path(file.url).name])
        place = {"url": file.url, "mtime_ns": file.mtime_ns}
        assert file == replace(read.file, **place)
        of_slice = ("image_type", "acquisition_time", "tube_current_ma")
        filled = {name: getattr(file, name) for name in of_slice}
        assert scan.acquisition == replace(read.acquisition, **filled)

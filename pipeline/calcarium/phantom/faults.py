"""What goes wrong in archives, done to a synthetic study."""

from __future__ import annotations

import shutil
from pathlib import Path

import pydicom
from pydicom.uid import MRImageStorage, generate_uid


def truncate_file(study: Path) -> None:
    """Cut the middle slice off in its pixels, as a broken transfer does."""
    path = _slices(study)[len(_slices(study)) // 2]
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])


def remove_slice(study: Path) -> None:
    """Lose the middle slice."""
    _slices(study)[len(_slices(study)) // 2].unlink()


def duplicate_slice(study: Path) -> None:
    """Keep one slice twice, under another name."""
    path = _slices(study)[3]
    shutil.copyfile(path, path.with_name(f"copy of {path.name}"))


def add_localizer(study: Path) -> None:
    """Add the scout image that was taken before the scan, as a series of its own."""
    scout = pydicom.dcmread(_slices(study)[0])
    scout.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
    scout.SeriesInstanceUID = generate_uid(entropy_srcs=["scout", scout.SeriesInstanceUID])
    scout.SOPInstanceUID = generate_uid(entropy_srcs=["scout", scout.SOPInstanceUID])
    scout.file_meta.MediaStorageSOPInstanceUID = scout.SOPInstanceUID
    scout.SeriesNumber = "1"
    scout.SeriesDescription = "Topogram"
    scout.ImageOrientationPatient = ["1", "0", "0", "0", "0", "-1"]
    scout.save_as(study / "scout.dcm", enforce_file_format=True)


def make_mr(study: Path) -> None:
    """Turn a study into one of another modality."""
    for path in _slices(study):
        tags = pydicom.dcmread(path)
        tags.Modality = "MR"
        tags.SOPClassUID = tags.file_meta.MediaStorageSOPClassUID = MRImageStorage
        tags.save_as(path, enforce_file_format=True)


def scatter_junk(folder: Path) -> None:
    """Files that are not DICOM, as they lie about in archives."""
    (folder / "README.txt").write_text("copied from the old server, half of it\n")
    (folder / ".DS_Store").write_bytes(b"\0\0\0\1Bud1" + bytes(64))
    (folder / "empty.dcm").touch()


def _slices(study: Path) -> list[Path]:
    return sorted(study.glob("IM*.dcm"))

"""Files within archives give the volume of the files themselves."""

from __future__ import annotations

import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from dicom_series import SYNTAXES, scan_of, write_series

from calcarium.config import VolumeRules
from calcarium.errors import ResourceError, ScanFailed
from calcarium.intake.records import Scan
from calcarium.volume import load_volume

RULES = VolumeRules()
PIXELS = np.random.default_rng(7).integers(-1000, 3000, (3, 37, 45)).astype(np.int16)


def packed(folder: Path, kind: str, syntax: str) -> tuple[Scan, Path]:
    """A scan whose files lie in one archive, and nowhere else."""
    paths = write_series(folder / "slices", PIXELS, syntax=syntax)
    scan = scan_of(paths)
    archive = folder / f"study.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as opened:
            for path in paths:
                opened.write(path, f"a/{path.name}")
    else:
        with tarfile.open(archive, "w") as opened_tar:
            for path in paths:
                opened_tar.add(path, f"a/{path.name}")
    urls = [f"{kind}://a/{path.name}::{archive}" for path in paths]
    for path in paths:
        path.unlink()
    files = tuple(replace(f, url=url) for f, url in zip(scan.files, urls, strict=True))
    return replace(scan, files=files), archive


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_members_are_read_in_place(tmp_path: Path, kind: str, syntax: str) -> None:
    scan, _ = packed(tmp_path, kind, syntax)
    np.testing.assert_array_equal(load_volume(scan, RULES).stored, PIXELS)


def test_a_member_that_would_inflate_to_more(tmp_path: Path) -> None:
    scan, archive = packed(tmp_path, "zip", SYNTAXES[0])
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as opened:
        for file in scan.files:
            member = file.url.removeprefix("zip://").partition("::")[0]
            opened.writestr(member, bytes(50 << 20))
    with pytest.raises(ScanFailed, match="index it again"):
        load_volume(scan, RULES)


def test_an_archive_that_went_away(tmp_path: Path) -> None:
    scan, archive = packed(tmp_path, "zip", SYNTAXES[0])
    archive.unlink()
    with pytest.raises(ResourceError):
        load_volume(scan, RULES)


def test_an_archive_that_is_none(tmp_path: Path) -> None:
    scan, archive = packed(tmp_path, "zip", SYNTAXES[0])
    archive.write_bytes(b"no archive at all" * 10)
    with pytest.raises(ScanFailed):
        load_volume(scan, RULES)

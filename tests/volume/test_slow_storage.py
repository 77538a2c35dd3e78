"""A series on storage that answers late: read ahead, with the same volume and the same errors."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import Any

import fsspec
import numpy as np
import pytest
from dicom_series import EXPLICIT_LE, SYNTAXES, scan_of, write_series
from fsspec.implementations.local import LocalFileSystem

from calcarium.config import VolumeRules
from calcarium.errors import CalciumError, ResourceError, ScanExcluded, ScanFailed
from calcarium.intake import read_ahead
from calcarium.intake.records import Scan
from calcarium.volume import load_volume

RULES = VolumeRules()
LATENCY_S = 0.01
N = 32
PIXELS = np.random.default_rng(7).integers(-1000, 3000, (N, 37, 45)).astype(np.int16)


class Latency:
    """Every open of a DICOM file waits; how many waited at once."""

    def __init__(self) -> None:
        self.opened: list[str] = []
        self.most_at_once = 0
        self._now = 0
        self._lock = Lock()

    def wait(self, path: str, seconds: float = LATENCY_S) -> None:
        with self._lock:
            self.opened.append(path)
            self._now += 1
            self.most_at_once = max(self._now, self.most_at_once)
        time.sleep(seconds)
        with self._lock:
            self._now -= 1


@pytest.fixture
def latency(monkeypatch: pytest.MonkeyPatch) -> Latency:
    """Opens by path: what a mounted share looks like."""
    found, plain = Latency(), os.open

    def late_open(path: Any, *args: Any, **more: Any) -> int:
        if str(path).endswith(".dcm"):
            # The later a file comes, the sooner it is there.
            found.wait(str(path), LATENCY_S * (1.5 - int(Path(path).stem) / N))
        return plain(path, *args, **more)

    monkeypatch.setattr(os, "open", late_open)
    return found


class LateFileSystem(LocalFileSystem):
    """Local files through fsspec, each answer late."""

    protocol = "late"
    latency: Latency

    def cat_file(self, path: str, **more: Any) -> bytes:
        self.latency.wait(path)
        return bytes(super().cat_file(path, **more))


@pytest.fixture
def remote() -> Iterator[Latency]:
    fsspec.register_implementation("late", LateFileSystem, clobber=True)
    LateFileSystem.latency = Latency()
    yield LateFileSystem.latency
    LateFileSystem.clear_instance_cache()


def in_turn(scan: Scan, monkeypatch: pytest.MonkeyPatch) -> CalciumError:
    """The error of a scan whose files are read one after the other."""
    with monkeypatch.context() as patched:
        patched.setattr(read_ahead, "SLOW_READ_S", float("inf"))
        return error_of(scan)


def error_of(scan: Scan) -> CalciumError:
    with pytest.raises(CalciumError) as raised:
        load_volume(scan, RULES)
    return raised.value


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_the_same_volume_as_from_fast_storage(
    tmp_path: Path, syntax: str, latency: Latency
) -> None:
    scan = scan_of(write_series(tmp_path, PIXELS, syntax=syntax))
    latency.opened.clear()
    np.testing.assert_array_equal(load_volume(scan, RULES).stored, PIXELS)
    assert sorted(latency.opened) == sorted(file.url for file in scan.files)
    assert 4 <= latency.most_at_once <= read_ahead.FILES_AHEAD


def test_files_behind_a_url(tmp_path: Path, remote: Latency) -> None:
    scan = scan_of(write_series(tmp_path, PIXELS))
    files = tuple(replace(file, url=f"late://{file.url}") for file in scan.files)
    volume = load_volume(replace(scan, files=files), RULES)
    np.testing.assert_array_equal(volume.stored, PIXELS)
    assert len(remote.opened) == N
    assert 4 <= remote.most_at_once <= read_ahead.FILES_AHEAD


@pytest.mark.parametrize("syntax", [EXPLICIT_LE, "1.2.840.10008.1.2.4.70"])
def test_the_first_file_that_went_away_is_named(
    tmp_path: Path, syntax: str, latency: Latency, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan = scan_of(write_series(tmp_path, PIXELS, syntax=syntax))
    for number in (20, 23, 29):
        Path(scan.files[number].url).unlink()
    error = error_of(scan)
    assert isinstance(error, ResourceError)
    assert scan.files[20].url in str(error)
    assert str(error) == str(in_turn(scan, monkeypatch))
    assert latency.most_at_once >= 4


def test_the_first_bad_slice_wins_whether_it_is_read_or_decoded(
    tmp_path: Path, latency: Latency, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Slice 12 decodes to nothing, 14 is gone, 16 is shorter than it was: 12 is told."""
    scan = scan_of(write_series(tmp_path, PIXELS, syntax="1.2.840.10008.1.2.4.70"))
    paths = [Path(file.url) for file in scan.files]
    content = paths[12].read_bytes()
    offset = scan.files[12].pixel_offset
    assert offset is not None
    paths[12].write_bytes(content[:offset] + bytes(len(content) - offset))
    paths[14].unlink()
    paths[16].write_bytes(paths[16].read_bytes()[:-10])
    expected = {12: ScanExcluded, 14: ResourceError, 16: ScanFailed}
    for number, kind in expected.items():
        error = error_of(scan)
        assert isinstance(error, kind)
        assert str(paths[number]) in str(error)
        assert str(error) == str(in_turn(scan, monkeypatch))
        paths[number].write_bytes(content if number == 12 else paths[0].read_bytes())
        files = list(scan.files)
        files[number] = replace(files[number], size_bytes=paths[number].stat().st_size)
        scan = replace(scan, files=tuple(files))
    load_volume(scan, RULES)
    assert latency.most_at_once >= 4


def test_an_error_leaves_no_thread_that_writes_into_the_volume(
    tmp_path: Path, latency: Latency
) -> None:
    """The memory of a volume goes to the next scan."""
    scan = scan_of(write_series(tmp_path / "a", PIXELS))
    Path(scan.files[5].url).unlink()
    other = scan_of(write_series(tmp_path / "b", PIXELS[::-1].copy()))
    for _ in range(3):
        error_of(scan)
        np.testing.assert_array_equal(load_volume(other, RULES).stored, PIXELS[::-1])
    assert latency.most_at_once >= 4

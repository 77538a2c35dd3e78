"""``calcarium doctor --self-check`` on the CPU: what it says, writes and refuses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from calcarium import doctor
from calcarium.cli.doctor import command
from calcarium.errors import UsageError
from calcarium.phantom.study import StudyOrder, write_study
from calcarium_kernels import selfcheck
from calcarium_kernels.host import HostKernels


@pytest.fixture(autouse=True)
def few_volumes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "N_VOLUMES", {"numpy": 12, "cupy": 12})


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("doctor")
    write_study(folder, StudyOrder(1, seed=2, kind="geometric"))
    return folder / "dicom"


def test_a_check_on_the_users_scan_is_written_and_claims_no_gpu(
    archive: Path, tmp_path: Path
) -> None:
    out = tmp_path / "check.json"
    arguments = ["--self-check", "--backend", "numpy", "--scan", str(archive), "--out", str(out)]
    done = CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert "no GPU was measured" in done.output
    written = json.loads(out.read_text())
    assert written["passed"]
    assert not written["gpu_was_measured"]
    assert written["device"] == ""
    assert written["scan_compared"]
    assert not any(written["bandwidths_gb_per_s"].values())
    assert written["timed_shape"] == [14, 96, 112]
    assert written["machine"]["cpus"] >= 1


def test_the_scan_is_what_the_files_hold(archive: Path) -> None:
    stored = doctor.first_scan(str(archive))
    assert stored.dtype == np.int16 or stored.dtype == np.uint16
    assert np.unique(stored[5, 40:50, 30:38]).tolist() == [450 + 1024]


def test_a_backend_that_differs_ends_with_1(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Wrong(HostKernels):
        def islands(self, *arguments, **keywords):
            return super().islands(arguments[0] + 1, *arguments[1:], **keywords)

    monkeypatch.setattr(selfcheck, "load", lambda _: Wrong())
    arguments = ["--self-check", "--backend", "numpy", "--scan", str(archive)]
    done = CliRunner().invoke(command, arguments)
    assert done.exit_code == 1
    assert "FAILED" in done.output


def test_mistakes_end_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no scan whose files make a volume"):
        doctor.first_scan(str(tmp_path))
    done = CliRunner().invoke(command, ["--scan", str(tmp_path)])
    assert done.exit_code == 2
    assert "go with --self-check" in done.output

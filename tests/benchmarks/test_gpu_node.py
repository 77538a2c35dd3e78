"""The node benchmark on a tiny archive; and that it never tells of a GPU that is not there."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import gpu_node
import gpu_node_archive
import pytest
from gpu_node_archive import make_archive
from gpu_node_card import CARD_ONLY
from gpu_node_floors import ReadFiles, studies_per_s
from gpu_node_page_cache import drop_from_cache, read_into_cache, resident_share
from gpu_node_report import ceiling, table
from gpu_node_result import result_name, write_result
from gpu_node_throughput import rate_of

from calcarium.intake.index import build_index
from calcarium.intake.studies import iter_studies
from calcarium.phantom.model import PhantomScan
from calcarium.phantom.thorax import draw_thorax

TINY = ("--slices", "60", "--syntaxes", "raw", "--workers", "1", "--states", "warm")
TINY += ("--per-worker", "1", "--repeats", "1", "--region", "masks", "--backend", "numpy")


@pytest.fixture(scope="module")
def small_scan() -> PhantomScan:
    return draw_thorax(3, gated=True, calcified=True, matrix=96).scan


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch, small_scan: PhantomScan) -> None:
    monkeypatch.setattr(gpu_node_archive, "timing_scan", lambda _: small_scan)


def run(out: Path, *options: str) -> dict[str, Any]:
    gpu_node.main([*TINY, "--out", str(out), "--work", str(out), *options])
    found: dict[str, Any] = json.loads((out / "gpu-node-no-gpu.json").read_text())
    return found


@pytest.mark.usefixtures("tiny")
def test_stages_and_floors_without_a_gpu(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    result = run(tmp_path, "--parts", "stages", "floors")
    assert result["gpu"] is None
    (stages,), (floors,) = result["stages"], result["floors"]
    assert all(stages[f"{name}_s"] > 0 for name in ("headers", "pixels", "region", "score"))
    assert min(floors["read_warm"], floors["decode"], floors["empty_task"]) > 0
    assert floors["read_cold"] is None
    assert [floors[name] for name in CARD_ONLY] == [None, None]
    assert result["machine"]["cores"] >= 1
    assert result["software"]["versions"]["numpy"]
    assert (tmp_path / "gpu-node-no-gpu-stages.png").stat().st_size > 10_000
    said = capsys.readouterr()
    assert "No GPU was used" in said.out
    assert "nothing is said about any GPU" in said.err


@pytest.mark.slow
@pytest.mark.usefixtures("tiny")
def test_every_part_without_a_gpu(tmp_path: Path) -> None:
    result = run(tmp_path, "--states", "cold", "warm", "--per-worker", "3")
    assert [row["state"] for row in result["throughput"]] == ["cold", "warm"]
    cold, warm = result["throughput"]
    assert cold["resident_before"] < 0.05 < 0.95 < warm["resident_before"]
    for row in result["throughput"]:
        assert row["studies"] == 4
        assert row["worker_peak_bytes"] > 50e6
        assert row["gpu_busy_share"] is row["gpu_memory_mib"] is None
    ways = {row["way"]: row for row in result["rivals"]}
    assert ways["calcarium numpy kernels"]["seconds"] > 0
    assert bool(ways["cc3d"]["note"]) == (ways["cc3d"]["seconds"] is None)
    assert (tmp_path / "gpu-node-no-gpu-workers.png").stat().st_size > 10_000


def test_a_gpu_that_is_asked_for_and_not_there_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    with pytest.raises(SystemExit, match=r"--backend cupy.*Nothing was measured"):
        gpu_node.main([*TINY, "--backend", "cupy", "--out", str(tmp_path)])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("part", "row"),
    [
        ("stages", {"backend": "cupy", "region_s": 0.1}),
        ("throughput", {"backend": "numpy", "gpu_busy_share": 0.5}),
        ("throughput", {"backend": "numpy", "gpu_memory_mib": 900.0}),
        ("floors", {"workers": 1, "device_copy": 30.0}),
        ("floors", {"workers": 1, "pinned_copy": 30.0}),
        ("rivals", {"way": "cupyx label, bincount, copy included", "seconds": 0.1}),
    ],
)
def test_no_figure_of_a_gpu_is_written_without_one(
    tmp_path: Path, part: str, row: dict[str, object]
) -> None:
    empty: dict[str, Any] = {
        "gpu": None,
        "stages": [],
        "floors": [],
        "rivals": [],
        "throughput": [],
    }
    write_result(empty, tmp_path / "fine.json")
    forged = copy.deepcopy(empty)
    forged[part].append(row)
    with pytest.raises(ValueError, match="no GPU was measured"):
        write_result(forged, tmp_path / "forged.json")
    assert not (tmp_path / "forged.json").exists()
    write_result(forged | {"gpu": {"name": "a card"}}, tmp_path / "card.json")


def test_files_are_named_after_the_card() -> None:
    assert result_name(None) == "gpu-node-no-gpu"
    assert result_name({"name": "NVIDIA H100 80GB HBM3"}) == "gpu-node-nvidia-h100-80gb-hbm3"


@pytest.mark.usefixtures("tiny")
def test_copies_are_studies_of_their_own_and_the_cache_obeys(tmp_path: Path) -> None:
    archive = make_archive(tmp_path / "archive", 60, "jpeg-ls", 3)
    build_index([str(tmp_path / "archive" / "dicom")], tmp_path / "index")
    studies = list(iter_studies(tmp_path / "index"))
    assert len(studies) == 3
    n_files = [len(scan.files) for study in studies for scan in study.scans]
    assert n_files == [len(archive.files(1))] * 3
    series = {scan.scan_id for study in studies for scan in study.scans}
    assert series == {path.name.removesuffix(".nii.gz") for path in archive.masks.iterdir()}
    files = archive.files()
    read_into_cache(files)
    assert resident_share(files) == 1
    drop_from_cache(files)
    if resident_share(files) > 0.05:
        pytest.skip("this file system keeps its pages in memory")
    assert studies_per_s(ReadFiles(archive.studies, 2), 2, 1) > 0
    assert resident_share(files) > 0.6


def test_a_difference_that_is_lost_in_noise_gives_no_rate() -> None:
    assert rate_of(6, 4.0, 10.0) == 1.0
    assert rate_of(6, 4.0, 4.1) is None
    assert rate_of(6, 4.0, 3.0) is None


def test_the_lowest_floor_is_the_ceiling() -> None:
    row = {"slices": 60, "syntax": "raw", "workers": 2, "backend": "numpy", "state": "cold"}
    floors = {"slices": 60, "syntax": "raw", "workers": 2, "read_cold": 9.0, "read_warm": 90.0}
    floors |= {"decode": 20.0, "empty_task": 30.0, "pinned_copy": 5.0, "device_copy": 4.0}
    result = {"floors": [floors], "stages": [], "rivals": [], "gpu": {"name": "a card"}}
    result["options"] = {"slices": [60], "syntaxes": ["raw", "j2k"]}
    assert ceiling(result, row) == (9.0, "read")
    assert ceiling(result, row | {"state": "warm"}) == (20.0, "decode")
    assert ceiling(result, row | {"backend": "cupy"}) == (4.0, "device copy")
    timed = row | {"studies_per_s": 3.0, "others_busy_share": 0.6}
    floors["others_busy_share"] = 0.0
    said = table(result | {"throughput": [timed]})
    assert "3.00 of      9.0 (read)" in said
    assert "other work took up to 60% of the processor" in said
    assert "cut short: 1 of 2 kinds" in said

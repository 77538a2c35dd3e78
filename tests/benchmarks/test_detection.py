from __future__ import annotations

import csv
from pathlib import Path

import pytest
from click.testing import CliRunner
from detection import main
from detection_tables import Figure, markdown_of

from calcarium.phantom.registry import order_studies, write_registry


@pytest.mark.slow
def test_a_small_set_from_files_to_figures(tmp_path: Path) -> None:
    write_registry(tmp_path / "set", order_studies(3, 7, gated_share=1.0, matrix=256), workers=1)
    arguments = ["--phantom", str(tmp_path / "set"), "--workers", "1", "--out", str(tmp_path / "o")]
    stresses = ["--stress", "none", "--stress", "crop_180"]
    done = CliRunner().invoke(main, [*arguments, *stresses], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    rows = list(csv.DictReader((tmp_path / "o" / "summary.csv").read_text().splitlines()))
    scans = {
        r["stress"]: r["value"] for r in rows if (r["measure"], r["scan_class"]) == ("scans", "all")
    }
    assert scans == {"none": "3", "crop_180": "3"}
    truth = {
        r["series_instance_uid"]: float(r["agatston"])
        for r in csv.DictReader((tmp_path / "set/truth/studies.csv").read_text().splitlines())
    }
    for row in csv.DictReader((tmp_path / "o" / "scans.csv").read_text().splitlines()):
        if row["stress"] == "none":
            assert float(row["agatston_true"]) == pytest.approx(truth[row["scan_id"]])


def test_a_page_shows_a_line_per_class_and_stress() -> None:
    found = [
        Figure("gated", "none", "scans", 3, 3.0),
        Figure("gated", "none", "sensitivity", 8, 0.875),
        Figure("gated", "crop_180", "scans", 3, 3.0),
    ]
    head, rule, *lines = (line.split(" | ") for line in markdown_of(found).splitlines())
    assert len(head) == len(rule)
    assert {len(line) for line in lines} == {len(head)}
    assert [line[1] for line in lines] == ["none", "crop_180"]
    assert [line[head.index("all")] for line in lines] == ["0.875", "-"]


def test_wrong_usage_ends_in_a_sentence(tmp_path: Path) -> None:
    for arguments in (
        [],
        ["--scans", str(tmp_path)],
        ["--phantom", str(tmp_path), "--stress", "x"],
    ):
        done = CliRunner().invoke(main, arguments)
        assert done.exit_code == 2
        assert "Error:" in done.output

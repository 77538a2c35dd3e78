"""Tiny archives, scored, and the checks of each scan."""

from __future__ import annotations

from pathlib import Path

from generated_ct import ROOT, ct_series, save

from calcarium.config import load_protocol
from calcarium.intake.index import build_index
from calcarium.intake.studies import iter_studies
from calcarium.regions.inputs import RegionInputs
from calcarium.study import ScorerSetup


def add_scan(archive: Path, name: str, **elements: object) -> None:
    """Write a scan of 24 slices; its name is its folder and SeriesDescription."""
    series = f"{ROOT}.1.{sum(map(ord, name))}"
    save(
        archive / name, ct_series(24, SeriesInstanceUID=series, SeriesDescription=name, **elements)
    )


def checks_of(archive: Path, tmp_path: Path, extra: str = "") -> dict[str, dict[str, tuple]]:
    """Value, status and text by check, of every scored scan by its name."""
    protocol = tmp_path / "protocol.toml"
    protocol.write_text(f"extends = 'gated'\n{extra}\n[region]\nsource = 'whole'\n")
    build_index([str(archive)], tmp_path / "index")
    (study,) = iter_studies(tmp_path / "index")
    setup = ScorerSetup(load_protocol(str(protocol)), RegionInputs(), b"secret", all_scans=True)
    tables = setup()(study).tables
    names = {row["scan_id"]: row["series_description"] for row in tables["links"]}
    scored = [row["scan_id"] for row in tables["series"] if row["outcome"] == "scored"]
    assert scored
    return {
        str(names[scan_id]): {
            str(row["check"]): (row["value"], row["status"], row["text"])
            for row in tables["quality"]
            if row["scan_id"] == scan_id
        }
        for scan_id in scored
    }

"""From the pixels of pairs of scans to converted scores, beside the truth of the drawn calcium."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np
import pytest
from click.testing import CliRunner

from calcarium.cli import group
from calcarium.cohort.calibrate import calibrate, contrast_pairs, slope_through_origin
from calcarium.cohort.statistics import icc
from calcarium.config import load_protocol
from calcarium.phantom.plaques import PlaqueStyle
from calcarium.phantom.registry import order_studies, write_registry
from calcarium.phantom.study import StudyTruth

USES = 'name = "both"\n[uses]\ngated = "gated"\ncontrast = "{}"\n'
MATRIX = 192


def run(*arguments: str) -> str:
    ended = CliRunner().invoke(group, list(arguments))
    assert ended.exit_code == 0, ended.output
    return ended.output


def write_pairs(
    folder: Path, n: int, n_without: int, plaques: PlaqueStyle = "natural"
) -> list[StudyTruth]:
    """Pairs of scans, the first of which are of people without calcium."""
    drawn = order_studies(
        n, 8300, contrast="pairs", matrix=MATRIX, distractors=False, plaques=plaques
    )
    orders = [replace(order, calcified=order.number > n_without) for order in drawn]
    return write_registry(folder / "set", orders, workers=1)


def scored(folder: Path) -> Path:
    """Both kinds of scan in one run."""
    protocol = folder / "both.toml"
    protocol.write_text(USES.format("cta"))
    how = ("--protocol", str(protocol), "--voxels", "130", "--out", str(folder / "results"))
    run("score", str(folder / "set" / "dicom"), *how)
    return folder / "results"


def test_two_scans_of_one_study_are_a_pair(tmp_path: Path) -> None:
    plain, bright = write_pairs(tmp_path, 1, 0, "apart")
    pairs = contrast_pairs([str(scored(tmp_path))])
    assert (len(pairs.agatston), pairs.n_ambiguous) == (1, 0)
    true_mm3 = sum(plaque.volume_mm3 for plaque in bright.plaques)
    assert 0 < pairs.volume_mm3[0] < 1.3 * true_mm3  # what is darker than blood is not seen
    assert pairs.agatston[0] == pytest.approx(plain.ideal["total"].agatston, rel=0.3)


@pytest.mark.slow
def test_a_conversion_fitted_on_pairs_is_that_of_the_drawn_calcium(tmp_path: Path) -> None:
    truths = write_pairs(tmp_path, 14, 2)
    results, fragment = scored(tmp_path), tmp_path / "mine.toml"
    told = run("cohort", "calibrate-cta", str(results), "--out", str(fragment))
    assert "14 pairs" in told
    factor = load_protocol(str(fragment)).by_class["contrast"].scoring.cta_agatston_per_mm3
    assert factor is not None
    assert calibrate(contrast_pairs([str(results)])).icc.value > 0.9

    protocol, again = tmp_path / "again.toml", tmp_path / "again"
    protocol.write_text(USES.format(fragment.name))
    run("rescore", str(results), "--protocol", str(protocol), "--out", str(again))
    scores = duckdb.sql(
        "SELECT scan_id, score_type, agatston, volume_mm3 "
        f"FROM read_parquet('{again}/scores/**/*.parquet')"
    ).fetchall()
    volumes = {scan: mm3 for scan, kind, _, mm3 in scores if kind == "cta_volume"}
    derived = {scan: score for scan, kind, score, _ in scores if kind == "cta_derived"}
    for scan, score in derived.items():
        assert score == pytest.approx(factor * volumes[scan])
    run("verify", str(again))

    # By the truth: nearly the scores of an ideal scorer; and a factor above that of the whole
    # bodies, since what is darker than the blood is not seen.
    ideal = np.array([plain.ideal["total"].agatston for plain in truths[::2]])
    converted = np.array([derived[bright.uids.series] for bright in truths[1::2]])
    assert icc(np.stack([converted, ideal], axis=1), "A,1").value > 0.9
    true_mm3 = np.array([sum(p.volume_mm3 for p in plain.plaques) for plain in truths[::2]])
    assert factor > slope_through_origin(true_mm3, ideal)

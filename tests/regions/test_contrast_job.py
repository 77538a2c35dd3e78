"""Contrast CT as a user scores it: from DICOM files to verified rows, and again from voxels."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner

from calcarium.cli import group
from calcarium.phantom.contrast import Bolus
from calcarium.phantom.dicom import SeriesUids, write_series
from calcarium.phantom.header import Technique, invented_person
from calcarium.phantom.thorax import Thorax, draw_thorax

BOTH = 'name = "both"\n[uses]\ngated = "gated"\ncontrast = "cta"\n'
SERIES = {"tagged": "IOMERON", "untagged": "", "precontrast": "IOMERON", "plain": ""}


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four studies: contrast and plain scans, each with and without an agent in the header."""
    folder = tmp_path_factory.mktemp("contrast") / "dicom"
    bright = draw_thorax(
        137,
        gated=True,
        matrix=256,
        calcified=True,
        distractors=False,
        bolus=Bolus(330, 420),
    )
    plain = draw_thorax(12, gated=True, matrix=256, calcified=True, distractors=False)
    for number, (name, agent) in enumerate(SERIES.items()):
        thorax: Thorax = plain if name in ("precontrast", "plain") else bright
        write_series(
            folder / name,
            thorax.scan,
            SeriesUids.of(name),
            invented_person(number),
            Technique(gated=True, contrast_agent=agent),
        )
    return folder


def run(*arguments: str) -> str:
    ended = CliRunner().invoke(group, list(arguments))
    assert ended.exit_code in (0, 3), ended.output
    return ended.output


def rows(results: Path, table: str, columns: str) -> dict[str, tuple[object, ...]]:
    """By the name of the study."""
    uid = {SeriesUids.of(name).series: name for name in SERIES}
    found = duckdb.sql(
        f"SELECT scan_id, {columns} FROM read_parquet('{results}/{table}/**/*.parquet')"
    ).fetchall()
    return {uid[str(row[0]).split("/")[0]]: row[1:] for row in found}


@pytest.fixture(scope="module")
def cta(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("results") / "cta"
    run("score", str(archive), "--protocol", "cta", "--out", str(out), "--voxels", "130")
    return out


def test_the_pixels_decide_what_the_protocol_scores(cta: Path) -> None:
    ended = rows(cta, "series", "outcome, reason")
    assert ended["tagged"] == ended["untagged"] == ("scored", None)
    assert ended["precontrast"] == ended["plain"] == ("excluded", "no_contrast")


def test_volume_threshold_and_a_mark_but_never_a_score(cta: Path) -> None:
    scores = rows(cta, "scores", "score_type, agatston, volume_mm3, threshold_hu, detected")
    assert scores["tagged"] == scores["untagged"]
    kind, agatston, volume_mm3, threshold_hu, detected = scores["tagged"]
    assert (kind, agatston, detected) == ("cta_volume", None, True)
    assert volume_mm3 > 10
    assert threshold_hu > 330
    run("verify", str(cta))


def test_again_from_voxels_and_as_a_picture(cta: Path, archive: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    run("rescore", str(cta), "--protocol", "cta", "--out", str(again))
    columns = "score_type, agatston, volume_mm3, threshold_hu, detected"
    assert rows(again, "scores", columns) == rows(cta, "scores", columns)
    run("verify", str(again))
    pictures = tmp_path / "pictures"
    told = run("look", str(archive / "tagged"), "--protocol", "cta", "--out", str(pictures))
    assert "mm3" in told
    assert list(pictures.glob("*.png"))


def test_a_users_conversion_stands_beside_the_volume_marked_as_derived(
    cta: Path, tmp_path: Path
) -> None:
    fragment, out = tmp_path / "mine.toml", tmp_path / "derived"
    fragment.write_text(
        'extends = "cta"\nname = "mine"\n[scoring]\n'
        'conventions = ["cta-volume", "cta-derived"]\ncta_agatston_per_mm3 = 1.5\n'
    )
    run("rescore", str(cta), "--protocol", str(fragment), "--out", str(out))
    found = duckdb.sql(
        "SELECT score_type, is_primary, agatston, volume_mm3 "
        f"FROM read_parquet('{out}/scores/**/*.parquet') ORDER BY score_type"
    ).fetchall()
    assert len(found) == 4
    for kind, is_primary, agatston, volume_mm3 in found:
        assert is_primary == (kind == "cta_volume")
        if kind == "cta_derived":
            assert agatston == pytest.approx(1.5 * volume_mm3)
        else:
            assert agatston is None
    run("verify", str(out))


@pytest.mark.slow
def test_one_run_scores_both_kinds_by_what_they_are(archive: Path, tmp_path: Path) -> None:
    protocol = tmp_path / "both.toml"
    protocol.write_text(BOTH)
    out = tmp_path / "both"
    run("score", str(archive), "--protocol", str(protocol), "--out", str(out))
    kinds = rows(out, "scores", "score_type")
    assert kinds["tagged"] == kinds["untagged"] == ("cta_volume",)
    assert kinds["precontrast"] == kinds["plain"] == ("gated",)


@pytest.mark.slow
def test_protocols_of_plain_scans_exclude_contrast_with_its_reason(
    archive: Path, tmp_path: Path
) -> None:
    out = tmp_path / "gated"
    run("score", str(archive), "--protocol", "gated", "--out", str(out))
    ended = rows(out, "series", "outcome, reason")
    assert ended["tagged"] == ended["untagged"] == ("excluded", "contrast")
    assert ended["plain"] == ended["precontrast"] == ("scored", None)
    scores = rows(out, "scores", "agatston")
    assert scores["plain"] == scores["precontrast"]
    told = duckdb.sql(
        "SELECT scan_id, status, text FROM read_parquet("
        f"'{out}/quality/**/*.parquet') WHERE \"check\" = 'contrast'"
    ).fetchall()
    uid = {SeriesUids.of(name).series: name for name in SERIES}
    assert {uid[scan]: (status, text) for scan, status, text in told} == {
        "plain": ("pass", "header: no contrast agent in the header; blood: dark"),
        "precontrast": ("warn", "header: ContrastBolusAgent; blood: dark"),
    }

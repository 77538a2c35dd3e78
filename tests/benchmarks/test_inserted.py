from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from inserted import (
    Blur,
    Host,
    Insertion,
    Place,
    Plaque,
    insert,
    read_places,
    summarise,
    with_plaque,
)
from labelled import labelled

from calcarium.config.detector import DetectorRules
from calcarium.errors import UsageError
from calcarium.phantom.thorax import draw_thorax
from calcarium.regions.boxes import to_voxel
from calcarium.regions.detector.detect import detect
from calcarium.regions.model import COUNTED
from calcarium.volume.model import Geometry, Volume
from calcarium_kernels import load

RULES = DetectorRules()
BLUR = Blur(psf_sigma_mm=0.6, thickness_mm=3.0)
CALCIFIED = 10  # the seed of a gated phantom


def place_at(geometry: Geometry, zyx: tuple[float, float, float], what: str = "RCA") -> Place:
    x, y, z = geometry.to_patient_mm(np.array([zyx]))[0].tolist()
    return Place(x, y, z, what)


def test_a_plaque_has_its_mass_at_its_place() -> None:
    """However it is blurred, added HU by volume is that of a ball, 4/3 pi r^3."""
    upright = labelled(np.full((12, 60, 50), 40, np.int16)).volume
    turned = replace(
        upright.geometry, row_direction=(0.0, 1.0, 0.0), column_direction=(-1.0, 0.0, 0.0)
    )
    before = replace(upright, geometry=turned)
    at = (5.3, 31.0, 22.6)
    place = place_at(turned, at)
    where = np.array([[place.x_mm, place.y_mm, place.z_mm]])
    assert to_voxel(turned, where)[0] == pytest.approx(at)
    after, seen = with_plaque(before, BLUR, place, Plaque(2.0, 840.0))
    added = (after.stored - before.stored).astype(float)
    assert added.sum() * turned.voxel_mm3 / 800 == pytest.approx(4 / 3 * np.pi * 8, rel=0.02)
    middle = [(added * index).sum() / added.sum() for index in np.indices(added.shape)]
    assert middle == pytest.approx(at, abs=0.05)
    assert seen[added > 100].all()


def test_the_whole_detector_says_the_same(make_volume) -> None:
    """Regions found once serve every plaque. Plaques of the same person mark the arteries."""
    person = partial(draw_thorax, CALCIFIED, gated=True, matrix=256, distractors=False)
    scan = person(calcified=False).scan
    grid = scan.grid
    volume: Volume = make_volume(
        np.rint(scan.hu).astype(int),
        row_spacing_mm=grid.row_spacing_mm,
        column_spacing_mm=grid.column_spacing_mm,
        increment_mm=grid.slice_increment_mm,
    )
    host, ball = Host.of(volume, BLUR, RULES), Plaque(1.8, 600.0)
    counts = []
    for plaque in person(calcified=True).scan.plaques[:2]:
        z, y, x = grid.index_of(plaque.centre_mm)
        place = place_at(volume.geometry, (z, y, x))
        found = insert(host, place, ball)
        whole = detect(with_plaque(volume, BLUR, place, ball)[0], RULES, load("numpy"))
        (same,) = (
            label
            for label in whole.meaning.values()
            if np.hypot(label.features["y"] - y, label.features["x"] - x) < 3
        )
        assert same.confidence == pytest.approx(found.confidence, abs=0.01)
        assert (same.standing in COUNTED) == found.counts_alone
        counts.append(found.counts_alone)
    assert any(counts)


def test_a_summary_counts_by_kind_and_size() -> None:
    blank = Insertion("LAD", 0, 0, 0, 1.5, 600, "accepted", counts_alone=True)
    found = [
        blank,
        replace(blank, standing="doubtful", rule="stands_alone", counts_alone=False),
        replace(blank, radius_mm=1.0, standing="faint", counts_alone=False),
        replace(blank, what="valve", standing="rejected", rule="valve", counts_alone=False),
    ]
    small, large, valve = summarise(found)
    assert (small["what"], small["radius_mm"], small["faint"]) == ("LAD", 1.0, 1)
    assert (large["plaques"], large["accepted"], large["doubtful"]) == (2, 1, 1)
    assert (large["counts_alone"], large["rules"]) == (1, "stands_alone 1")
    assert (valve["rejected"], valve["rules"]) == (1, "valve 1")


def test_places_without_a_column_are_refused(tmp_path: Path) -> None:
    (tmp_path / "places.csv").write_text("x_mm,y_mm,what\n1,2,RCA\n")
    with pytest.raises(UsageError, match="z_mm"):
        read_places(tmp_path / "places.csv")
    (tmp_path / "places.csv").write_text("x_mm,y_mm,z_mm,what\n1,2,-3.5,RCA\n")
    assert read_places(tmp_path / "places.csv") == [Place(1.0, 2.0, -3.5, "RCA")]


@pytest.mark.parametrize("away_mm", [(0, 0, 900), (0, -900, 0), (np.nan, 0, 0)])
def test_a_place_outside_the_scan_is_refused(away_mm: tuple[float, float, float]) -> None:
    before = labelled(np.full((12, 60, 50), 40, np.int16)).volume
    x, y, z = before.geometry.to_patient_mm(np.array([[5, 31, 22]]))[0] + away_mm
    with pytest.raises(UsageError, match="does not lie in the scan"):
        with_plaque(before, BLUR, Place(x, y, z, "RCA"), Plaque(2.0, 840.0))

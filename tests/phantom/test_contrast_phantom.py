"""Contrast scans of phantoms, alone and beside the plain scan of the same person."""

from __future__ import annotations

import csv
from itertools import combinations
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
import pytest
from click.testing import CliRunner

from calcarium.cli.phantom import command as phantom
from calcarium.errors import UsageError
from calcarium.phantom.anatomy import draw_anatomy
from calcarium.phantom.coronaries import coronary_courses
from calcarium.phantom.heart import Heart
from calcarium.phantom.plaques import APART_MM, N_APART, draw_apart
from calcarium.phantom.registry import order_studies
from calcarium.phantom.shapes import Capsule, Union
from calcarium.phantom.vessels import GreatVessels


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pair")
    options = ["--contrast", "pairs", "--plaques", "apart", "--matrix", "64", "--workers", "1"]
    ran = CliRunner().invoke(phantom, ["--out", str(folder), "--studies", "1", *options])
    assert ran.exit_code == 0, ran.output
    return folder


def test_a_pair_is_one_study_of_one_person_with_the_same_calcium(pair: Path) -> None:
    plain, bright = rows(pair / "truth" / "studies.csv")
    assert plain["study_instance_uid"] == bright["study_instance_uid"]
    assert plain["series_instance_uid"] != bright["series_instance_uid"]
    assert plain["true_volume_mm3"] == bright["true_volume_mm3"]
    assert (plain["left_heart_hu"], bright["agatston"]) == ("", "")
    plaques = rows(pair / "truth" / "plaques.csv")
    assert len(plaques) == 2 * N_APART
    for one, other in zip(plaques[:N_APART], plaques[N_APART:], strict=True):
        for column in ("vessel", "volume_mm3", "mass_mg", "density_mg_cm3"):
            assert one[column] == other[column]
    headers = [
        pydicom.dcmread(pair / row["folder"] / "IM0001.dcm", stop_before_pixels=True)
        for row in (plain, bright)
    ]
    assert headers[0].PatientID == headers[1].PatientID
    assert [("ContrastBolusAgent" in tags) for tags in headers] == [False, True]


def test_the_aorta_is_as_bright_as_the_bolus(pair: Path) -> None:
    _, bright = rows(pair / "truth" / "studies.csv")
    aorta = nib.load(pair / "truth" / "aorta" / f"{bright['series_instance_uid']}.nii.gz")
    inside = np.asarray(aorta.dataobj).transpose(2, 1, 0) > 0
    files = sorted((pair / bright["folder"]).glob("*.dcm"))[::8]
    values = [
        tags.pixel_array[inside[int(tags.InstanceNumber) - 1]].astype(float) - 1024
        for tags in map(pydicom.dcmread, files)
    ]
    assert np.median(np.concatenate(values)) == pytest.approx(
        float(bright["left_heart_hu"]), rel=0.05
    )


def test_plaques_drawn_apart_do_not_touch() -> None:
    rng = np.random.default_rng(3)
    vessels = GreatVessels(Heart(draw_anatomy(rng)))
    plaques = draw_apart(coronary_courses(vessels, rng, rng), rng)
    assert len(plaques) == N_APART
    for one, other in combinations([plaque.solid for plaque in plaques], 2):
        assert isinstance(one, Union)
        ends = [p.start for p in one.parts if isinstance(p, Capsule)]
        assert other.distance(*np.array(ends).T).min() >= APART_MM


def test_contrast_leaves_the_plain_scans_as_they_are() -> None:
    plain = order_studies(3, 5, gated_share=1.0)
    both = order_studies(3, 5, contrast="pairs")
    assert both[::2] == plain
    assert [order.bolus is not None for order in both] == [False, True] * 3
    assert order_studies(3, 5, contrast="only") == both[1::2]
    assert len({order.bolus for order in both[1::2]}) == 3
    with pytest.raises(UsageError, match="thorax"):
        order_studies(1, 5, kind="qrm", contrast="only")

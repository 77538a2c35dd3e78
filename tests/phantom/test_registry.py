"""Registries of phantoms, their tables, the faults of the demonstration, the commands."""

from __future__ import annotations

import csv
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
import pytest
from click.testing import CliRunner

from calcarium.cli.demo import command as demo
from calcarium.cli.phantom import command as phantom
from calcarium.errors import UsageError
from calcarium.phantom import faults
from calcarium.phantom.registry import order_studies, write_registry
from calcarium.phantom.study import StudyOrder, write_study


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_more_studies_do_not_change_the_first() -> None:
    assert order_studies(9, 5)[:4] == order_studies(4, 5)
    assert order_studies(4, 6) != order_studies(4, 5)
    shares = [order.gated for order in order_studies(200, 1, gated_share=0.25)]
    assert 0.15 < np.mean(shares) < 0.35


@pytest.mark.parametrize(
    "wrong", [{"studies": 0}, {"gated_share": 1.5}, {"syntax": "bmp"}, {"seed": -1}]
)
def test_wrong_orders_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        order_studies(**{"studies": 3, "seed": 1, **wrong})  # type: ignore[arg-type]


def test_registry_is_written_with_its_truth(tmp_path: Path) -> None:
    orders = [StudyOrder(n, 20 + n, matrix=64, calcified=n == 1) for n in (1, 2)]
    write_registry(tmp_path, orders, workers=1)
    studies = rows(tmp_path / "truth" / "studies.csv")
    assert [row["number"] for row in studies] == ["1", "2"]
    plaques = rows(tmp_path / "truth" / "plaques.csv")
    assert {row["series_instance_uid"] for row in plaques} == {studies[0]["series_instance_uid"]}
    mass = sum(float(row["mass_mg"]) for row in plaques)
    assert float(studies[0]["true_mass_mg"]) == pytest.approx(mass, abs=0.01)
    assert float(studies[1]["agatston"]) == 0
    for study in studies:
        files = sorted((tmp_path / study["folder"]).glob("*.dcm"))
        assert len(files) == int(study["n_slices"])
        tags = pydicom.dcmread(files[0])
        assert tags.SeriesInstanceUID == study["series_instance_uid"]
        image = nib.load(tmp_path / "masks" / f"{tags.SeriesInstanceUID}.nii.gz")
        assert image.shape == (tags.Columns, tags.Rows, len(files))
        x, y, z = (float(v) for v in tags.ImagePositionPatient)
        np.testing.assert_allclose(image.affine[:3, 3], [-x, -y, z], atol=1e-3)
    with pytest.raises(UsageError, match="holds a registry"):
        write_registry(tmp_path, orders, workers=1)


def test_faults(tmp_path: Path) -> None:
    truth = write_study(tmp_path, StudyOrder(1, 1, "geometric"))
    study = tmp_path / truth.folder
    n = len(list(study.iterdir()))
    faults.duplicate_slice(study)
    assert len(list(study.iterdir())) == n + 1
    faults.remove_slice(study)
    faults.add_localizer(study)
    assert pydicom.dcmread(study / "scout.dcm").ImageType[2] == "LOCALIZER"
    faults.truncate_file(study)
    sizes = {path.stat().st_size for path in study.glob("IM*.dcm")}
    assert min(sizes) < 0.7 * max(sizes)


def test_phantom_command_repeats(tmp_path: Path) -> None:
    for name in ("one", "two"):
        options = ["--kind", "geometric", "--studies", "2", "--workers", "1"]
        result = CliRunner().invoke(phantom, ["--out", str(tmp_path / name), *options])
        assert result.exit_code == 0, result.output
    first, second = (
        {
            p.relative_to(tmp_path / name): p.read_bytes()
            for p in sorted((tmp_path / name).rglob("*.dcm"))
        }
        for name in ("one", "two")
    )
    assert len(first) == 28
    assert first == second


@pytest.mark.slow
def test_demo_finds_the_truth(tmp_path: Path) -> None:
    result = CliRunner().invoke(demo, ["--out", str(tmp_path / "demo")])
    assert result.exit_code == 0, result.output
    lines = [line.split() for line in result.output.splitlines()]
    scored = [line for line in lines if line and line[-1] == "scored"]
    assert len(scored) == 5
    assert all(line[-3] == line[-2] for line in scored)
    for reason in ("short_pixels", "missing_slices", "not_ct"):
        assert f"excluded {reason}" in result.output

"""A scan with masks needs little more memory than its volume, however the mask is stored."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import nibabel as nib
import nrrd
import numpy as np
import pytest
from dicom_series import scan_of, write_series
from numpy.typing import NDArray

from calcarium.config import Protocol, load_protocol
from calcarium.intake.records import Scan
from calcarium.regions.inputs import gather_inputs
from calcarium.regions.resolve import find_region
from calcarium.scoring.score import score_region
from calcarium.volume import load_volume, memory
from calcarium_kernels import load

SHAPE = (60, 512, 512)
MOST_OF_VOLUME = 1.3
AFFINE = np.diag([-0.75, -0.5, 2.5, 1.0])
AFFINE[:3, 3] = 120.5, 80.25, -300.0
NAMES = {1: "coronary_arteries", 2: "heart", 3: "lung_upper_lobe_left", 4: "aorta"}
CALCIUM = (slice(20, 30), slice(260, 270), slice(220, 240))
FACTS = {"kvp": 120.0, "mass_factor_device": ()}


def anatomy() -> NDArray[np.uint8]:
    """Labels as of TotalSegmentator: a lung, a heart in it, an artery and the aorta in that."""
    labels = np.zeros(SHAPE, dtype=np.uint8)
    labels[:, 60:450, 40:470] = 3
    labels[5:55, 150:350, 150:360] = 2
    labels[5:40, 180:220, 200:240] = 4
    labels[18:32, 250:290, 200:300] = 1
    return labels


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> Scan:
    """A chest of soft tissue with noise at the threshold, and calcium in the artery."""
    hu = np.random.default_rng(2).normal(40, 30, SHAPE).astype(np.int16)
    hu[CALCIUM] = 450
    return scan_of(write_series(tmp_path_factory.mktemp("scan"), hu + np.int16(1024)), **FACTS)


@pytest.fixture(scope="module")
def protocol(tmp_path_factory: pytest.TempPathFactory) -> Protocol:
    place = tmp_path_factory.mktemp("protocol") / "protocol.toml"
    place.write_text('extends = "gated"\n')
    return load_protocol(str(place)).by_class["gated"]


@pytest.fixture
def no_kept_memory(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(memory, "_kept", np.empty(0, dtype=np.uint8))
    yield
    gc.collect()


def nifti(values: NDArray[np.generic], path: Path, names: dict[int, str] | None = None) -> str:
    image = nib.Nifti1Image(values.transpose(2, 1, 0), AFFINE, dtype=values.dtype)
    table = "".join(f'<Label Key="{n}"><![CDATA[{s}]]></Label>' for n, s in (names or {}).items())
    image.header.extensions.append(nib.nifti1.Nifti1Extension(0, table.encode()))
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(image, path)
    return str(path)


def write_mask(kind: str, folder: Path) -> str:
    labels = anatomy()
    artery = (labels == 1).astype(np.uint8)
    if kind == "structures":
        for value, name in NAMES.items():
            nifti((labels == value).astype(np.uint8), folder / "1.2.3" / f"{name}.nii.gz")
        return str(folder)
    if kind == "multi-label":
        return nifti(labels, folder / "1.2.3.nii.gz", NAMES)
    if kind == "float64":
        return nifti(artery.astype(np.float64), folder / "1.2.3.nii.gz")
    if kind in (".nii", ".nii.gz"):
        return nifti(artery, folder / f"1.2.3{kind}")
    if kind == "turned":
        image = nib.Nifti1Image(artery.transpose(1, 0, 2), AFFINE[:, [1, 2, 0, 3]])
        nib.save(image, folder / "1.2.3.nii.gz")
        return str(folder / "1.2.3.nii.gz")
    lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ AFFINE
    header = {
        "space": "left-posterior-superior",
        "space directions": lps[:3, :3].T,
        "space origin": lps[:3, 3],
    }
    nrrd.write(str(folder / "1.2.3.nrrd"), artery.transpose(2, 1, 0), header)
    return str(folder / "1.2.3.nrrd")


@pytest.mark.usefixtures("no_kept_memory")
@pytest.mark.parametrize(
    "kind", [".nii", ".nii.gz", "float64", "multi-label", "structures", "turned", ".nrrd"]
)
def test_volume_mask_and_score_take_little_more_than_the_volume(
    kind: str, scan: Scan, protocol: Protocol, tmp_path: Path
) -> None:
    inputs = gather_inputs(write_mask(kind, tmp_path))
    kernels = load("numpy")
    gc.collect()
    tracemalloc.start()
    try:
        volume = load_volume(scan, protocol.volume)
        region = find_region(volume, scan, protocol, inputs, kernels)
        scores = score_region(volume, region, scan.acquisition, protocol.scoring, kernels)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # 10 slices of 20 x 10 pixels of 0.75 x 0.5 mm at 450 HU, each for 2.5 of 3 mm.
    expected = 10 * (20 * 10) * (0.75 * 0.5) * 4 * 2.5 / 3
    assert scores.primary_score.total.agatston == pytest.approx(expected, rel=0.05)
    assert peak < MOST_OF_VOLUME * volume.stored.nbytes

"""A registry scored with numpy and with the device sources: not one row differs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from calcarium.config import load_protocol
from calcarium.intake.index import build_index
from calcarium.intake.studies import iter_studies
from calcarium.phantom.study import StudyOrder, write_study
from calcarium.regions.inputs import gather_inputs
from calcarium.study import Scorer, ScorerSetup
from calcarium.tables.rows import StudyRows
from calcarium_kernels.contract import Islands, Kernels
from calcarium_kernels.device import DeviceKernels
from calcarium_kernels.host import HostKernels
from written_rows import written_rows

# Boxes that cover too little to be scored, so excluded; and thoraxes that are.
ORDERS = (
    StudyOrder(1, seed=5, kind="geometric"),
    StudyOrder(2, seed=11, matrix=192, calcified=True, syntax="jpeg-ls"),
    StudyOrder(3, seed=12, matrix=192, gated=False, calcified=True),
)


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("registry")
    for order in ORDERS:
        write_study(folder, order)
    build_index([str(folder / "dicom")], folder / "index")
    return folder


def scored(registry: Path, kernels: Kernels, *, by_mask: bool) -> list[StudyRows]:
    inputs = gather_inputs(str(registry / "masks") if by_mask else "")
    scorer = Scorer(ScorerSetup(load_protocol("auto"), inputs, b"secret"), kernels)
    return [scorer(study) for study in iter_studies(registry / "index")]


def as_text(rows: list[StudyRows]) -> Iterator[str]:
    """Every table of every study; text, so that a NaN equals itself and 1 is not 1.0."""
    for study in rows:
        yield json.dumps(written_rows(study), sort_keys=True, default=repr)


@pytest.mark.parametrize("by_mask", [True, False], ids=["masks", "detector"])
def test_no_row_differs(registry: Path, shim: DeviceKernels, by_mask: bool) -> None:
    on_host = scored(registry, HostKernels(), by_mask=by_mask)
    on_device = scored(registry, shim, by_mask=by_mask)
    assert len(on_host) == len(ORDERS)
    outcomes = [row["outcome"] for study in on_host for row in study.tables["studies"]]
    assert outcomes.count("scored") >= 2, outcomes
    assert any(len(lesions["lesion_id"]) for study in on_host for lesions in study.lesions)
    for expected, found in zip(as_text(on_host), as_text(on_device), strict=True):
        assert found == expected


def test_one_wrong_peak_would_show(registry: Path) -> None:
    class Wrong(HostKernels):
        def islands(self, *arguments, **keywords) -> tuple[Islands, ...]:
            found = super().islands(*arguments, **keywords)
            return tuple(replace(one, peak=one.peak + 1) for one in found)

    right = as_text(scored(registry, HostKernels(), by_mask=True))
    wrong = as_text(scored(registry, Wrong(), by_mask=True))
    assert list(right) != list(wrong)

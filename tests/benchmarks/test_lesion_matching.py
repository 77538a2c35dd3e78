from __future__ import annotations

import math

import numpy as np
import pytest
from detection_summary import ScanEvaluation, summarise
from labelled import labelled
from lesion_matching import UNLABELLED, FalsePositive, TruthLesion, match_lesions

from calcarium.regions.model import Label, Region
from calcarium_kernels.contract import Box

ARTERIES = {1: "LM", 2: "LAD", 4: "RCA"}
VOXEL_MM3 = 0.5 * 0.75 * 2.0


def test_lesions_and_false_positives_by_hand() -> None:
    hu = np.zeros((5, 20, 20), dtype=np.int16)
    hu[1:3, 2:4, 2:4] = 300  # LAD, 8 voxels; three quarters are found
    hu[1, 10, 10:14] = 150  # RCA, missed
    hu[4, 15:17, 15:17] = 500  # aortic wall, accepted
    hu[4, 2, 15:18] = 140  # nothing is known of it, accepted
    hu[0, 0, 0] = 900  # less than 1 mm2
    hu[0, 18, 2:6] = 120  # below the threshold
    scan = labelled(hu)
    scan.calcium[1:3, 1:6, 1:6] = 2
    scan.calcium[1, 10, :] = 4
    scan.calcium[0, 0, 0] = 4
    scan.other[4, 15, 14] = 11

    box = Box(1, 5, 0, 20, 0, 20)
    labels = np.zeros(box.shape, dtype=np.uint16)
    labels[0:2, 2:4, 2:4] = 1
    labels[1, 2, 2:4] = 2
    labels[3, 15:17, 15:17] = 3
    labels[3, 2, 15:18] = 3
    meaning = {1: Label("LM+LAD"), 2: Label("LAD", "rejected"), 3: Label("LCX", "doubtful")}
    truths, false = match_lesions(
        scan, Region(box, labels, meaning, "clip", "detector"), ARTERIES, {11: "aortic_wall"}
    )

    assert truths == [
        TruthLesion("LAD", 8 * VOXEL_MM3, 300.0, 0.75, "LM+LAD"),
        TruthLesion("RCA", 4 * VOXEL_MM3, 150.0, 0.0, ""),
    ]
    assert [lesion.is_found for lesion in truths] == [True, False]
    assert sorted(false, key=lambda f: f.kind) == [
        FalsePositive("aortic_wall", "LCX", 4 * VOXEL_MM3, 500.0),
        FalsePositive(UNLABELLED, "LCX", 3 * VOXEL_MM3, 140.0),
    ]


def evaluation(name: str, true: float, found: float, **facts: object) -> ScanEvaluation:
    facts = {"seconds": {"detect": 1.0}} | facts
    return ScanEvaluation(name, "gated", "none", "", true, found, **facts)  # type: ignore[arg-type]


def test_figures_by_hand() -> None:
    lesions = (
        TruthLesion("LM", 9.0, 300.0, 1.0, "LM+LAD"),
        TruthLesion("RCA", 6.0, 300.0, 0.6, "LCX"),
        TruthLesion("RCA", 5.5, 300.0, 0.4, "RCA"),
        TruthLesion("RCA", 2.0, 200.0, 1.0, "RCA"),
    )
    false = (FalsePositive("pericardium", "LCX", 3.0, 200.0),)
    scans = [
        evaluation("a", 0.0, 0.0),
        evaluation("b", 0.0, 50.0, false_positives=false, flags=("noise",)),
        evaluation("c", 200.0, 210.0, truths=lesions),
        evaluation("d", 500.0, 50.0),
        ScanEvaluation("e", "gated", "none", "contrast"),
    ]
    found = summarise(scans)
    assert (found.n_scans, found.n_excluded) == (5, 1)
    assert found.sensitivity[5.0].value == pytest.approx(2 / 3)
    assert found.sensitivity[0.0].value == pytest.approx(3 / 4)
    assert found.false_per_scan == 1 / 4
    assert found.false_by_kind == {"pericardium": 1}
    assert found.artery_right.value == pytest.approx(2 / 3)
    assert found.zero_called_positive.value == 1 / 2
    assert (found.n_gross, found.flagged_gross.value) == (2, 1 / 2)
    assert (found.n_right, found.flagged_right.value) == (2, 0.0)
    assert found.seconds == {"detect": 1.0}
    nothing = summarise([], "nongated")
    assert nothing.n_scans == 0
    assert math.isnan(nothing.sensitivity[5.0].value)

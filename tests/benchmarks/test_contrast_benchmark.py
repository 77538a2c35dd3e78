"""The benchmark of contrast CT on a scan made by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from contrast import MeasuredScan, matched, summary
from labelled import labelled

from calcarium.phantom.distractors import DISTRACTOR_LABEL
from calcarium.regions.model import Label, Region
from calcarium_kernels.contract import Box

VOXEL_MM3 = 2.0 * 0.5 * 0.75
FIRST, SECOND, NODE, LUMEN = (
    (slice(2, 4), slice(10, 14), slice(10, 14)),
    (slice(2, 4), slice(40, 44), slice(40, 44)),
    (slice(6, 8), slice(10, 12), slice(60, 62)),
    (slice(6, 7), slice(50, 52), slice(10, 12)),
)


def drawn(
    part: tuple[slice, ...], volume_mm3: float, peak_hu: float, hu_of_10_mm3: float
) -> dict[str, str]:
    z, y, x = ((s.start + s.stop - 1) / 2 for s in part)
    place = {"x_mm": -30 + 0.75 * x, "y_mm": 12 + 0.5 * y, "z_mm": 40 + 2.0 * z}
    cells = {"vessel": "LAD", "volume_mm3": volume_mm3, "peak_hu": peak_hu, **place}
    cells["hu_of_10_mm3"] = hu_of_10_mm3
    return {name: str(value) for name, value in cells.items()}


def test_counted_voxels_go_to_their_plaque_and_others_are_named() -> None:
    hu = np.full((10, 64, 72), 50, dtype=np.int16)
    values = np.zeros(hu.shape, dtype=np.uint16)
    calcium, other = values.copy(), values.copy()
    for value, part in enumerate((FIRST, SECOND, NODE, LUMEN), start=1):
        hu[part], values[part] = 700, value
    for part in (FIRST, SECOND):
        calcium[part] = 2
    other[NODE] = DISTRACTOR_LABEL["lymph_node"]
    scan = replace(labelled(hu), calcium=calcium, other=other)
    region = Region(
        Box.whole(hu.shape),
        values,
        {v: Label("LAD") for v in (1, 3, 4)} | {2: Label("LAD", "rejected", "lumen")},
        "clip",
        "contrast",
        threshold_hu=500,
        floor_hu=130,
    )
    blank = MeasuredScan("scan", 400.0, 404.0)
    truth = [drawn(FIRST, 30.0, 700.0, 650.0), drawn(SECOND, 20.0, 520.0, 490.0)]
    (first, second), false = matched(scan, region, truth, blank)
    assert first.counted_mm3 == pytest.approx(32 * VOXEL_MM3)
    assert first.above_blood_hu == 300
    assert second.is_missed
    assert second.rejected_by == "lumen"
    assert false == pytest.approx({"lymph_node": 8 * VOXEL_MM3, "unlabelled": 4 * VOXEL_MM3})
    told = dict(summary([replace(blank, plaques=(first, second), false_mm3=tuple(false.items()))]))
    # The material of the second reaches the threshold of 500 HU; its picture does not.
    assert [told[name] for name in ("plaques, 10 mm3 above the lumen", "missed")] == ["1", "0"]
    assert told["volume within 25%"] == "1"
    bodies = ("bodies >= 10 mm3 of brighter material", "of these within 25%", "of these missed")
    assert [told[name] for name in bodies] == ["2", "1", "1"]
    assert told["blood off by at most"] == "1.0%"

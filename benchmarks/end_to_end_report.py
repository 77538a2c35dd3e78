"""Table and picture of the end-to-end benchmark."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

Result = dict[str, Any]
STAGES = ("headers", "pixels", "region", "score")
COLOURS = ("#4e79a7", "#f28e2b", "#59a14f", "#e15759")


def table(result: Result) -> str:
    """Medians in ms and ratios to the usual scorer, one line per case."""
    lines = [
        "slices  syntax         open+  read  usual  masks  detector  usual/masks  "
        "usual/detector  memory/volume"
    ]
    for case in result["cases"]:
        rows = case["rows"]
        ms = {row: 1000 * rows[row]["total"] for row in rows}
        above = rows["masks"]["above_start_bytes"] / rows["masks"]["volume_bytes"]
        lines.append(
            f"{case['slices']:6}  {case['syntax']:13}  {case['latency_ms']:3.0f}ms "
            f"{ms['read']:5.0f}  {ms['usual']:5.0f}  {ms['masks']:5.0f}  {ms['detector']:8.0f}  "
            f"{ms['usual'] / ms['masks']:11.1f}  {ms['usual'] / ms['detector']:14.1f}  "
            f"{above:13.2f}"
        )
    for n, found in result["workers"].items():
        lines.append(
            f"{n} slices: {1000 * found['1_workers_s']:.0f} ms per study with one worker, "
            f"{1000 * found['2_workers_s']:.0f} with two: {found['ratio']:.2f}x"
        )
    return "\n".join(lines)


def picture(result: Result, path: Path) -> None:
    """Stacked bars of the stages, with the floor and the usual scorer beside them."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    cases = result["cases"]
    figure, axes = plt.subplots(1, len(cases), figsize=(3.2 * len(cases), 4.2))
    for axis, case in zip(axes, cases, strict=True):
        rows = case["rows"]
        axis.bar("read", 1000 * rows["read"]["total"], color="#bab0ac")
        for name in ("masks", "detector"):
            bottom = 0.0
            for stage, colour in zip(STAGES, COLOURS, strict=True):
                height = 1000 * cast(float, rows[name][stage])
                label = stage if name == "masks" else None
                axis.bar(name, height, bottom=bottom, color=colour, label=label)
                bottom += height
        axis.bar("usual", 1000 * rows["usual"]["total"], color="#8c8c8c")
        late = f", +{case['latency_ms']:.0f} ms per open" if case["latency_ms"] else ""
        axis.set_title(f"{case['slices']} slices\n{case['syntax']}{late}", fontsize=9)
        axis.tick_params(axis="x", rotation=45)
    axes[0].set_ylabel("ms per study, median")
    axes[0].legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(path, dpi=110)

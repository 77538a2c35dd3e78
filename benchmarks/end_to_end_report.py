"""Table and picture of the end-to-end benchmark."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from stages import STAGES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Result = dict[str, Any]
COLOURS = ("#4e79a7", "#f28e2b", "#59a14f", "#e15759")
GREY, PALE = "#8c8c8c", "#bab0ac"
NAMES = {"masks": "masks", "in_turn": "masks,\nin turn", "detector": "detector"}
COLUMNS = 4


def table(result: Result) -> str:
    """Medians in ms per study and ratios, as Markdown."""
    lines = [
        "| slices, transfer syntax | read the bytes | usual | with masks | with the detector "
        "| usual / masks | usual / detector | memory / volume |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [_line(case) for case in result["cases"]]
    late = [case for case in result["cases"] if case["latency_ms"]]
    lines += [""] + [_late(case) for case in late] + [""]
    lines += [
        "| slices, region | one worker | two workers | ratio | workers busy | load |",
        "|---|---|---|---|---|---|",
    ]
    for n, sources in result["throughput"].items():
        for source, found in sources.items():
            ms = {name: f"{1000 * s:.0f}" for name, s in found.items() if name.endswith("_s")}
            lines.append(
                f"| {n}, {source} | {ms['one_worker_s']} | {ms['two_workers_s']} "
                f"| {found['ratio']:.2f}x | {found['busy_one']:.2f}, {found['busy_two']:.2f} "
                f"| {found['load']} |"
            )
    return "\n".join(lines)


def _line(case: Result) -> str:
    rows = case["rows"]
    ms = {row: 1000 * rows[row]["total"] for row in rows}
    memory = [
        rows[row]["above_start_bytes"] / rows[row]["volume_bytes"] for row in ("masks", "detector")
    ]
    return (
        f"| {_name(case)} | {ms['read']:.0f} | {ms['usual']:.0f} | {ms['masks']:.0f} "
        f"| {ms['detector']:.0f} | {ms['usual'] / ms['masks']:.0f}x "
        f"| {ms['usual'] / ms['detector']:.0f}x | {memory[0]:.1f}, {memory[1]:.1f} |"
    )


def _late(case: Result) -> str:
    """What reading ahead is worth: headers and pixels, with it and without."""
    waits = []
    for row in ("in_turn", "masks"):
        found = case["rows"][row]
        waits.append(f"headers {1000 * found['headers']:.0f}, pixels {1000 * found['pixels']:.0f}")
    return f"{_name(case)}: in turn {waits[0]} ms; ahead {waits[1]} ms"


def _name(case: Result) -> str:
    late = f", {case['latency_ms']:.0f} ms more per open" if case["latency_ms"] else ""
    return f"{case['slices']}, {case['syntax']}{late}"


def picture(result: Result, path: Path) -> None:
    """Stacked bars of the stages; the usual scorer is cut off where it would dwarf them."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    cases = result["cases"]
    n_rows = -(-len(cases) // COLUMNS)
    figure, axes = plt.subplots(
        n_rows, COLUMNS, figsize=(3.4 * COLUMNS, 3.6 * n_rows), squeeze=False
    )
    for axis, case in zip(axes.flat, cases, strict=False):
        _draw(axis, case)
    for axis in axes.flat[len(cases) :]:
        axis.set_axis_off()
    for row in axes:
        row[0].set_ylabel("ms per study, median")
    figure.legend(*axes[0][0].get_legend_handles_labels(), loc="upper center", ncols=len(STAGES))
    figure.tight_layout(rect=(0, 0, 1, 0.95))
    figure.savefig(path, dpi=110)


def _draw(axis: Axes, case: Result) -> None:
    rows = case["rows"]
    shown = [row for row in NAMES if row in rows]
    highest = 1000 * max(rows[row]["total"] for row in (*shown, "read"))
    _bar(axis, "read", 1000 * rows["read"]["total"], PALE, highest)
    for row in shown:
        bottom = 0.0
        for stage, colour in zip(STAGES, COLOURS, strict=True):
            height = 1000 * rows[row][stage]
            label = stage if row == "masks" else None
            axis.bar(NAMES[row], height, bottom=bottom, color=colour, label=label)
            bottom += height
        axis.text(NAMES[row], bottom, f"{bottom:.0f}", ha="center", va="bottom", fontsize=8)
    _bar(axis, "usual", 1000 * rows["usual"]["total"], GREY, highest)
    axis.set_ylim(0, 1.25 * highest)
    axis.set_title(_name(case).replace(", ", " slices, ", 1), fontsize=9)
    axis.tick_params(axis="x", labelsize=8)


def _bar(axis: Axes, name: str, height: float, colour: str, highest: float) -> None:
    """A plain bar with its value; hatched where it is cut off."""
    top = 1.15 * highest
    is_cut = height > top
    axis.bar(name, min(height, top), color=colour, hatch="//" if is_cut else None)
    said = f"{height:.0f}, cut" if is_cut else f"{height:.0f}"
    axis.text(name, min(height, top), said, ha="center", va="bottom", fontsize=8)

"""Table and pictures of the node benchmark."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gpu_node_result import PARTS
from stages import STAGES

Result = dict[str, Any]
Row = dict[str, Any]
COLOURS = {"headers": "#4e79a7", "pixels": "#f28e2b", "region": "#59a14f", "score": "#e15759"}
LINES = {"numpy": "#4e79a7", "cupy": "#59a14f"}
STYLES = {"warm": "-", "cold": "--"}
UNDISTURBED = 0.1  # share of the processor that others may take
FLOORS = ("read", "decode", "empty_task", "pinned_copy", "device_copy")


def table(result: Result) -> str:
    """Stages, other programs and studies per second, as text."""
    card = result["gpu"]
    lines = [f"GPU: {card['name']}" if card else "No GPU was used: nothing here is about one."]
    lines += filter(None, (disturbed(result), cut_short(result)))
    lines += ["", "ms per study, one process", f"{'':34}" + "".join(f"{s:>9}" for s in STAGES)]
    for row in result["stages"]:
        ms = "".join(f"{1000 * row[f'{stage}_s']:9.0f}" for stage in STAGES)
        lines.append(f"{row['slices']:4} {row['syntax']:14}{row['backend']:8}{row['state']:7}{ms}")
    lines += ["", "other programs"]
    for row in result["rivals"]:
        time = row["note"] if row["seconds"] is None else f"{1000 * row['seconds']:9.0f} ms"
        lines.append(f"{row['slices']:4} {row['way']:40}{time}")
    lines += ["", "studies per second, whole command, and what the floors allow"]
    for row in result["throughput"]:
        rate = (
            "too short to tell" if row["studies_per_s"] is None else f"{row['studies_per_s']:.2f}"
        )
        line = f"{row['slices']:4} {row['syntax']:14}{row['backend']:8}{row['state']:6}"
        line += f"{row['workers']:4} workers {rate:>9}"
        if result["floors"]:
            line += " of {:8.1f} ({})".format(*ceiling(result, row))
        lines.append(line)
    return "\n".join(lines)


def pictures(result: Result, stem: Path) -> None:
    """Write ``stem-stages.png`` and ``stem-workers.png``, of what was measured with floors."""
    if result["stages"] and result["floors"]:
        picture_of_stages(result, stem.with_name(f"{stem.name}-stages.png"))
    if result["throughput"] and result["floors"]:
        picture_of_workers(result, stem.with_name(f"{stem.name}-workers.png"))


def disturbed(result: Result) -> str:
    """A sentence where other work kept the machine busy; empty where it did not."""
    rows = [row for part in PARTS for row in result[part]]
    busy = max((row["others_busy_share"] for row in rows), default=0.0)
    if busy < UNDISTURBED:
        return ""
    return f"other work took up to {busy:.0%} of the processor: times are too long"


def cut_short(result: Result) -> str:
    """A sentence where not all archives were measured that were asked for; else empty."""
    asked = result["options"]
    archives = {(row["slices"], row["syntax"]) for part in PARTS for row in result[part]}
    n_asked = len(asked["slices"]) * len(asked["syntaxes"])
    if len(archives) == n_asked:
        return ""
    return f"cut short: {len(archives)} of {n_asked} kinds of archive were measured"


def ceiling(result: Result, row: Row) -> tuple[float, str]:
    """The lowest floor of a throughput row, in studies per second, and its name."""
    (floors,) = (
        one
        for one in result["floors"]
        if all(one[key] == row[key] for key in ("slices", "syntax", "workers"))
    )
    found = {}
    for name in FLOORS:
        if name in ("pinned_copy", "device_copy") and row["backend"] == "numpy":
            continue
        rate = floors[f"read_{row['state']}" if name == "read" else name]
        if rate is not None:
            found[name] = rate
    which = min(found, key=lambda name: found[name])
    return found[which], which.replace("_", " ")


def picture_of_stages(result: Result, path: Path) -> None:
    """Stacked stages of each case; a line where reading and decoding alone would end."""
    plt = _pyplot()
    all_slices = sorted({row["slices"] for row in result["stages"]})
    figure, axes = plt.subplots(1, len(all_slices), figsize=(5.5 * len(all_slices), 4.8))
    for axis, slices in zip([axes] if len(all_slices) == 1 else axes, all_slices, strict=True):
        rows = [row for row in result["stages"] if row["slices"] == slices]
        for place, row in enumerate(rows):
            bottom = 0.0
            for stage in STAGES:
                height = 1000 * row[f"{stage}_s"]
                label = stage if place == 0 else None
                axis.bar(place, height, 0.75, bottom, color=COLOURS[stage], label=label)
                bottom += height
            floor = _floor_ms(result, row)
            label = "floor: read + decode" if place == 0 else None
            axis.plot([place - 0.46, place + 0.46], [floor, floor], "k-", lw=2, label=label)
        names = [f"{row['syntax']}, {row['backend']}, {row['state']}" for row in rows]
        axis.set_xticks(range(len(rows)), names, rotation=60, ha="right", fontsize=8)
        axis.set_title(f"{slices} slices", fontsize=10)
        axis.set_ylabel("ms per study, one process")
        axis.legend(fontsize=8)
    _finish(figure, result, path)


def picture_of_workers(result: Result, path: Path) -> None:
    """Studies per second against workers, with the lowest floor above each line."""
    plt = _pyplot()
    all_slices = sorted({row["slices"] for row in result["throughput"]})
    syntaxes = list(dict.fromkeys(row["syntax"] for row in result["throughput"]))
    shape = len(all_slices), len(syntaxes)
    size = (3.4 * shape[1] + 0.6, 3.2 * shape[0] + 0.6)
    figure, axes = plt.subplots(*shape, figsize=size, squeeze=False, sharey="row")
    for down, slices in enumerate(all_slices):
        for across, syntax in enumerate(syntaxes):
            axis = axes[down][across]
            rows = [
                row
                for row in result["throughput"]
                if (row["slices"], row["syntax"]) == (slices, syntax)
            ]
            _draw_workers(axis, result, rows)
            axis.set_title(f"{slices} slices, {syntax}", fontsize=9)
            axis.set_xlabel("workers")
    axes[0][0].set_ylabel("studies per second")
    axes[0][0].legend(fontsize=7, handlelength=3.5)
    _finish(figure, result, path)


def _draw_workers(axis: Any, result: Result, rows: list[Row]) -> None:  # noqa: ANN401
    for backend, state in dict.fromkeys((row["backend"], row["state"]) for row in rows):
        line = [row for row in rows if (row["backend"], row["state"]) == (backend, state)]
        known = [row for row in line if row["studies_per_s"] is not None]
        axis.plot(
            [row["workers"] for row in known],
            [row["studies_per_s"] for row in known],
            STYLES[state],
            marker="o",
            color=LINES[backend],
            label=f"{backend}, {state}",
        )
        most = [ceiling(result, row) for row in line]
        axis.plot(
            [row["workers"] for row in line],
            [rate for rate, _ in most],
            STYLES[state],
            marker=".",
            color="#8c8c8c",
            label=f"lowest floor, {state}",
        )
        axis.annotate(
            most[-1][1], (line[-1]["workers"], most[-1][0]), fontsize=7, ha="right", va="bottom"
        )
    axis.set_xscale("log", base=2)
    axis.set_yscale("log")
    workers = sorted({row["workers"] for row in rows})
    axis.set_xticks(workers, [str(n) for n in workers])
    axis.yaxis.set_major_formatter("{x:g}")
    axis.minorticks_off()


def _floor_ms(result: Result, row: Row) -> float:
    """Reading and decoding a study with one process, or with the fewest that were measured."""
    floors = [
        one
        for one in result["floors"]
        if (one["slices"], one["syntax"]) == (row["slices"], row["syntax"])
    ]
    fewest = min(floors, key=lambda one: one["workers"])
    rates = (fewest[f"read_{row['state']}"], fewest["decode"])
    return sum(1000 * float(fewest["workers"]) / float(rate) for rate in rates)


def _pyplot() -> Any:  # noqa: ANN401
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    return plt


def _finish(figure: Any, result: Result, path: Path) -> None:  # noqa: ANN401
    card, machine = result["gpu"], result["machine"]
    gpu = card["name"] if card else "no GPU"
    lines = [f"{machine['cpu']}, {machine['cores']} cores, {gpu}"]
    lines += filter(None, (disturbed(result), cut_short(result)))
    figure.suptitle("\n".join(lines), fontsize=10)
    figure.tight_layout()
    figure.savefig(path, dpi=110)

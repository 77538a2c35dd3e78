"""DICOM to scores, end to end, beside the floor and the usual open scorer; one run.

    python benchmarks/end_to_end.py --out benchmarks/results

Cases: 60, 140 and 350 slices; uncompressed, JPEG Lossless (.70), JPEG-LS. Each row is measured in
a process of its own, files in the page cache, all rows of a case in turn, several times; medians.
Processor time is counted, which other work on the machine does not stretch. The latency case adds
5 ms to every open, as network storage does, and counts the time that went by. Before, the whole
command is run with one and two workers (throughput.py).
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from stages import Clock, memory_bytes, stage_seconds

COMPRESSED = ("jpeg-lossless", "jpeg-ls")
CASES = [
    *((n_slices, "explicit", 0.0) for n_slices in (60, 140, 350)),
    (60, "explicit", 5.0),
    *((n_slices, syntax, 0.0) for n_slices in (60, 350) for syntax in COMPRESSED),
]
STUDIES = {60: 4, 140: 3, 350: 3}
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


def read(folder: Path) -> dict[str, float]:
    """(a) The floor: read the same bytes."""
    began = Clock.read()
    studies = sorted((folder / "dicom").iterdir())
    for study in studies:
        for path in sorted(study.iterdir()):
            path.read_bytes()
    return {"total": (Clock.read() - began) / len(studies)}


def usual(folder: Path) -> dict[str, float]:
    """(b) The usual open scorer."""
    from usual_scorer import usual_score

    study = min((folder / "dicom").iterdir())
    mask = min((folder / "masks").iterdir())
    began = Clock.read()
    usual_score(study, mask)
    return {"total": Clock.read() - began}


def masks(folder: Path) -> dict[str, float]:
    """(c) calcarium in one process, with masks."""
    return _calcarium(folder, "none", str(folder / "masks"))


def in_turn(folder: Path) -> dict[str, float]:
    """(c) without reading ahead."""
    from slow_storage import read_in_turn

    read_in_turn()
    return masks(folder)


def detector(folder: Path) -> dict[str, float]:
    """(e) calcarium in one process, with the embedded detector."""
    return _calcarium(folder, "detector", "")


def _calcarium(folder: Path, source: str, mask_folder: str) -> dict[str, float]:
    """Headers, pixels, region and scores per study, by stage, in a warm process."""
    from calcarium.config import load_protocol
    from calcarium.intake.index import build_index
    from calcarium.intake.select import select
    from calcarium.intake.studies import iter_studies
    from calcarium.regions.inputs import gather_inputs
    from calcarium_kernels import load

    protocol_file = folder / f"{source}.toml"
    protocol_file.write_text(f"extends = 'auto'\n[region]\nsource = '{source}'\n")
    protocols = load_protocol(str(protocol_file))
    with tempfile.TemporaryDirectory() as index:
        clock = Clock()
        build_index([str(folder / "dicom")], Path(index))
        studies = list(iter_studies(Path(index)))
        chosen = [choice for study in studies for choice in select(study, protocols).chosen]
        clock.lap("headers")
    before = memory_bytes("VmRSS")
    found = stage_seconds(chosen, protocols, gather_inputs(mask_folder), load("numpy"))
    n_bytes = found.pop("volume_bytes")
    stages = {"headers": clock.laps["headers"] / len(studies)} | found
    above = memory_bytes("VmHWM") - before
    memory = {"volume_bytes": n_bytes, "above_start_bytes": above}
    return stages | {"total": sum(stages.values())} | memory


def in_own_process(row: str, folder: Path, latency_ms: float) -> dict[str, float]:
    """Run one row in a fresh interpreter; its numbers and its peak memory."""
    command = [sys.executable, __file__, "--row", row, "--folder", str(folder)]
    done = subprocess.run(
        [*command, "--latency-ms", str(latency_ms)],
        check=True,
        capture_output=True,
        text=True,
        env=os.environ | ONE_THREAD,
    )
    return json.loads(done.stdout.splitlines()[-1])  # type: ignore[no-any-return]


def run_row(row: str, folder: Path, latency_ms: float) -> None:
    """Body of the fresh interpreter."""
    from slow_storage import slow_open

    if latency_ms:
        Clock.read = staticmethod(time.perf_counter)
    waited = slow_open(latency_ms / 1000) if latency_ms else {}
    measured = ROWS[row](folder)
    late = {"late_opens": float(sum(waited.values()))}
    print(json.dumps(measured | late | {"peak_bytes": memory_bytes("VmHWM")}))


ROWS: dict[str, Callable[[Path], dict[str, float]]] = {
    "read": read,
    "usual": usual,
    "masks": masks,
    "in_turn": in_turn,
    "detector": detector,
}


def measure_case(
    n_slices: int, syntax: str, latency_ms: float, repeats: int, work: Path
) -> dict[str, object]:
    """Every row of one case, in turn."""
    from archives import foreground, timing_scan, write_archive

    folder = work / f"{n_slices}-{syntax}"
    scan = timing_scan(n_slices)
    write_archive(folder, scan, STUDIES[n_slices], syntax)
    # Without latency nothing is read ahead, so "in turn" would be "masks" again.
    rows = [row for row in ROWS if latency_ms or row != "in_turn"]
    samples: dict[str, list[dict[str, float]]] = {row: [] for row in rows}
    for _ in range(repeats):
        for row in rows:
            samples[row].append(in_own_process(row, folder, latency_ms))
    shutil.rmtree(folder)
    share, runs = foreground(scan)
    return {
        "slices": n_slices,
        "syntax": syntax,
        "latency_ms": latency_ms,
        "foreground_share": share,
        "runs_per_slice": runs,
        "rows": {
            row: {key: statistics.median(s[key] for s in found) for key in found[0]}
            for row, found in samples.items()
        },
    }


def machine() -> dict[str, object]:
    """What it ran on, and how busy that was with other things."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(":")[2].strip() for line in lines if "model name" in line), "")
    return {"cpu": model, "cores": os.cpu_count(), "load_before": round(os.getloadavg()[0], 1)}


def main() -> None:
    """Measure, print a table, write JSON and a picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"))
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--row", choices=ROWS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--latency-ms", type=float, default=0.0, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.row:
        run_row(args.row, args.folder, args.latency_ms)
        return
    from end_to_end_report import picture, table
    from throughput import ARCHIVES, throughput

    result: dict[str, Any] = {"machine": machine(), "repeats": args.repeats}
    result |= {"throughput": {}, "cases": []}
    args.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as work:
        for n_slices in ARCHIVES:
            result["throughput"][n_slices] = throughput(n_slices, args.repeats, Path(work))
        for case in CASES:
            result["cases"].append(measure_case(*case, args.repeats, Path(work)))
            (args.out / "end-to-end.json").write_text(json.dumps(result, indent=2) + "\n")
    print(table(result))
    picture(result, args.out / "end-to-end.png")


if __name__ == "__main__":
    main()

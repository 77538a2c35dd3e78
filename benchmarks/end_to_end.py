"""DICOM to scores, end to end, beside the floor and the usual open scorer; one run.

    python benchmarks/end_to_end.py --out benchmarks/results

Cases: 60 and 350 slices; uncompressed, JPEG Lossless (.70), JPEG-LS. Each row is measured in a
process of its own, files in the page cache, all rows of a case in turn, several times; medians.
The latency case adds 5 ms to every open, as network storage does.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

CASES = [(n, syntax) for n in (60, 350) for syntax in ("explicit", "jpeg-lossless", "jpeg-ls")]
STUDIES = {60: 6, 350: 3}
ROWS = ("read", "usual", "masks", "detector")


def read(folder: Path) -> dict[str, float]:
    """(a) The floor: read the same bytes."""
    began = time.perf_counter()
    studies = sorted((folder / "dicom").iterdir())
    for study in studies:
        for path in sorted(study.iterdir()):
            path.read_bytes()
    return {"total": (time.perf_counter() - began) / len(studies)}


def usual(folder: Path) -> dict[str, float]:
    """(b) The usual open scorer."""
    from usual_scorer import usual_score

    study = min((folder / "dicom").iterdir())
    mask = min((folder / "masks").iterdir())
    began = time.perf_counter()
    usual_score(study, mask)
    return {"total": time.perf_counter() - began}


def masks(folder: Path) -> dict[str, float]:
    """(c) calcarium in one process, with masks."""
    return _calcarium(folder, "none", str(folder / "masks"))


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
    from calcarium.regions.resolve import find_region
    from calcarium.scoring.score import score_region
    from calcarium.volume import load_volume
    from calcarium_kernels import load

    protocol_file = folder / f"{source}.toml"
    protocol_file.write_text(f"extends = 'auto'\n[region]\nsource = '{source}'\n")
    protocols = load_protocol(str(protocol_file))
    kernels, inputs = load("numpy"), gather_inputs(mask_folder)
    with tempfile.TemporaryDirectory() as index:
        clock = Clock()
        build_index([str(folder / "dicom")], Path(index))
        studies = list(iter_studies(Path(index)))
        chosen = [choice for study in studies for choice in select(study, protocols).chosen]
        clock.lap("headers")
    before = memory_bytes("VmRSS")
    for number, choice in enumerate(chosen):
        if number == 1:  # the first one warmed the process up
            clock.laps = {"headers": clock.laps["headers"] / len(studies) * (len(chosen) - 1)}
            clock.last = time.perf_counter()
        protocol = protocols.by_class[choice.scan_class]
        volume = load_volume(choice.scan, protocol.volume)
        clock.lap("pixels")
        region = find_region(volume, choice.scan, protocol, inputs, kernels)
        clock.lap("region")
        score_region(volume, region, choice.scan.acquisition, protocol.scoring, kernels)
        clock.lap("score")
        n_bytes = float(volume.stored.nbytes)
        del volume, region
    stages = {name: lap / (len(chosen) - 1) for name, lap in clock.laps.items()}
    above = memory_bytes("VmHWM") - before
    memory = {"volume_bytes": n_bytes, "above_start_bytes": above}
    return stages | {"total": sum(stages.values())} | memory


def memory_bytes(field: str) -> float:
    """``VmRSS`` (resident now) or ``VmHWM`` (peak) of this process."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return float(line.split()[1]) * 1024
    raise RuntimeError(f"/proc/self/status has no {field}")


class Clock:
    """Times between laps, by name."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self.last = time.perf_counter()

    def lap(self, name: str) -> None:
        """Time since the last lap."""
        now = time.perf_counter()
        self.laps[name] = self.laps.get(name, 0.0) + now - self.last
        self.last = now


def in_own_process(row: str, folder: Path, latency_ms: float) -> dict[str, float]:
    """Run one row in a fresh interpreter; its numbers and its peak memory."""
    command = [sys.executable, __file__, "--row", row, "--folder", str(folder)]
    done = subprocess.run(
        [*command, "--latency-ms", str(latency_ms)], check=True, capture_output=True, text=True
    )
    return json.loads(done.stdout.splitlines()[-1])  # type: ignore[no-any-return]


def run_row(row: str, folder: Path, latency_ms: float) -> None:
    """Body of the fresh interpreter."""
    if latency_ms:
        slow_open(latency_ms / 1000)
    measured = ROW_FUNCTIONS[row](folder)
    print(json.dumps(measured | {"peak_bytes": memory_bytes("VmHWM")}))


def slow_open(seconds: float) -> None:
    """Make every open of a DICOM file take so much longer."""
    import builtins
    import io

    plain, plain_os = builtins.open, os.open

    def opened(file: object, *args: object, **more: object) -> object:
        if str(file).endswith(".dcm"):
            time.sleep(seconds)
        return plain(file, *args, **more)  # type: ignore[call-overload]

    def opened_os(path: object, *args: object, **more: object) -> object:
        if str(path).endswith(".dcm"):
            time.sleep(seconds)
        return plain_os(path, *args, **more)  # type: ignore[arg-type]

    builtins.open, io.open, os.open = opened, opened, opened_os  # type: ignore[assignment]


ROW_FUNCTIONS: dict[str, Callable[[Path], dict[str, float]]] = {
    "read": read,
    "usual": usual,
    "masks": masks,
    "detector": detector,
}


def measure_case(
    n_slices: int, syntax: str, repeats: int, work: Path, latency_ms: float = 0.0
) -> dict[str, object]:
    """Every row of one case, in turn."""
    from archives import foreground, timing_scan, write_archive

    folder = work / f"{n_slices}-{syntax}"
    scan = timing_scan(n_slices)
    if not folder.exists():
        write_archive(folder, scan, STUDIES[n_slices], syntax)
    samples: dict[str, list[dict[str, float]]] = {row: [] for row in ROWS}
    for _ in range(repeats):
        for row in ROWS:
            samples[row].append(in_own_process(row, folder, latency_ms))
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


def two_workers(n_slices: int, n_studies: int, work: Path) -> dict[str, float]:
    """(d) The whole command with one and with two workers: seconds per study, start left out."""
    from archives import timing_scan, write_archive

    folder = work / f"workers-{n_slices}"
    write_archive(folder, timing_scan(n_slices), n_studies, "explicit")
    per_study = {}
    for workers in (1, 2):
        out = work / f"results-{n_slices}-{workers}"
        few, every = (
            _timed_command(folder, f"{out}-{limit}", workers, limit) for limit in (2, n_studies)
        )
        per_study[f"{workers}_workers_s"] = (every - few) / (n_studies - 2)
    return per_study | {"ratio": per_study["1_workers_s"] / per_study["2_workers_s"]}


def _timed_command(folder: Path, out: str, workers: int, limit: int) -> float:
    command = [sys.executable, "-m", "calcarium", "score", str(folder / "dicom"), "--out", out]
    command += ["--masks", str(folder / "masks"), "--workers", str(workers), "--quiet"]
    subprocess.run([sys.executable, "-m", "calcarium", "index", str(folder / "dicom"),
                    "--out", f"{out}/index"], check=True, capture_output=True)  # fmt: skip
    began = time.perf_counter()
    subprocess.run([*command, "--limit", str(limit)], check=True, capture_output=True)
    return time.perf_counter() - began


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

    with tempfile.TemporaryDirectory() as work:
        cases = [measure_case(n, s, args.repeats, Path(work)) for n, s in CASES]
        cases.append(measure_case(60, "explicit", args.repeats, Path(work), latency_ms=5.0))
        workers = {n: two_workers(n, count, Path(work)) for n, count in ((60, 24), (350, 10))}
    machine = {"cpu": platform.processor() or platform.machine(), "cores": os.cpu_count()}
    result = {"machine": machine, "repeats": args.repeats, "cases": cases, "workers": workers}
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "end-to-end.json").write_text(json.dumps(result, indent=2) + "\n")
    print(table(result))
    picture(result, args.out / "end-to-end.png")


if __name__ == "__main__":
    main()

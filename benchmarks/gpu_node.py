"""Throughput of one node, with a GPU or without: one command, one JSON, two pictures.

    python benchmarks/gpu_node.py --out benchmarks/results --work /fast/disk

Slices {60, 110, 350} x stored {raw, jpeg-lossless, jpeg-ls, j2k, htj2k} x backend {numpy, cupy}
x workers {1, 2, 4 .. twice the cores} x page cache {cold, warm}: time by stage, studies per
second of the whole command, floors and other programs, all in one run. Everything takes hours:
choose with --slices, --syntaxes, --backend, --workers, --states, or --quick.
Without a GPU the numpy part runs, and "gpu" is null. Nothing else should run meanwhile.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from gpu_node_archive import STORED_AS, Archive, make_archive
from gpu_node_card import CopyToDevice, CopyToPinned, find_card
from gpu_node_floors import DecodeFrames, Floor, ReadFiles, empty_tasks_per_s, studies_per_s
from gpu_node_machine import busy_share, describe_machine, describe_software
from gpu_node_result import PARTS, result_name, write_result
from gpu_node_throughput import set_cache, throughput

HERE = Path(__file__).parent
SLICES = (60, 110, 350)
STATES = ("cold", "warm")
Row = dict[str, Any]
Card = dict[str, object] | None


def say(what: str) -> None:
    """Progress, on the error stream."""
    print(f"{time.strftime('%H:%M:%S')}  {what}", file=sys.stderr, flush=True)


def measure(args: argparse.Namespace, card: Card) -> Iterator[dict[str, list[Row]]]:
    """Rows of each archive in turn: ``stages``, ``floors``, ``rivals``, ``throughput``."""
    backends = ["numpy", "cupy"] if card else ["numpy"]
    if card and args.backend != "auto":
        backends = [args.backend]
    tasks = {n: empty_tasks_per_s(n) for n in args.workers} if "floors" in args.parts else {}
    for slices in args.slices:
        for syntax in args.syntaxes:
            say(f"{slices} slices, {syntax}: writing")
            n_studies = max(args.workers) * (1 + args.per_worker)
            with tempfile.TemporaryDirectory(dir=args.work) as folder:
                archive = make_archive(Path(folder, "archive"), slices, syntax, n_studies)
                parts = {
                    "stages": _stages(archive, args, backends),
                    "floors": _floors(archive, args, card, tasks),
                    "rivals": _rivals(archive, args, backends),
                    "throughput": _throughput(archive, args, backends, card),
                }
                yield {part: list(parts[part]) for part in args.parts}


def _stages(archive: Archive, args: argparse.Namespace, backends: list[str]) -> Iterator[Row]:
    n_studies = 1 + args.per_worker  # the first of which warms the process up
    studies = archive.studies[:n_studies]
    for backend in backends:
        for state in args.states:
            say(f"stages, {backend}, {state}")
            row = _named(archive, backend=backend, state=state)
            set_cache(archive.files(n_studies), cold=state == "cold")
            options = ["--backend", backend, *_mask_options(archive, args)]
            (seconds,) = _alone("gpu_node_stages.py", *map(str, studies), *options)
            yield row | seconds


def _floors(
    archive: Archive, args: argparse.Namespace, card: Card, tasks: dict[int, float]
) -> Iterator[Row]:
    """Studies per second that each floor allows, by the number of processes."""
    rounds = args.per_worker
    for workers in args.workers:
        say(f"floors, {workers} at once")
        row = _named(archive, workers=workers)
        for state in STATES:
            row[f"read_{state}"] = None
            if state in args.states:
                set_cache(archive.files(), cold=state == "cold")
                row[f"read_{state}"] = studies_per_s(
                    ReadFiles(archive.studies, workers), workers, rounds
                )
        decoding = DecodeFrames(archive.studies[0], archive.syntax)
        row["decode"] = studies_per_s(decoding, workers, rounds)
        row["empty_task"] = tasks[workers]
        copies: dict[str, Floor] = {
            "pinned_copy": CopyToPinned(archive.slices),
            "device_copy": CopyToDevice(archive.slices),
        }
        for name, copy in copies.items():
            row[name] = studies_per_s(copy, workers, rounds) if card else None
        yield row


def _rivals(archive: Archive, args: argparse.Namespace, backends: list[str]) -> Iterator[Row]:
    if archive.syntax != "raw":  # they work on voxels, and most of them on nothing else
        return
    say("other programs")
    row, mask = _named(archive), min(archive.masks.iterdir())
    options = ["--backends", *backends, "--repeats", str(args.repeats)]
    found = _alone("gpu_node_rivals.py", str(archive.studies[0]), str(mask), *options)
    yield from (row | way for way in found)


def _throughput(
    archive: Archive, args: argparse.Namespace, backends: list[str], card: Card
) -> Iterator[Row]:
    for backend in backends:
        for workers in args.workers:
            for state in args.states:
                say(f"studies per second, {backend}, {workers} workers, {state}")
                row = _named(archive, backend=backend, workers=workers, state=state)
                yield row | throughput(
                    archive,
                    backend,
                    workers,
                    args.per_worker,
                    masks=args.region == "masks",
                    cold=state == "cold",
                    card=card if backend == "cupy" else None,
                )


def _named(archive: Archive, **more: object) -> Row:
    """What a row is about, and how busy others keep this machine while it is measured."""
    about = {"slices": archive.slices, "syntax": archive.syntax}
    return {**about, **more, "others_busy_share": busy_share()}


def _mask_options(archive: Archive, args: argparse.Namespace) -> list[str]:
    return ["--masks", str(archive.masks)] if args.region == "masks" else []


def _alone(script: str, *arguments: str) -> list[Row]:
    """What a script prints that has an interpreter of its own.

    Raises
    ------
    RuntimeError
        if it fails, with the end of what it said
    """
    command = [sys.executable, str(HERE / script), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{script} failed:\n{done.stderr[-2000:]}")
    return list(json.loads(done.stdout.splitlines()[-1]))


def powers_of_two(limit: int) -> list[int]:
    """1, 2, 4 and so on, ``limit`` itself the last."""
    below = [1 << k for k in range(limit.bit_length()) if 1 << k < limit]
    return [*below, limit]


def parse(words: list[str] | None = None) -> argparse.Namespace:
    """The options; those that are not given depend on the cores and on ``--quick``."""
    cores = len(os.sched_getaffinity(0))
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add: Callable[..., object] = parser.add_argument
    add("--out", type=Path, default=HERE / "results", help="folder of the JSON and the pictures")
    add("--work", type=Path, default=Path(tempfile.gettempdir()), help="where the archives lie")
    add("--name", help="of the files; by default the card's")
    add("--backend", choices=("auto", "numpy", "cupy"), default="auto", help="auto: all there are")
    add("--region", choices=("detector", "masks"), default="detector", help="of the scores")
    add("--slices", type=int, nargs="+")
    add("--syntaxes", choices=tuple(STORED_AS), nargs="+", default=list(STORED_AS))
    add("--workers", type=int, nargs="+", help="by default powers of two up to twice the cores")
    add("--states", choices=STATES, nargs="+", default=list(STATES), help="of the page cache")
    add("--parts", choices=PARTS, nargs="+", default=list(PARTS), help="of the result")
    add("--per-worker", type=int, help="studies for each worker that are timed")
    add("--repeats", type=int, default=3, help="of what other programs do")
    add("--report", type=Path, help="only show and draw a result again, of a run cut short too")
    add("--quick", action="store_true", help="60 slices, 1 worker and one for each core")
    args = parser.parse_args(words)
    quick = args.quick
    args.slices = args.slices or ([60] if quick else list(SLICES))
    args.workers = args.workers or (sorted({1, cores}) if quick else powers_of_two(2 * cores))
    args.per_worker = args.per_worker or (4 if quick else 8)
    return args


def main(words: list[str] | None = None) -> None:
    """Measure; write JSON after each archive, so that a long run can be cut short."""
    args = parse(words)
    if args.report:
        show(json.loads(args.report.read_text()), args.report.with_suffix(""))
        return
    args.work.mkdir(parents=True, exist_ok=True)
    card = find_card(args.backend)
    if card is None:
        say("no GPU is used here: numpy alone is measured, and nothing is said about any GPU")
    result: dict[str, Any] = {
        "machine": describe_machine(args.work),
        "gpu": card,
        "software": describe_software(),
        "options": {key: str(value) if isinstance(value, Path) else value
                    for key, value in vars(args).items() if key not in ("out", "work", "report")},
        **{part: [] for part in PARTS},
    }  # fmt: skip
    name = args.name or result_name(card)
    for rows in measure(args, card):
        for part, found in rows.items():
            result[part] += found
        write_result(result, args.out / f"{name}.json")
    show(result, args.out / name)


def show(result: dict[str, Any], stem: Path) -> None:
    """Print the table, and draw the pictures beside the file."""
    from gpu_node_report import pictures, table

    print(table(result))
    pictures(result, stem)


if __name__ == "__main__":
    main()

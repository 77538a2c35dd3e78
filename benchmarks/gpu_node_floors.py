"""What no scorer can beat on this node: reading, decoding, copying, and asking Dask; no more.

Each floor is measured with as many processes at once as the scorer has workers. Processes are
spawned, prepare, wait for each other, and work through as many studies each; the slowest counts.
"""

from __future__ import annotations

import multiprocessing as mp
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Protocol, TypeAlias

import numpy as np
import pydicom
from gpu_node_archive import transfer_syntax
from pydicom.encaps import generate_frames

from calcarium.volume.codecs import decode, syntax_of

START_S = 120.0
NO_OPS = 400

Work: TypeAlias = Callable[[int], object]


class Floor(Protocol):
    """What a process does: ``prepare`` is not counted, what it returns is, once per study."""

    def prepare(self, process: int) -> Work:
        """Get ready as process number so and so; the result takes the number of a round."""
        ...


@dataclass(frozen=True)
class ReadFiles:
    """Read all bytes of a study, a different one each time."""

    studies: tuple[Path, ...]
    processes: int

    def prepare(self, process: int) -> Work:
        """Names of the files are known before."""
        files = [sorted(study.iterdir()) for study in self.studies]

        def read(number: int) -> None:
            for path in files[(process + number * self.processes) % len(files)]:
                path.read_bytes()

        return read


@dataclass(frozen=True)
class DecodeFrames:
    """Decode a study that lies in memory; uncompressed words are copied to their places."""

    study: Path
    syntax: str

    def prepare(self, process: int) -> Work:  # noqa: ARG002 -- the same for all
        """Take the frames out of the files."""
        files = [pydicom.dcmread(path) for path in sorted(self.study.iterdir())]
        out = np.empty((len(files), files[0].Rows, files[0].Columns), dtype=np.uint16)
        syntax = syntax_of(transfer_syntax(self.syntax))
        if syntax.kind == "native":
            plain = [np.frombuffer(one.PixelData, "<u2").reshape(out.shape[1:]) for one in files]

            def copy(number: int) -> None:  # noqa: ARG001
                for words, place in zip(plain, out, strict=True):
                    place[...] = words

            return copy
        frames = [next(generate_frames(one.PixelData, number_of_frames=1)) for one in files]

        def decoded(number: int) -> None:  # noqa: ARG001
            for frame, place in zip(frames, out, strict=True):
                decode(syntax, frame, place)

        return decoded


def studies_per_s(floor: Floor, processes: int, rounds: int) -> float:
    """Studies per second that so many processes get through together.

    Raises
    ------
    RuntimeError
        if a process fails or does not start
    """
    context = mp.get_context("spawn")
    barrier = context.Barrier(processes)
    seconds: mp.SimpleQueue[float] = context.SimpleQueue()
    started = [
        context.Process(target=_run, args=(floor, number, rounds, barrier, seconds), daemon=True)
        for number in range(processes)
    ]
    for process in started:
        process.start()
    for process in started:
        process.join()
    if any(process.exitcode for process in started):
        raise RuntimeError(f"{type(floor).__name__}: a process failed, see above")
    return processes * rounds / max(seconds.get() for _ in started)


def _run(
    floor: Floor, number: int, rounds: int, barrier: Barrier, seconds: mp.SimpleQueue[float]
) -> None:
    try:
        work = floor.prepare(number)
        work(0)
        barrier.wait(START_S)
    except BaseException:
        barrier.abort()
        raise
    began = time.perf_counter()
    for turn in range(1, rounds + 1):
        work(turn)
    seconds.put(time.perf_counter() - began)


def empty_tasks_per_s(workers: int, n_tasks: int = NO_OPS) -> float:
    """Tasks per second that do nothing, through a local cluster in the window of the scorer."""
    from functools import partial

    from calcarium.batch.cluster import workers as cluster
    from calcarium.batch.options import RunOptions
    from calcarium.intake.parallel import windowed_map

    options = RunOptions(workers=workers)
    window = workers * options.bundles_per_worker
    with cluster(options, None) as client:
        client.wait_for_workers(workers, timeout=START_S)
        submit = partial(client.submit, pure=False)
        list(windowed_map(submit, window, _nothing, range(window)))
        began = time.perf_counter()
        list(windowed_map(submit, window, _nothing, range(n_tasks)))
        return n_tasks / (time.perf_counter() - began)


def _nothing(number: int) -> int:
    return number

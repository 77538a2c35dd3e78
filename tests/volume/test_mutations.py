"""Broken and hostile files end in an outcome: no crash, no hang, no memory beyond bounds.

Run in a process of its own, so that a decoder that crashes fails this test and
not all that come after it.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from dicom_series import SYNTAXES, acquisition, write_series

MEMORY_MB = 600  # above what the imports take; the series themselves are some kB
SECONDS_PER_FILE = 0.5
OUTCOMES = {"scored", "ScanExcluded", "ScanFailed", "ResourceError"}


def mutated(data: bytes, rng: random.Random) -> bytes:
    """Damage bytes as transfers, disks and people do."""
    out = bytearray(data)
    kind = rng.choice(("bytes", "header", "cut", "insert", "delete", "length"))
    if kind == "bytes":
        for _ in range(rng.randint(1, 30)):
            out[rng.randrange(len(out))] = rng.randrange(256)
    elif kind == "header":
        for _ in range(rng.randint(1, 8)):
            out[rng.randrange(132, min(len(out), 1200))] = rng.choice((0, 1, 0x7F, 0xFF, 0x31))
    elif kind == "cut":
        del out[rng.randrange(1, len(out)) :]
    elif kind == "insert":
        at = rng.randrange(len(out))
        out[at:at] = rng.randbytes(rng.randint(1, 64))
    elif kind == "delete":
        at = rng.randrange(len(out))
        del out[at : at + rng.randint(1, 64)]
    else:
        at = rng.randrange(132, len(out) - 4)
        out[at : at + 4] = rng.choice((b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f", b"\0\0\0\0"))
    return bytes(out)


def run(folder: Path, n: int, seed: int) -> dict[str, object]:
    """Damage one slice of a series and load it, ``n`` times; runs in the child process."""
    import resource
    import time

    from calcarium.config import VolumeRules
    from calcarium.errors import ResourceError, ScanExcluded, ScanFailed
    from calcarium.intake.headers import Header, read_header
    from calcarium.intake.locations import Container, File, head_reader
    from calcarium.intake.records import Scan
    from calcarium.volume import load_volume

    def header(path: Path) -> Header | None:
        file = File.plain(Container(str(path), path.stat().st_size, 0))
        read = read_header(file, head_reader(file.url))
        return read if isinstance(read, Header) else None

    rng = random.Random(seed)
    pixels = np.random.default_rng(seed).integers(-1000, 3000, (3, 40, 44)).astype(np.int16)
    series = [
        write_series(folder / str(i), pixels, syntax=syntax) for i, syntax in enumerate(SYNTAXES)
    ]
    counts: dict[str, int] = {}
    slowest = 0.0
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for i in range(n):
        paths = series[i % len(series)]
        whole = paths[1].read_bytes()
        broken = folder / "broken.dcm"
        broken.write_bytes(mutated(whole, rng))
        start = time.perf_counter()
        found = [header(path) for path in (paths[0], broken, paths[2])]
        files = tuple(h.file for h in found if h is not None)
        try:
            load_volume(Scan("1", "1", acquisition(), files), VolumeRules())
            outcome = "scored"
        except (ScanExcluded, ScanFailed, ResourceError) as error:
            outcome = type(error).__name__
        slowest = max(slowest, time.perf_counter() - start)
        counts[outcome] = counts.get(outcome, 0) + 1
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    return {"counts": counts, "slowest_s": slowest, "grown_mb": grown}


def check(folder: Path, n: int, seed: int) -> None:
    child = subprocess.run(
        [sys.executable, "-W", "error", __file__, str(folder), str(n), str(seed)],
        capture_output=True,
        text=True,
        timeout=60 + n * SECONDS_PER_FILE,
        check=False,
    )
    assert child.returncode == 0, child.stderr[-3000:]
    result = json.loads(child.stdout.splitlines()[-1])
    assert set(result["counts"]) <= OUTCOMES
    assert sum(result["counts"].values()) == n
    # Some damage goes unseen (a flipped pixel), some does not: neither may be all.
    assert result["counts"]["scored"] > n / 20
    assert result["counts"]["ScanExcluded"] > n / 20
    assert result["grown_mb"] < MEMORY_MB, result


def test_mutated_files(tmp_path: Path) -> None:
    check(tmp_path, 2000, seed=1)


@pytest.mark.slow
@pytest.mark.timeout(20_000 * SECONDS_PER_FILE)
def test_many_mutated_files(tmp_path: Path) -> None:
    check(tmp_path, 20_000, seed=2)


def test_a_header_that_asks_for_terabytes(tmp_path: Path) -> None:
    from dicom_series import scan_of

    from calcarium.config import VolumeRules
    from calcarium.errors import ScanExcluded
    from calcarium.volume import load_volume

    scan = scan_of(write_series(tmp_path, np.zeros((2, 8, 8), np.int16)))
    for huge in ({"number_of_frames": 10**9}, {"rows": 65535, "columns": 65535}):
        files = tuple(replace(f, **huge) for f in scan.files)  # type: ignore[arg-type]
        with pytest.raises(ScanExcluded):
            load_volume(replace(scan, files=files), VolumeRules())


if __name__ == "__main__":
    print(json.dumps(run(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))))

"""Where the time of scans goes, stage by stage, in a process that has nothing else to do."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from calcarium.config import Protocols
    from calcarium.intake.select import ScanChoice
    from calcarium.regions.inputs import RegionInputs
    from calcarium_kernels.contract import Kernels

STAGES = ("headers", "pixels", "region", "score")


class Clock:
    """Times between laps, by name.

    Attributes
    ----------
    read : the clock: processor time, or that on the wall
    """

    read: Callable[[], float] = staticmethod(time.process_time)

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self.last = Clock.read()

    def lap(self, name: str) -> None:
        """Time since the last lap."""
        now = self.read()
        self.laps[name] = self.laps.get(name, 0.0) + now - self.last
        self.last = now


def memory_bytes(field: str) -> float:
    """``VmRSS`` (resident now) or ``VmHWM`` (peak) of this process."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return float(line.split()[1]) * 1024
    raise RuntimeError(f"/proc/self/status has no {field}")


def stage_seconds(
    chosen: Sequence[ScanChoice], protocols: Protocols, inputs: RegionInputs, kernels: Kernels
) -> dict[str, float]:
    """Seconds per scan for pixels, region and score, and ``volume_bytes`` of the last.

    The first scan warms the process up and does not count.
    """
    from calcarium.regions.resolve import find_region
    from calcarium.scoring.score import score_region
    from calcarium.volume import load_volume

    n_bytes = 0.0
    for number, choice in enumerate(chosen):
        if number <= 1:
            clock = Clock()
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
    return stages | {"volume_bytes": n_bytes}

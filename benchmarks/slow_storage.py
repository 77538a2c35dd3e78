"""Storage that answers late, for benchmarks: every open of a DICOM file waits."""

from __future__ import annotations

import builtins
import io
import os
import time
from collections import Counter


def slow_open(seconds: float) -> Counter[str]:
    """Make every open of a DICOM file in this process take so much longer.

    Returns
    -------
    opens that waited so far, by the way they went: ``os.open`` (calcarium), ``open`` (pydicom,
    pathlib)
    """
    plain, plain_os = builtins.open, os.open
    waited: Counter[str] = Counter()

    def wait(file: object, name: str) -> None:
        if str(file).endswith(".dcm"):
            waited[name] += 1
            time.sleep(seconds)

    def opened(file: object, *args: object, **more: object) -> object:
        wait(file, "open")
        return plain(file, *args, **more)  # type: ignore[call-overload]

    def opened_os(path: object, *args: object, **more: object) -> object:
        wait(path, "os.open")
        return plain_os(path, *args, **more)  # type: ignore[arg-type]

    builtins.open, io.open, os.open = opened, opened, opened_os  # type: ignore[assignment]
    return waited


def read_in_turn() -> None:
    """Switch reading ahead off."""
    from calcarium.intake import read_ahead

    read_ahead.SLOW_READ_S = float("inf")

"""Which of a node's GPUs a process uses: chosen before anything imports CuPy.

Processes on one node take turns: the first takes device 0, the next device 1, and so on round
the devices. A process holds its turn with a locked file, which the kernel gives back however the
process ends; so it works the same under a local cluster and under ``dask worker`` on a node.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

MAX_PROCESSES = 4096
VISIBLE = "CUDA_VISIBLE_DEVICES"
_held: list[int] = []  # open files, locked for as long as this process lives


def visible_devices() -> tuple[str, ...]:
    """Names of the devices that this process may use, without asking CUDA.

    Those of ``CUDA_VISIBLE_DEVICES`` where it is set, else all that ``nvidia-smi`` lists.
    """
    if VISIBLE in os.environ:
        return tuple(name.strip() for name in os.environ[VISIBLE].split(",") if name.strip())
    try:
        listed = subprocess.run(
            ["nvidia-smi", "--query-gpu=index", "--format=csv,noheader"],
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return ()
    return tuple(listed.stdout.split())


def claim_device(devices: Sequence[str] | None = None, folder: Path | None = None) -> str:
    """Take a turn at the node's devices and let CUDA see only that one.

    Parameters
    ----------
    devices : by default :func:`visible_devices`
    folder : of the lock files; node-local

    Raises
    ------
    RuntimeError
        if CuPy is imported already, or there is no device.
    """
    if "cupy" in sys.modules:
        raise RuntimeError("CuPy was imported before the device was chosen")
    devices = visible_devices() if devices is None else devices
    if not devices:
        raise RuntimeError(f"no CUDA device: nvidia-smi lists none, {VISIBLE} is not set or empty")
    device = devices[_turn(folder or _lock_folder()) % len(devices)]
    os.environ[VISIBLE] = device
    return device


def _lock_folder() -> Path:
    folder = Path(tempfile.gettempdir()) / f"calcarium-devices-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def _turn(folder: Path) -> int:
    """The lowest number that no living process holds."""
    for number in range(MAX_PROCESSES):
        handle = os.open(folder / f"{number}.lock", os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(handle)
            continue
        _held.append(handle)
        return number
    raise RuntimeError(f"more than {MAX_PROCESSES} processes share the devices of this node")

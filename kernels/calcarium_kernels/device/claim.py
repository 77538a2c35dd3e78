"""Which of a node's GPUs a process uses: chosen before anything imports CuPy.

Processes on one node take turns: the first takes device 0, the next device 1, and so on round
the devices. A process holds its turn with a locked file, which the kernel gives back however the
process ends; so it works the same under a local cluster and under ``dask worker`` on a node.
Jobs of Slurm take turns each on their own: device 0 of one need not be that of another.
"""

from __future__ import annotations

import fcntl
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from itertools import product, takewhile
from pathlib import Path

MAX_TURNS = 1024  # processes on one device
FLAGS = os.O_CREAT | os.O_RDWR
VISIBLE = "CUDA_VISIBLE_DEVICES"
# CUDA stops reading at the first name that is none: -1 and NoDevFiles hide what follows.
NAME = re.compile(r"\d+|(?:GPU|MIG)-\S+")
LISTED = re.compile(r"^(\s*)(?:GPU|MIG) .*\(UUID: (\S+)\)", re.MULTILINE)
_held: dict[int, str] = {}  # open file, locked for as long as this process lives -> device


def visible_devices() -> tuple[str, ...]:
    """Names of the devices that this process may use, without asking CUDA.

    Those of ``CUDA_VISIBLE_DEVICES`` where it is set, else all that ``nvidia-smi`` lists, by
    their UUID: CUDA's numbers need not be those of ``nvidia-smi``.  Of a GPU that is divided
    (MIG) those are its parts, of which a process can use one.
    """
    if VISIBLE in os.environ:
        names = [name.strip() for name in os.environ[VISIBLE].split(",")]
        return tuple(takewhile(NAME.fullmatch, names))
    try:
        listed = subprocess.run(
            ["nvidia-smi", "-L"], capture_output=True, text=True, timeout=30, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return ()
    return _whole_or_parts(listed.stdout)


def _whole_or_parts(listed: str) -> tuple[str, ...]:
    """UUIDs of a list of ``nvidia-smi -L``, where the parts of a GPU are indented below it."""
    names: list[str] = []
    whole = ""
    for indent, uuid in LISTED.findall(listed):
        if not indent:
            whole = uuid
        elif names and names[-1] == whole:
            names.pop()
        names.append(uuid)
    return tuple(names)


def claim_device(devices: Sequence[str] | None = None) -> str:
    """Take a turn at the node's devices and let CUDA see only that one; once per process.

    Parameters
    ----------
    devices : by default :func:`visible_devices`

    Raises
    ------
    RuntimeError
        if CuPy is imported already, or there is no device.
    """
    if _held:
        return next(iter(_held.values()))
    if "cupy" in sys.modules:
        raise RuntimeError("CuPy was imported before the device was chosen")
    devices = visible_devices() if devices is None else devices
    if not devices:
        raise RuntimeError(f"no CUDA device: nvidia-smi lists none, {VISIBLE} is not set or empty")
    device, handle = _turn(devices)
    _held[handle] = device
    os.environ[VISIBLE] = device
    return device


def _turn(devices: Sequence[str]) -> tuple[str, int]:
    """The first device that as few living processes hold as any, and the file that holds it."""
    job = os.environ.get("SLURM_JOB_ID", "")
    folder = Path(tempfile.gettempdir()) / f"calcarium-devices-{os.getuid()}{job and '-'}{job}"
    folder.mkdir(mode=0o700, exist_ok=True)
    for turn, device in product(range(MAX_TURNS), devices):
        handle = os.open(folder / f"{device.replace('/', '_')}-{turn}.lock", FLAGS, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(handle)
            continue
        return device, handle
    raise RuntimeError(f"more than {MAX_TURNS} processes share each device of this node")

"""Which backend a run uses: what is asked for, and what the workers have."""

from __future__ import annotations

import socket
from contextlib import suppress
from importlib.util import find_spec
from typing import Literal, TypeAlias

from distributed import Client, wait

from calcarium.batch.progress import Reporter
from calcarium.errors import UsageError
from calcarium_kernels import load
from calcarium_kernels.device import DeviceError
from calcarium_kernels.device.claim import claim_device, visible_devices

Backend: TypeAlias = Literal["numpy", "cupy"]
NOT_INSTALLED = "CuPy is not installed: pip install 'calcarium[cuda12]' or 'calcarium[cuda13]'"
ANSWER_S = 60.0


def choose_backend(asked: Literal["auto", "numpy", "cupy"]) -> Backend:
    """The backend of this process: ``auto`` takes CuPy where this machine has a device.

    Raises
    ------
    UsageError
        if CuPy is asked for and cannot be had; nothing falls back silently.
    """
    why = "" if asked == "numpy" else _lacking()
    if why and asked == "cupy":
        raise UsageError(f"--backend cupy: {why}")
    return "numpy" if why or asked == "numpy" else "cupy"


def backend_of_workers(
    asked: Literal["auto", "numpy", "cupy"], client: Client, reporter: Reporter
) -> Backend:
    """The one backend of a run: ``auto`` takes CuPy where every worker can use it.

    Workers are asked before anything is read. One that does not answer, and one that comes
    later, shows when it is to score.

    Raises
    ------
    UsageError
        if CuPy is asked for and a worker lacks it, with the worker and what to install there.
    """
    if asked == "numpy":
        return asked
    lacking = _workers_without_cupy(client)
    if not lacking:
        return "cupy"
    worker, why = next(iter(lacking.items()))
    others = f" and {len(lacking) - 1} more" if len(lacking) > 1 else ""
    sentence = f"{why} (worker {worker}{others})"
    if asked == "cupy":
        raise UsageError(f"--backend cupy: {sentence}")
    if set(lacking.values()) != {NOT_INSTALLED}:
        reporter.say(f"--backend auto takes numpy: {sentence}")
    return "numpy"


def lack_of_cupy() -> tuple[str, str]:
    """Host of this worker process, and why it cannot use CuPy; empty where it can."""
    why = _lacking()
    if not why:
        try:
            claim_device()
            load("cupy")
        except DeviceError:
            pass  # there is a device, and a new process may have it
        except RuntimeError as error:
            why = str(error)
    return socket.gethostname(), why


def _workers_without_cupy(client: Client) -> dict[str, str]:
    asked = {
        worker: client.submit(lack_of_cupy, workers=[worker], pure=False)
        for worker in client.nthreads()
    }
    with client.as_current(), suppress(TimeoutError):
        wait(list(asked.values()), timeout=ANSWER_S)
    lacking: dict[str, str] = {}
    for worker, answer in asked.items():
        if answer.status == "finished":
            host, why = answer.result()
            lacking |= {f"{worker} on {host}": why} if why else {}
        elif answer.status == "error":
            lacking[worker] = f"CuPy cannot be loaded: {answer.exception()!r}"
    return lacking


def _lacking() -> str:
    """What is missing on this machine for CuPy, without loading it."""
    if find_spec("cupy") is None:
        return NOT_INSTALLED
    return "" if visible_devices() else "no CUDA device is visible; nvidia-smi shows what is there"

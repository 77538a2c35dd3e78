"""Workers: processes of this machine, or a scheduler that is already there."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import dask
from distributed import Client, LocalCluster

from calcarium.batch.options import RunOptions
from calcarium.errors import ResourceError, UsageError
from calcarium.provenance import calcarium_version

CONFIG = {
    # One death is enough for dask to give a task back: whose fault it was is decided here.
    "distributed.scheduler.allowed-failures": 0,
    # Else a local cluster gives up a worker for good that is not back 15 s after it was replaced.
    "distributed.deploy.lost-worker-timeout": "365 days",
}
LOGGERS = ("distributed", "distributed.client")  # dask gives the second a level of its own


@contextmanager
def workers(options: RunOptions, scheduler: str | None) -> Iterator[Client]:
    """Connect to workers, and end those that were started here.

    Parameters
    ----------
    scheduler : address or scheduler file of a Dask cluster; ``None`` starts one here

    Raises
    ------
    UsageError
        if it is neither an address nor a scheduler file
    ResourceError
        if the scheduler does not answer, no worker comes, or one has another calcarium.
    """
    for name in LOGGERS:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    if scheduler is not None:
        with _remote(scheduler, options.no_worker_s) as client:
            yield client
        return
    n_workers = options.workers or len(os.sched_getaffinity(0))
    with (
        dask.config.set(CONFIG),
        LocalCluster(
            n_workers=n_workers,
            threads_per_worker=1,
            processes=True,
            dashboard_address=":0",
            silence_logs=logging.CRITICAL,
        ) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        yield client


@contextmanager
def _remote(scheduler: str, wait_s: float) -> Iterator[Client]:
    is_file = Path(scheduler).suffix == ".json"
    if not (Path(scheduler).is_file() if is_file else ":" in scheduler):
        raise UsageError(
            f"--scheduler {scheduler}: give an address (tcp://HOST:PORT), or the scheduler file "
            "(.json) that `dask scheduler --scheduler-file` wrote"
        )
    address = {"scheduler_file": scheduler} if is_file else {"address": scheduler}
    try:
        client = Client(**address, set_as_default=False)
        client.wait_for_workers(1, timeout=wait_s)
    except (OSError, TimeoutError, ValueError) as error:
        raise ResourceError(f"no worker at the scheduler {scheduler}: {error}") from error
    with client:
        refuse_other_versions(client)
        yield client


def refuse_other_versions(client: Client) -> None:
    """Rows name one version: that of this process.

    Raises
    ------
    ResourceError
        if a worker has no calcarium, or another version of it.
    """
    mine = calcarium_version()
    for worker, answer in client.run(version, "calcarium", on_error="return").items():
        found = answer if isinstance(answer, str) else "unknown"
        if found != mine:
            has = "no calcarium" if found == "unknown" else f"calcarium {found}"
            raise ResourceError(f"worker {worker} has {has}; install {mine} there, as it is here")

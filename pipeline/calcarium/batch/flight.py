"""Bundles that are being worked on: a bounded number, whatever the archive holds."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import CancelledError
from dataclasses import dataclass
from itertools import count
from queue import Empty, SimpleQueue

from distributed import Client, Future
from distributed.scheduler import KilledWorker

from calcarium.batch.task import Ended, score_bundle
from calcarium.intake.records import Study

GATHER_S = 60.0


class ResultLost(Exception):
    """A task ended, and its worker or the scheduler went away before its result was here."""


@dataclass(frozen=True)
class Bundle:
    """Studies that go to a worker as one task.

    Attributes
    ----------
    attempts : how often they were tried before, and gave way
    deaths : how many workers died over them
    not_on : address of the worker where they gave way last
    """

    studies: tuple[Study, ...]
    attempts: int = 0
    deaths: int = 0
    not_on: str = ""


@dataclass(frozen=True)
class Landed:
    """A bundle that came back: one result per study, or the error of the task itself."""

    bundle: Bundle
    ended: Sequence[Ended]
    error: BaseException | None = None


class Flight:
    """Submits bundles and gives them back as they end, in whatever order.

    Attributes
    ----------
    left_out : addresses of workers that cannot score
    """

    def __init__(self, client: Client, run_id: str) -> None:
        self._client = client
        self._run_id = run_id
        self.left_out: set[str] = set()
        self._numbers = count()
        self._bundles: dict[str, tuple[Bundle, Future[list[Ended]]]] = {}
        self._ended: SimpleQueue[str] = SimpleQueue()

    def __len__(self) -> int:
        """Bundles that have not come back."""
        return len(self._bundles)

    def submit(self, bundle: Bundle) -> None:
        """Send a bundle to a worker that can score, not where it gave way if there are others."""
        key = f"score-{self._run_id}-{next(self._numbers)}"
        shunned = self.left_out | ({bundle.not_on} if bundle.not_on else set())
        others = [w for w in self._client.nthreads() if w not in shunned] if shunned else []
        future = self._client.submit(
            score_bundle,
            bundle.studies,
            self._run_id,
            key=key,
            pure=False,
            workers=others or None,
            allow_other_workers=bool(others),
        )
        self._bundles[key] = bundle, future
        future.add_done_callback(lambda ended: self._ended.put(ended.key))

    def next(self, timeout_s: float) -> Landed | None:
        """The next bundle that ends; ``None`` if none does in time."""
        try:
            bundle, future = self._bundles.pop(self._ended.get(timeout=timeout_s))
        except Empty:
            return None
        try:
            if future.status == "finished":
                return Landed(bundle, future.result(timeout=GATHER_S))
            if future.status == "error":
                return Landed(bundle, (), future.exception())
        except (KilledWorker, CancelledError, OSError, TimeoutError):
            future.cancel()
        return Landed(bundle, (), ResultLost("the scheduler went away"))

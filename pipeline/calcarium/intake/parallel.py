"""Work over many processes with a bounded number of tasks waiting."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context
from typing import Protocol, TypeAlias, TypeVar

T = TypeVar("T")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)

WINDOW_PER_WORKER = 4


class Future(Protocol[R_co]):
    """What a pool and a Dask client both give back."""

    def result(self) -> R_co:
        """Wait for the value."""
        ...


Submit: TypeAlias = Callable[[Callable[[T], R], T], Future[R]]


def windowed_map(
    submit: Submit[T, R], window: int, function: Callable[[T], R], items: Iterable[T]
) -> Iterator[R]:
    """Map in order, never with more than ``window`` items on their way.

    Parameters
    ----------
    submit : ``pool.submit``, or ``client.submit`` of Dask
    """
    waiting: deque[Future[R]] = deque()
    for item in items:
        waiting.append(submit(function, item))
        if len(waiting) >= window:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


@contextmanager
def process_map(
    workers: int,
) -> Iterator[Callable[[Callable[[T], R], Iterable[T]], Iterable[R]]]:
    """A ``map`` over local processes; the plain one for a single worker."""
    if workers <= 1:
        yield map
        return
    # Not fork: DuckDB and Arrow have threads.
    with ProcessPoolExecutor(workers, get_context("forkserver")) as pool:
        yield partial(windowed_map, pool.submit, WINDOW_PER_WORKER * workers)

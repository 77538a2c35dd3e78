"""Files read one after the other or, where storage answers late, some of them ahead.

A file in the page cache is there sooner than a thread wakes up; one on a network
share is waited for. Whether a path is on a share cannot be told by its name, so the
wait is measured: the first read that takes long starts the threads.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from time import perf_counter
from typing import TypeVar

FILES_AHEAD = 16
BYTES_AHEAD = 64 << 20
SLOW_READ_S = 0.001

T = TypeVar("T")
R = TypeVar("R")


def read_ahead(read: Callable[[T], R], items: Iterable[T], size: Callable[[T], int]) -> Iterator[R]:
    """What ``read`` gives for each item, in their order; an error comes in the place of its item.

    Close the iterator if it is left before its end: nothing is read any more afterwards.

    Parameters
    ----------
    read : waits for storage; runs in threads, so it must leave Python's lock while it waits
    items : files, or parts of them
    size : bytes that are held for an item; of items read ahead no more than
        ``BYTES_AHEAD`` together, but always one
    """
    remaining = iter(items)
    for item in remaining:
        began = perf_counter()
        result = read(item)
        is_slow = perf_counter() - began > SLOW_READ_S
        yield result
        if is_slow:
            yield from _by_threads(read, remaining, size)


def _by_threads(
    read: Callable[[T], R], items: Iterator[T], size: Callable[[T], int]
) -> Iterator[R]:
    waiting: deque[tuple[Future[R], int]] = deque()
    held_bytes = 0
    pool = ThreadPoolExecutor(FILES_AHEAD, "read-ahead")
    try:
        for item in items:
            n_bytes = size(item)
            while waiting and (len(waiting) >= FILES_AHEAD or held_bytes + n_bytes > BYTES_AHEAD):
                future, freed_bytes = waiting.popleft()
                held_bytes -= freed_bytes
                yield future.result()
            waiting.append((pool.submit(read, item), n_bytes))
            held_bytes += n_bytes
        while waiting:
            yield waiting.popleft()[0].result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)

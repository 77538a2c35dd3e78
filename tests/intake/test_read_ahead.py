"""Reading ahead: the same results and errors as reading in turn, and never too much at once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from threading import Lock, current_thread, main_thread

import pytest

from calcarium.intake import read_ahead as module
from calcarium.intake.read_ahead import BYTES_AHEAD, FILES_AHEAD, read_ahead

WAIT_S = 0.01


class SlowStorage:
    """Takes its time over each item, and remembers who asked for what, when."""

    def __init__(self, wait_s: float = WAIT_S, broken: tuple[int, ...] = ()) -> None:
        self.wait_s, self.broken = wait_s, broken
        self.started: list[int] = []
        self.in_main: list[bool] = []
        self.busy = self.most_busy = 0
        self._lock = Lock()

    def read(self, item: int) -> int:
        with self._lock:
            self.started.append(item)
            self.in_main.append(current_thread() is main_thread())
            self.busy += 1
            self.most_busy = max(self.busy, self.most_busy)
        time.sleep(self.wait_s)
        with self._lock:
            self.busy -= 1
        if item in self.broken:
            raise OSError(f"item {item}")
        return item * item


def no_bytes(_: int) -> int:
    return 0


def test_what_is_read_comes_in_order_and_sooner_than_in_turn() -> None:
    storage = SlowStorage(wait_s=0.02)
    began = time.perf_counter()
    assert list(read_ahead(storage.read, range(60), no_bytes)) == [i * i for i in range(60)]
    assert time.perf_counter() - began < 60 * 0.02 / 2
    assert sorted(storage.started) == list(range(60))
    assert 1 < storage.most_busy <= FILES_AHEAD


def test_storage_that_answers_in_time_sees_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SLOW_READ_S", 100 * WAIT_S)
    storage = SlowStorage()
    assert list(read_ahead(storage.read, range(20), no_bytes)) == [i * i for i in range(20)]
    assert all(storage.in_main)


def test_no_more_is_read_than_the_window() -> None:
    storage = SlowStorage()
    with closing(read_ahead(storage.read, range(100), no_bytes)) as results:
        for n_taken, _ in enumerate(results, 1):
            assert len(storage.started) - n_taken <= FILES_AHEAD
            time.sleep(WAIT_S / 10)


def test_large_files_are_not_gathered() -> None:
    storage = SlowStorage()
    results = list(read_ahead(storage.read, range(8), lambda _: BYTES_AHEAD // 2 + 1))
    assert results == [i * i for i in range(8)]
    assert storage.most_busy == 1


def test_an_error_comes_in_the_place_of_its_item_whoever_fails_first() -> None:
    storage = SlowStorage(broken=(20, 21, 25))
    taken: list[int] = []

    def take_all() -> None:
        with closing(read_ahead(storage.read, range(40), no_bytes)) as results:
            taken.extend(results)

    with pytest.raises(OSError, match=r"^item 20$"):
        take_all()
    assert taken == [i * i for i in range(20)]


@pytest.mark.parametrize("n_taken", [1, 2, 10])
def test_nothing_is_read_once_it_is_closed(n_taken: int) -> None:
    storage = SlowStorage()
    results: Iterator[int] = read_ahead(storage.read, range(100), no_bytes)
    for _ in range(n_taken):
        next(results)
    results.close()  # type: ignore[attr-defined]
    n_started = len(storage.started)
    assert storage.busy == 0
    time.sleep(3 * WAIT_S)
    assert len(storage.started) == n_started < 100


def test_items_are_asked_for_in_order_and_no_sooner_than_there_is_room() -> None:
    asked: list[int] = []

    def items() -> Iterator[int]:
        for item in range(50):
            asked.append(item)
            yield item

    storage = SlowStorage()
    with closing(read_ahead(storage.read, items(), no_bytes)) as results:
        for n_taken, _ in enumerate(results, 1):
            assert len(asked) - n_taken <= FILES_AHEAD + 1
    assert all(b == a + 1 for a, b in pairwise(asked))

"""Ctrl-C and SIGTERM end a run in order."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType


@dataclass
class Stop:
    """Whether the run was asked to stop, and by which signal."""

    signal_name: str = ""

    @property
    def is_asked(self) -> bool:
        """Whether the run should begin nothing new."""
        return bool(self.signal_name)


@contextmanager
def stop_on_signals() -> Iterator[Stop]:
    """Turn the first Ctrl-C or SIGTERM into a wish; the second one ends at once."""
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def ask(number: int, _frame: FrameType | None) -> None:
        if stop.is_asked:
            raise KeyboardInterrupt
        stop.signal_name = signal.Signals(number).name

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

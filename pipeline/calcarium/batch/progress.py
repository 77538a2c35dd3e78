"""How far a run is: a live line in a terminal, a plain one now and then elsewhere."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

PLAIN_EVERY_S = 10.0


@dataclass
class Tally:
    """Counts of a run that is going on.

    Attributes
    ----------
    total : studies to do; ``None`` while that is not known
    outcomes : studies by outcome
    retries, deaths : studies that were taken up again; workers that died over one
    """

    total: int | None = None
    outcomes: Counter[str] = field(default_factory=Counter)
    retries: int = 0
    deaths: int = 0
    began: float = field(default_factory=time.monotonic)

    @property
    def done(self) -> int:
        """Studies that ended."""
        return self.outcomes.total()

    @property
    def per_s(self) -> float:
        """Studies per second since the start."""
        return self.done / max(time.monotonic() - self.began, 1e-9)

    def line(self) -> str:
        """Counts, rate and remaining time in words."""
        words = [f"{self.outcomes[name]:,} {name}" for name in ("scored", "excluded", "failed")]
        if self.retries:
            words.append(f"{self.retries:,} tried again")
        if self.deaths:
            words.append(f"{self.deaths:,} lost with a worker")
        words.append(f"{self.per_s:.1f}/s")
        if self.total is not None and self.done:
            words.append(f"{_duration((self.total - self.done) / self.per_s)} left")
        return " · ".join(words)


class Reporter:
    """Says how far things are: a live line in a terminal, else a plain one now and then."""

    def __init__(self, console: Console, live: Progress | None = None) -> None:
        self._console = console
        self._live = live
        self._task = live.add_task("") if live else None
        self._last = time.monotonic()

    def say(self, text: str) -> None:
        """Print a line that stays."""
        self._console.print(text, highlight=False, markup=False)

    def show(self, text: str, done: int = 0, total: int | None = None) -> None:
        """Show how far things are; a later call takes the place of this one."""
        if self._live is not None and self._task is not None:
            self._live.update(self._task, completed=done, total=total, description=text)
        elif time.monotonic() - self._last >= PLAIN_EVERY_S:
            self._last = time.monotonic()
            self.say(text)

    def show_tally(self, tally: Tally) -> None:
        """Show the counts of a run that is going on."""
        of = "" if tally.total is None else f" of {tally.total:,}"
        self.show(f"{tally.done:,}{of} studies · {tally.line()}", tally.done, tally.total)


@contextmanager
def report(*, quiet: bool) -> Iterator[Reporter]:
    """Report on standard error while the block runs; not at all if ``quiet``."""
    console = Console(stderr=True, quiet=quiet)
    if quiet or not console.is_terminal:
        yield Reporter(console)
        return
    columns = (BarColumn(bar_width=24), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, refresh_per_second=4, transient=True) as live:
        yield Reporter(console, live)


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"

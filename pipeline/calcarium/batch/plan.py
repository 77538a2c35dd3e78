"""Which studies a command is about, in the order of the index."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from itertools import islice

from calcarium.errors import UsageError
from calcarium.intake.records import Study


@dataclass(frozen=True)
class Choice:
    """A part of the studies; the same one for the same values, whatever was done before.

    Attributes
    ----------
    shard : ``(i, n)``: the i-th of n parts, from 1
    sample, seed : so many studies, drawn by a hash of seed and study
    limit : so many studies, the first ones
    only : these studies, by id; empty for all
    """

    shard: tuple[int, int] | None = None
    sample: int | None = None
    seed: int = 0
    limit: int | None = None
    only: frozenset[str] = frozenset()

    @property
    def is_all(self) -> bool:
        """Whether nothing is left out."""
        return self == Choice(seed=self.seed)

    @property
    def is_by_id(self) -> bool:
        """Whether the id of a study alone decides."""
        return self.sample is None and self.limit is None

    def is_within(self, study_id: str) -> bool:
        """Whether a study is in the shard, and among those that were named."""
        if self.only and study_id not in self.only:
            return False
        return self.shard is None or _hash(study_id) % self.shard[1] == self.shard[0] - 1


def parse_shard(text: str) -> tuple[int, int]:
    """Read ``i/n``.

    Raises
    ------
    UsageError
        if it is not of that form, or not 1 <= i <= n.
    """
    left, _, right = text.partition("/")
    if not (left.isdecimal() and right.isdecimal() and 1 <= int(left) <= int(right)):
        raise UsageError(f"--shard {text}: give i/n with i from 1 to n, for example 3/100")
    return int(left), int(right)


def chosen(studies: Callable[[], Iterable[Study]], choice: Choice) -> Iterator[Study]:
    """The studies that a command is about.

    Parameters
    ----------
    studies : starts a pass over all studies; a sample needs a second one
    """
    within = (s for s in studies() if choice.is_within(s.study_id))
    if choice.sample is not None:
        drawn = _draw((s.study_id for s in within), choice.sample, choice.seed)
        within = (s for s in studies() if s.study_id in drawn)
    return islice(within, choice.limit)


def _draw(study_ids: Iterable[str], size: int, seed: int) -> Collection[str]:
    return set(heapq.nsmallest(size, study_ids, key=lambda s: _hash(f"{seed}/{s}")))


def _hash(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")

"""What comes next: new studies, studies that gave way, and suspects alone at the end."""

from __future__ import annotations

import heapq
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from itertools import count

from calcarium.batch.flight import Bundle
from calcarium.batch.options import RunOptions
from calcarium.intake.records import Study

MOST_STUDIES_IN_A_BUNDLE = 200


class Todo:
    """Bundles in the order in which they are due.

    A worker that dies takes with it whatever lies on it, so a death accuses a
    bundle of more than the guilty study. The accused are tried again one by
    one, and those that were there at one death too many run alone, after all
    others: only a study that kills its worker then is guilty.
    """

    def __init__(self, studies: Iterator[Study], options: RunOptions) -> None:
        self._studies = studies
        self._options = options
        self._held: Study | None = next(studies, None)
        self._again: list[tuple[float, int, Bundle]] = []
        self._order = count()
        self._alone: deque[Bundle] = deque()
        self._study_s = options.bundle_s

    @property
    def is_empty(self) -> bool:
        """Whether nothing is left to submit."""
        return self._held is None and not self._again and not self._alone

    def learn(self, study_s: float) -> None:
        """Take in how long a study took; bundles are sized by it."""
        self._study_s += 0.05 * (study_s - self._study_s)

    def next(self, *, in_flight: int) -> Bundle | None:
        """The bundle that is due; ``None`` if nothing is now."""
        if self._again and self._again[0][0] <= time.monotonic():
            return heapq.heappop(self._again)[2]
        if self._held is not None:
            return self._new_bundle()
        if not self._again and not in_flight and self._alone:
            return self._alone.popleft()
        return None

    def gave_way(self, study: Study, bundle: Bundle, worker: str) -> bool:
        """Take a study up again later, on another worker; false if it had its chances."""
        if bundle.attempts >= self._options.retries:
            return False
        again = replace(bundle, studies=(study,), attempts=bundle.attempts + 1, not_on=worker)
        self._push(again, self._options.retry_after_s * 2**bundle.attempts)
        return True

    def untouched(self, study: Study, bundle: Bundle, worker: str) -> None:
        """Take up again a study that met a worker which cannot score; that is not its fault."""
        again = replace(bundle, studies=(study,), not_on=worker)
        self._push(again, self._options.retry_after_s)

    def died(self, study: Study, bundle: Bundle) -> bool:
        """Take up again a study that was there when a worker died; false if it is guilty."""
        deaths = bundle.deaths + 1
        accused = replace(bundle, studies=(study,), deaths=deaths)
        if deaths >= self._options.deaths:
            return False
        if deaths == self._options.deaths - 1:
            self._alone.append(accused)
        else:
            self._push(accused, 0.0)
        return True

    def _push(self, bundle: Bundle, delay_s: float) -> None:
        heapq.heappush(self._again, (time.monotonic() + delay_s, next(self._order), bundle))

    def _new_bundle(self) -> Bundle:
        size = self._options.bundle_s / max(self._study_s, 1e-4)
        most = min(max(1, int(size)), MOST_STUDIES_IN_A_BUNDLE)
        studies: list[Study] = []
        files = 0
        while self._held is not None and len(studies) < most:
            files += sum(len(scan.files) for scan in self._held.scans)
            if studies and files > self._options.bundle_files:
                break
            studies.append(self._held)
            self._held = next(self._studies, None)
        return Bundle(tuple(studies))

"""Rows gather for some seconds or some hundred studies, and go out as one commit."""

from __future__ import annotations

import time

from calcarium.batch.options import RunOptions
from calcarium.tables.commit import commit, join_small_parts
from calcarium.tables.folder import ResultFolder
from calcarium.tables.rows import StudyRows


class Commits:
    """What the one process that writes has gathered and not yet written."""

    def __init__(self, folder: ResultFolder, options: RunOptions) -> None:
        self._folder = folder
        self._options = options
        self._rows: list[StudyRows] = []
        self._last = time.monotonic()
        self._since_join = 0

    def add(self, rows: StudyRows) -> None:
        """Gather the rows of a study."""
        if not self._rows:
            self._last = time.monotonic()
        self._rows.append(rows)

    def write_if_due(self) -> None:
        """Commit if enough studies or seconds have gone by."""
        waited = time.monotonic() - self._last >= self._options.commit_s
        if len(self._rows) >= self._options.commit_studies or (self._rows and waited):
            self.write()

    def write(self) -> None:
        """Commit everything that was gathered."""
        if not self._rows:
            return
        commit(self._folder, self._rows)
        self._rows = []
        self._last = time.monotonic()
        self._since_join += 1
        if self._since_join >= self._options.join_commits:
            join_small_parts(self._folder)
            self._since_join = 0

"""What a result folder holds, and what became of one study in it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import duckdb

from calcarium.errors import REASONS
from calcarium.tables.folder import ResultFolder
from calcarium.tables.read import connect
from calcarium.tables.runs import Run, runs

OUTCOMES = ("scored", "excluded", "failed")


@dataclass(frozen=True)
class Why:
    """Scans that ended for one cause: a reason, or stage and class of an error."""

    outcome: str
    cause: str
    scans: int


@dataclass(frozen=True)
class Summary:
    """Counts of a result folder.

    Attributes
    ----------
    outcomes : studies by outcome
    whys : causes of scans that were not scored, the most frequent first
    """

    runs: tuple[Run, ...]
    outcomes: Counter[str]
    scans: Counter[str]
    whys: tuple[Why, ...]

    @property
    def share_failed(self) -> float:
        """Failed studies among all, 0 to 1."""
        return self.outcomes["failed"] / max(1, self.outcomes.total())


@dataclass(frozen=True)
class ScanStory:
    """What became of a scan; ``message`` and ``place`` are private."""

    scan_id: str
    outcome: str
    cause: str
    place: str
    message: str


@dataclass(frozen=True)
class StudyStory:
    """What became of a study, and of each of its scans."""

    study_id: str
    outcome: str
    agatston: float | None
    convention: str
    message: str
    scans: tuple[ScanStory, ...]


CAUSE = "coalesce(reason, concat_ws(': ', stage, error), '')"


def summarise(folder: ResultFolder) -> Summary:
    """Count what a result folder holds."""
    with connect(folder) as database:
        count = "SELECT outcome, count(*) FROM {} GROUP BY outcome"
        whys = database.execute(
            f"SELECT outcome, {CAUSE}, count(*) FROM series WHERE outcome <> 'scored' "
            "GROUP BY ALL ORDER BY 3 DESC, 1, 2"
        ).fetchall()
        return Summary(
            tuple(runs(folder)),
            Counter(dict(database.execute(count.format("studies")).fetchall())),
            Counter(dict(database.execute(count.format("series")).fetchall())),
            tuple(Why(*why) for why in whys),
        )


def lines_of(summary: Summary) -> list[str]:
    """The summary in words."""
    lines = []
    for name, counts in (("studies", summary.outcomes), ("scans", summary.scans)):
        parts = ", ".join(f"{counts[outcome]:,} {outcome}" for outcome in OUTCOMES)
        lines.append(f"{counts.total():,} {name}: {parts}")
    for why in summary.whys:
        reason = REASONS.get(why.cause)
        meaning = f"  {reason.meaning} {reason.what_to_do}" if reason else ""
        lines.append(f"  {why.scans:>8,} scans {why.outcome}  {why.cause}{meaning}")
    return lines


def tell(folder: ResultFolder, some_id: str) -> list[StudyStory]:
    """What became of the studies that an id is of.

    Parameters
    ----------
    some_id : a study or scan id, a PatientID, or an accession number
    """
    with connect(folder) as database:
        found = database.execute(
            "SELECT study_id FROM studies WHERE study_id = $1 "
            "UNION SELECT study_id FROM series WHERE scan_id = $1 OR scan_id LIKE $1 || '/%' "
            "UNION SELECT study_id FROM links WHERE patient_id = $1 OR accession_number = $1 "
            "ORDER BY ALL",
            [some_id],
        ).fetchall()
        return [_story(database, study_id) for (study_id,) in found]


def _story(database: duckdb.DuckDBPyConnection, study_id: str) -> StudyStory:
    scans = database.execute(
        f"SELECT scan_id, s.outcome, {CAUSE}, coalesce(folder, ''), coalesce(message, '') "
        "FROM (SELECT scan_id, outcome, reason, stage, error FROM series WHERE study_id = $1) s "
        "LEFT JOIN (SELECT scan_id, folder FROM links WHERE study_id = $1) USING (scan_id) "
        "LEFT JOIN (SELECT scan_id, message FROM messages WHERE study_id = $1) USING (scan_id) "
        "ORDER BY scan_id",
        [study_id],
    ).fetchall()
    ((_, outcome, agatston, convention),) = database.execute(
        "SELECT study_id, outcome, agatston, coalesce(convention, '') FROM studies "
        "WHERE study_id = $1",
        [study_id],
    ).fetchall()
    words = database.execute(
        "SELECT coalesce(string_agg(message, '; '), '') FROM messages "
        "WHERE study_id = $1 AND scan_id IS NULL",
        [study_id],
    ).fetchall()
    told = tuple(ScanStory(*scan) for scan in scans)
    return StudyStory(study_id, outcome, agatston, convention, words[0][0], told)

"""Questions to an index: how much is in it, what could not be read, what came anew."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import Literal, TypeAlias

import pyarrow as pa

from calcarium.intake.index_store import connect
from calcarium.intake.index_tables import FileKind
from calcarium.intake.manifest import ManifestEntry

KeyColumn: TypeAlias = Literal["series_key", "accession_number", "patient_id"]

PLACE = "CASE WHEN url = container THEN regexp_replace(url, '/[^/]*$', '') ELSE container END"


@dataclass(frozen=True, slots=True)
class Problem:
    """A file that has no header in the index, though it should.

    Attributes
    ----------
    place : the folder or archive that holds it
    """

    url: str
    kind: FileKind
    message: str
    place: str


@dataclass(frozen=True, slots=True)
class IndexCounts:
    """What an index holds; bytes are those of the DICOM files."""

    studies: int
    series: int
    dicom_files: int
    dicom_bytes: int
    other_files: int
    problems: int


def index_counts(folder: Path) -> IndexCounts:
    """Count what an index holds; studies and series by their UIDs, before any is split."""
    with connect(folder) as connection:
        row = connection.execute(
            "SELECT count(DISTINCT study_key), count(DISTINCT series_key), "
            "count(*) FILTER (kind = 'dicom'), "
            "coalesce(sum(size_bytes) FILTER (kind = 'dicom'), 0)::BIGINT, "
            "count(*) FILTER (kind = 'not_dicom'), "
            "count(*) FILTER (kind NOT IN ('dicom', 'not_dicom')) FROM files"
        ).fetchone()
    assert row is not None  # an aggregate always has one
    return IndexCounts(*row)


def why_no_study(folder: Path) -> str:
    """Why an index holds no study, in a sentence; empty if it holds one."""
    counts = index_counts(folder)
    if counts.studies:
        return ""
    if not counts.other_files:
        return "no file that can be read is there"
    place, number = max(other_files_by_folder(folder), key=itemgetter(1))
    return (
        f"none of {counts.other_files:,} files is DICOM ({number:,} of them in {place}). Scans of "
        "another format (NIfTI, MetaImage, NRRD) are not read; give the DICOM that they are from"
    )


def problems(folder: Path) -> list[Problem]:
    """Files that are broken, out of reach, or named by a manifest but absent; by URL."""
    with connect(folder) as connection:
        rows = connection.execute(
            "SELECT url, kind, regexp_replace(coalesce(message, ''), '^' || regexp_escape(url) || "
            f"': ', ''), {PLACE} FROM files "
            "WHERE kind NOT IN ('dicom', 'not_dicom') ORDER BY url"
        ).fetchall()
    return [Problem(*row) for row in rows]


def other_files_by_folder(folder: Path) -> list[tuple[str, int]]:
    """How many files of other formats lie in each folder or archive, by its URL."""
    with connect(folder) as connection:
        rows: list[tuple[str, int]] = connection.execute(
            f"SELECT {PLACE} AS place, count(*) FROM files WHERE kind = 'not_dicom' "
            "GROUP BY place ORDER BY place"
        ).fetchall()
    return rows


def knows_any(folder: Path, column: KeyColumn, values: Collection[str]) -> bool:
    """Whether any scan has one of some series, accession numbers or patients."""
    with connect(folder) as connection:
        connection.register("wanted", pa.table({"key": pa.array(values, pa.string())}))
        found = connection.execute(
            "SELECT 1 FROM files LEFT JOIN acquisitions USING (acquisition) "
            f"WHERE trim({column}) IN (SELECT key FROM wanted) LIMIT 1"
        ).fetchone()
    return found is not None


def known_places(folder: Path, places: Collection[str]) -> set[str]:
    """Those of some folders and archives in which files were found, now or before."""
    with connect(folder) as connection:
        connection.register("wanted", pa.table({"place": pa.array(places, pa.string())}))
        rows = connection.execute(
            f"SELECT place FROM wanted WHERE place IN (SELECT {PLACE} FROM all_files)"
        ).fetchall()
    return {place for (place,) in rows}


def touched_studies(folder: Path, part: int) -> tuple[str, ...]:
    """Studies older than a part, of which files came, changed or vanished since.

    Parameters
    ----------
    part : number of the first part that counts as new
    """
    with connect(folder) as connection:
        rows = connection.execute(
            "WITH old AS (SELECT study_key, container, part FROM all_files "
            "WHERE part < $part AND study_key IS NOT NULL), "
            "gone AS (SELECT study_key FROM old JOIN all_gone g USING (container) "
            "WHERE g.part >= $part AND g.part > old.part), "
            "came AS (SELECT study_key FROM all_files f WHERE part >= $part AND EXISTS "
            "(SELECT 1 FROM old WHERE old.study_key = f.study_key)) "
            "SELECT study_key FROM gone UNION SELECT study_key FROM came ORDER BY study_key",
            {"part": part},
        ).fetchall()
    return tuple(study for (study,) in rows)


def last_part(folder: Path) -> int:
    """Number of the newest part of an index; 0 if it has none."""
    with connect(folder) as connection:
        row = connection.execute(
            "SELECT greatest((SELECT coalesce(max(part), 0) FROM all_files), "
            "(SELECT coalesce(max(part), 0) FROM all_gone))"
        ).fetchone()
    assert row is not None  # there is no table to be empty
    return int(row[0])


def known_studies(folder: Path, studies: Collection[str]) -> set[str]:
    """Those of some studies, by UID or what stands for it, that still have files."""
    with connect(folder) as connection:
        connection.register("wanted", pa.table({"study": pa.array(studies, pa.string())}))
        rows = connection.execute(
            "SELECT study FROM wanted WHERE study IN "
            "(SELECT study_key FROM files WHERE kind = 'dicom')"
        ).fetchall()
    return {study for (study,) in rows}


def series_of_entries(
    folder: Path, entries: Iterable[ManifestEntry]
) -> list[tuple[ManifestEntry, tuple[str, ...]]]:
    """Series that were found at the place of each manifest entry, in the order of the entries.

    An entry that names a series has that one or, if it is not there, none.
    """
    entries = list(entries)
    wanted = pa.table(
        {"number": range(len(entries)), "place": [entry.url for entry in entries]},
        pa.schema([("number", pa.int64()), ("place", pa.string())]),
    )
    with connect(folder) as connection:
        connection.register("wanted", wanted)
        rows = connection.execute(
            "WITH found AS (SELECT DISTINCT container, series_key, "
            "string_split(container, '/') AS parts FROM files WHERE kind = 'dicom'), "
            "places AS (SELECT series_key, unnest(list_transform(range(1, len(parts) + 1), "
            "lambda i: array_to_string(parts[1:i], '/'))) AS place FROM found) "
            "SELECT number, list(DISTINCT series_key ORDER BY series_key) "
            "FROM wanted JOIN places USING (place) GROUP BY number"
        ).fetchall()
    found = {number: tuple(series) for number, series in rows}
    matched = []
    for number, entry in enumerate(entries):
        series = found.get(number, ())
        if entry.series_uid is not None:
            series = (entry.series_uid,) if entry.series_uid in series else ()
        matched.append((entry, series))
    return matched

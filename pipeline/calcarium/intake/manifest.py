"""A list of what to take: CSV or Parquet with a column of paths or URIs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from calcarium.errors import UsageError
from calcarium.intake.locations import absolute, is_local
from calcarium.table_file import read_table_file

SUFFIXES = (".csv", ".parquet")
PATH_COLUMNS = ("path", "uri", "url", "file", "folder", "location")
SERIES_COLUMNS = ("series_uid", "series_instance_uid", "seriesinstanceuid")
MASK_COLUMNS = ("mask", "mask_path", "mask_uri")


@dataclass(frozen=True)
class ManifestEntry:
    """One row of a manifest.

    Attributes
    ----------
    url : file, folder or archive; absolute
    """

    url: str
    series_uid: str | None
    mask: str | None


def is_manifest(place: str) -> bool:
    """Whether an input is a manifest, by its name."""
    return place.lower().endswith(SUFFIXES)


def read_manifest(place: str) -> list[ManifestEntry]:
    """Entries of a manifest; paths in it are relative to its folder.

    Raises
    ------
    UsageError
        if it cannot be read, or has no column of :data:`PATH_COLUMNS`
    """
    columns = read_table_file(place).columns
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    names = {name.lower(): name for name in columns}
    path = next((names[name] for name in PATH_COLUMNS if name in names), None)
    if path is None or not rows:
        there = ", ".join(columns) or "none"
        raise UsageError(
            f"{place}: a manifest needs rows and a column {' or '.join(PATH_COLUMNS)}; "
            f"its columns are: {there}"
        )
    series = next((names[name] for name in SERIES_COLUMNS if name in names), "")
    mask = next((names[name] for name in MASK_COLUMNS if name in names), "")
    base = str(PurePosixPath(place).parent) if is_local(place) else place.rpartition("/")[0]
    return [
        ManifestEntry(
            _beside(base, row[path]),
            row.get(series) or None,
            _beside(base, row[mask]) if row.get(mask) else None,
        )
        for row in rows
        if row[path]
    ]


def _beside(base: str, path: str) -> str:
    if "://" in path or path.startswith("/"):
        return absolute(path)
    return absolute(f"{base}/{path}")


def expand(inputs: Sequence[str]) -> tuple[list[str], list[ManifestEntry]]:
    """Places to walk, and the entries of the manifests among the inputs."""
    entries = [e for place in inputs if is_manifest(place) for e in read_manifest(place)]
    places = [place for place in inputs if not is_manifest(place)]
    return [*places, *(entry.url for entry in entries)], entries


def masks_by_series(
    matched: Iterable[tuple[ManifestEntry, Sequence[str]]],
) -> dict[str, str]:
    """Mask of each series, from entries and the series that were found at their places.

    Raises
    ------
    UsageError
        if two entries give one series different masks
    """
    masks: dict[str, str] = {}
    for entry, found in matched:
        if entry.mask is None:
            continue
        for series in found:
            if masks.setdefault(series, entry.mask) != entry.mask:
                raise UsageError(f"the manifest has two masks for series {series}")
    return masks

"""The index of an archive: walked, its headers read once, kept in Parquet parts.

A run that is repeated walks again, opens nothing that has not changed, and goes on
where a killed one stopped.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from calcarium.errors import ResourceError, UsageError
from calcarium.intake.archives import Refused, members
from calcarium.intake.fast_headers import HeaderReader
from calcarium.intake.headers import Read, Unreadable
from calcarium.intake.index_query import touched_studies
from calcarium.intake.index_store import (
    MANIFESTS,
    KnownContainer,
    PartWriter,
    is_index,
    known_containers,
    part_writer,
)
from calcarium.intake.index_tables import IndexTables, lost_table, to_tables
from calcarium.intake.locations import Container, File, ReadHead, fetched_head
from calcarium.intake.manifest import expand
from calcarium.intake.read_ahead import read_ahead
from calcarium.intake.walk import Found, Lost, roots, sort_key, walk

BATCH_FILES = 512
FAILED_TOGETHER = 20  # so many files in a row out of reach are a share that went away

Batch: TypeAlias = Sequence[Container]
MapBatches: TypeAlias = Callable[
    [Callable[[Batch], IndexTables], Iterable[Batch]], Iterable[IndexTables]
]


@dataclass
class IndexSummary:
    """What a build of the index saw and did; files in archives count one by one.

    Attributes
    ----------
    read, unchanged : files whose header was read now, or had been before
    changed, vanished : containers (files and archives) that differ from what was indexed
    lost : places that could not be looked into, or are not there
    touched_studies : studies known before, of which a file came, changed or vanished
    """

    read: int = 0
    unchanged: int = 0
    changed: int = 0
    vanished: int = 0
    lost: int = 0
    touched_studies: tuple[str, ...] = ()


def build_index(
    inputs: Sequence[str],
    folder: Path,
    *,
    parallel: MapBatches = map,
    progress: Callable[[IndexSummary], None] | None = None,
) -> IndexSummary:
    """Bring the index at ``folder`` up to date with the files under ``inputs``.

    Parameters
    ----------
    inputs : folders, files, archives, manifests (``.csv``, ``.parquet``); paths or fsspec URLs
    folder : local folder of the index, made if it is not there
    parallel : a ``map``, for example of :func:`calcarium.intake.parallel.process_map`
    progress : called now and then with the summary so far

    Raises
    ------
    UsageError
        if an input that is not from a manifest does not exist, or is an index; or another process
        is writing this index
    ResourceError
        if storage gives way; what was read so far is kept
    """
    for place in inputs:
        if is_index(Path(place)):
            raise UsageError(f"{place} is an index; give it alone, or what it was made from")
    places, entries = expand(inputs)
    listed = {entry.url for entry in entries}
    summary = IndexSummary()
    with part_writer(folder) as writer:
        if any(entry.mask or entry.series_uid for entry in entries):
            (folder / MANIFESTS).write_text(" ".join(inputs), encoding="utf-8")
        comparison = _Comparison(places, listed, writer, summary)
        for tables in parallel(read_batch, _batches(comparison.to_read(folder))):
            writer.add(tables)
            summary.read += tables.files.num_rows
            if progress:
                progress(summary)
    summary.touched_studies = touched_studies(folder, writer.first_number)
    return summary


@dataclass
class _Comparison:
    """Goes through a walk and what is known, both in one order, side by side."""

    places: Sequence[str]
    listed: set[str]
    writer: PartWriter
    summary: IndexSummary
    n_found: int = 0
    roots: list[str] = field(init=False)
    root_keys: list[str] = field(init=False)

    def __post_init__(self) -> None:
        self.roots = roots(self.places)
        self.root_keys = [sort_key(root) for root in self.roots]

    def to_read(self, folder: Path) -> Iterator[Container]:
        """New and changed containers."""
        known = known_containers(folder)
        old = next(known, None)
        for found in walk(self.places):
            self.n_found += isinstance(found, Container)
            while old is not None and old.url != found.url and _is_before(old, found):
                self._vanished(old)
                old = next(known, None)
            before = None
            if old is not None and old.url == found.url:
                before, old = old, next(known, None)
            if self._is_to_read(found, before):
                assert isinstance(found, Container)
                yield found
        while old is not None:
            self._vanished(old)
            old = next(known, None)
        if self.summary.vanished and not self.n_found:
            self.writer.gone.clear()
            raise ResourceError(
                f"nothing is left of {self.summary.vanished} indexed files: is the archive mounted?"
            )

    def _is_to_read(self, found: Found, before: KnownContainer | None) -> bool:
        if isinstance(found, Lost):
            self._lost(found, before)
            return False
        if before is None:
            return True
        if before.is_same(found):
            self.summary.unchanged += before.n_files
            return False
        self.summary.changed += not before.is_to_retry
        self.writer.gone.append(before.url)
        return True

    def _lost(self, lost: Lost, before: KnownContainer | None) -> None:
        is_listed = lost.url in self.listed
        if lost.is_absent and not is_listed and lost.url == self._root_of(lost.url):
            raise UsageError(f"there is nothing at {lost.url}")
        if before is not None:
            self.writer.gone.append(before.url)
        self.summary.lost += 1
        is_missing = lost.is_absent and is_listed
        self.writer.add(lost_table(lost, "missing" if is_missing else "denied"))

    def _vanished(self, old: KnownContainer) -> None:
        """A container that the walk has passed by, if it lies where was walked."""
        if self._root_of(old.url) is not None:
            self.summary.vanished += not old.is_to_retry
            self.writer.gone.append(old.url)

    def _root_of(self, url: str) -> str | None:
        number = bisect_right(self.root_keys, sort_key(url)) - 1
        if number < 0:
            return None
        root = self.roots[number]
        return root if url == root or url.startswith(f"{root.rstrip('/')}/") else None


def _is_before(old: KnownContainer, found: Found) -> bool:
    return sort_key(old.url) < sort_key(found.url)


def _batches(containers: Iterable[Container]) -> Iterator[list[Container]]:
    """Files beside each other; an archive alone."""
    batch: list[Container] = []
    for container in containers:
        if container.archive_format:
            yield [container]
            continue
        batch.append(container)
        if len(batch) == BATCH_FILES:
            yield batch
            batch = []
    if batch:
        yield batch


def read_batch(batch: Batch) -> IndexTables:
    """Headers of containers that lie beside each other.

    Raises
    ------
    ResourceError
        if many in a row could not be opened, for other reasons than permission
    """
    reader = HeaderReader()
    read = _read_archive if batch[0].archive_format else _read_files
    reads = list(read(batch, reader))
    out_of_reach = [r for r in reads if isinstance(r, Unreadable) and r.fault == "storage"]
    if len(reads) >= FAILED_TOGETHER and len(out_of_reach) == len(reads):
        raise ResourceError(f"{len(reads)} files in a row: {out_of_reach[0].message}")
    return to_tables(reads)


def _read_files(batch: Batch, reader: HeaderReader) -> Iterator[Read]:
    def fetch(container: Container) -> ReadHead:
        return fetched_head(container.url, reader.head_bytes)

    heads = read_ahead(fetch, batch, lambda _: reader.head_bytes)
    for container, head in zip(batch, heads, strict=True):
        yield reader.read(File.plain(container), head)


def _read_archive(batch: Batch, reader: HeaderReader) -> Iterator[Read]:
    (archive,) = batch
    try:
        for member in members(archive):
            if isinstance(member, Refused):
                yield Unreadable(member.file, member.message)
            else:
                yield reader.read(*member)
    except ResourceError as error:
        yield Unreadable(File.plain(archive), str(error), "storage")

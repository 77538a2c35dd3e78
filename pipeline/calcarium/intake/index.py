"""The index of an archive: walked, its headers read once, kept in Parquet parts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from calcarium.intake.headers import read_header
from calcarium.intake.index_store import part_writer
from calcarium.intake.index_tables import IndexTables, to_tables
from calcarium.intake.locations import File
from calcarium.intake.walk import Lost, walk

BATCH_FILES = 512
Batch: TypeAlias = Sequence[File]
MapBatches: TypeAlias = Callable[
    [Callable[[Batch], IndexTables], Iterable[Batch]], Iterable[IndexTables]
]


@dataclass(frozen=True)
class IndexSummary:
    """What a build of the index found."""

    files: int


def build_index(inputs: Sequence[str], folder: Path, *, parallel: MapBatches = map) -> IndexSummary:
    """Read the headers of all files under ``inputs`` into the index at ``folder``."""
    count = 0
    writer = part_writer(folder)
    for tables in parallel(read_batch, _batches(walk(inputs))):
        writer.add(tables)
        count += tables.files.num_rows
    writer.flush()
    return IndexSummary(count)


def read_batch(files: Batch) -> IndexTables:
    """Headers of files that lie beside each other."""
    return to_tables([read_header(file) for file in files])


def _batches(found: Iterable[File | Lost]) -> Iterator[list[File]]:
    batch: list[File] = []
    for file in found:
        if isinstance(file, Lost):
            continue
        batch.append(file)
        if len(batch) == BATCH_FILES:
            yield batch
            batch = []
    if batch:
        yield batch

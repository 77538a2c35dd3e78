"""Score the scans of a result folder again from their kept voxels: no DICOM is touched."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from calcarium.config import Protocols
from calcarium.config.protocol import Protocol
from calcarium.errors import REASONS, ScanExcluded, UsageError
from calcarium.kept import Recalled, recall
from calcarium.ledger import lesion_columns, message_row, scored_rows
from calcarium.outcome import ScanResult
from calcarium.quality import QualityRow
from calcarium.regions.detector.rejudge import can_rejudge, rejudge
from calcarium.regions.model import Region
from calcarium.scoring.score import lowest_threshold_hu
from calcarium.study import score_volume
from calcarium.study_row import PRIMARY_COLUMNS, ended_cells
from calcarium.tables.commit import tables_of
from calcarium.tables.folder import ResultFolder
from calcarium.tables.read import in_slices
from calcarium.tables.rows import Cell, Row, StudyRows, TableName
from calcarium.tables.stamp import Stamp, stamp
from calcarium_kernels.contract import Kernels

# What a rescore may change beside the detector's verdicts; all else decided what was kept.
FREE_SECTIONS = ("scoring", "interpret", "name", "description")
READ: tuple[TableName, ...] = ("studies", "series", "voxels")
PARTLY_READ: tuple[TableName, ...] = ("quality", "messages")
StudyTables: TypeAlias = dict[TableName, list[Row]]
StudiesTables: TypeAlias = dict[TableName, pa.Table]
STUDIES, SLICES = 64, 4  # studies that are in memory at once, and how often until a commit


@dataclass(frozen=True)
class Rescorer:
    """Turns the rows of a study into those of another protocol.

    Attributes
    ----------
    before : protocols that the voxels were kept by
    protocols : those that they are scored by now
    """

    before: Protocols
    protocols: Protocols
    kernels: Kernels
    made_by: Stamp

    def tables(self, source: ResultFolder, done: Collection[str]) -> Iterator[StudiesTables]:
        """Rescore every study of a folder that is not done, some hundred at a time.

        Raises
        ------
        UsageError
            if voxels are missing, were kept from too high a threshold, or do not tell what a
            changed rule of the detector asks.
        """
        for part in source.committed():
            slices = in_slices(source, part, (*READ, *PARTLY_READ, "links"), STUDIES, done)
            # Few studies at a time are scored in memory that those before them have left.
            while made := [self._tables(old) for old in islice(slices, SLICES)]:
                yield {name: pa.concat_tables(new[name] for new in made) for name in made[0]}

    def _tables(self, old: StudiesTables) -> StudiesTables:
        """The tables of some studies; what no score changes goes through unread."""
        studies = _by_study({name: old[name].to_pylist() for name in READ})
        new = tables_of([stamp(self.study(study), self.made_by) for study in studies])
        for name in PARTLY_READ:  # scans without voxels have checks and messages as well
            is_kept = pc.is_in(old[name]["scan_id"], old["voxels"]["scan_id"].combine_chunks())
            as_before = _stamped(old[name].filter(pc.invert(is_kept)), self.made_by)
            rows = pa.concat_tables([new[name], as_before])
            new[name] = _in_order(rows, old["studies"]["study_id"])
        # The voxels stay where they are, beside the protocol that they were kept by.
        return new | {"links": _stamped(old["links"], self.made_by)}

    def study(self, tables: StudyTables) -> StudyRows:
        """The rows of a study, scored again; excluded and failed scans stay as they are."""
        kept = {row["scan_id"]: row for row in tables["voxels"]}
        results = []
        for row in tables["series"]:
            if row["scan_id"] in kept:
                results.append(self._scan(kept[row["scan_id"]]))
            elif row["outcome"] == "scored":
                raise UsageError(
                    f"{row['scan_id']!s} has no voxels: score the archive with --voxels "
                    "HU into a new folder, or rescore the folder that this one was rescored from"
                )
        ended = {result.scan.scan_id: result for result in results}
        series = [row | _outcome(ended.get(str(row["scan_id"]))) for row in tables["series"]]
        (study,) = tables["studies"]
        if results:
            study |= dict.fromkeys(PRIMARY_COLUMNS) | ended_cells(series, results)
        return StudyRows(
            str(study["study_id"]),
            {
                "studies": [study],
                "series": series,
                **scored_rows(results),
                "messages": [message_row(result) for result in results if result.message],
            },
            lesion_columns(results),
        )

    def _scan(self, row: Row) -> ScanResult:
        known = recall(row)
        scan_class = known.result.scan_class
        assert scan_class is not None
        protocol = self.protocols.by_class[scan_class]
        before = self.before.by_class[scan_class]
        try:
            region, doubts = rejudge(known.region, before.detector, protocol.detector)
        except UsageError as error:
            raise UsageError(f"{row['scan_id']!s}: {error}: score the archive instead") from error
        _check_base(known, region, protocol)
        result = replace(known.result, quality=_renewed(known.result.quality, doubts))
        return score_volume(result, known.volume, region, protocol, self.kernels)


def _check_base(known: Recalled, region: Region, protocol: Protocol) -> None:
    scan = known.result.scan
    try:
        lowest = lowest_threshold_hu(scan.acquisition, region, protocol.scoring)
    except ScanExcluded:
        return  # the score will end the same way, and asks for no voxel
    if lowest is None or lowest < known.base_hu:
        raise UsageError(
            f"the conventions need voxels from {'any' if lowest is None else float(lowest)} HU "
            f"up, but {scan.scan_id} kept them from {known.base_hu} HU: score the archive "
            "into a new folder"
        )


def _by_study(tables: StudyTables) -> Iterator[StudyTables]:
    studies: dict[Cell, StudyTables] = defaultdict(lambda: {name: [] for name in READ})
    for name, rows in tables.items():
        for row in rows:
            studies[row["study_id"]][name].append(row)
    return iter(studies.values())


def _in_order(table: pa.Table, study_ids: pa.ChunkedArray) -> pa.Table:
    """The rows of a table in the order of the studies, as every commit has them."""
    turns = pc.index_in(table["study_id"], study_ids.combine_chunks())
    return table.take(pc.sort_indices(turns))


def _stamped(table: pa.Table, made_by: Stamp) -> pa.Table:
    """A table with only the run that wrote it replaced."""
    run_id = pa.repeat(made_by.run_id, table.num_rows)
    return table.set_column(
        table.schema.get_field_index("run_id"), table.schema.field("run_id"), run_id
    )


def _renewed(
    rows: tuple[QualityRow, ...], changed: tuple[QualityRow, ...]
) -> tuple[QualityRow, ...]:
    by_check = {row.check: row for row in changed}
    return tuple(by_check.get(row.check, row) for row in rows)


def refuse_other_rules(old: Protocols, new: Protocols) -> None:
    """Let only rules differ that decide from what was kept.

    Raises
    ------
    UsageError
        names the sections that differ.
    """
    if old.by_class.keys() != new.by_class.keys():
        raise UsageError(
            f"the classes of scans differ ({', '.join(old.by_class)} and "
            f"{', '.join(new.by_class)}): score the archive instead"
        )
    for scan_class, protocol in new.by_class.items():
        other = old.by_class[scan_class]
        changed = [
            name
            for name in type(protocol).model_fields
            if name not in FREE_SECTIONS and getattr(protocol, name) != getattr(other, name)
        ]
        if changed == ["detector"] and can_rejudge(other.detector, protocol.detector):
            continue
        if changed:
            raise UsageError(
                f"{scan_class}: {', '.join(changed)} differ from the protocol of the run, and "
                "decided which voxels were kept: score the archive instead"
            )


def _outcome(result: ScanResult | None) -> Row:
    if result is None:
        return {}
    return {
        "outcome": result.outcome,
        "reason": result.reason,
        "reason_group": REASONS[result.reason].group if result.reason else None,
        "stage": result.stage,
        "error": result.error,
    }

"""Score the scans of a result folder again from their kept voxels: no DICOM is touched."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from calcarium.config import Protocol, Protocols
from calcarium.errors import REASONS, UsageError
from calcarium.kept import recall
from calcarium.ledger import lesion_rows, quality_rows, score_rows, vessel_rows
from calcarium.outcome import ScanResult
from calcarium.scoring.score import lowest_threshold_hu
from calcarium.study import score_volume
from calcarium.study_row import PRIMARY_COLUMNS, primary_cells
from calcarium.tables.commit import commit, sweep
from calcarium.tables.folder import Part, ResultFolder
from calcarium.tables.read import committed_study_ids, dataset
from calcarium.tables.rows import Row, StudyRows, TableName
from calcarium.tables.schema import TABLES
from calcarium.tables.stamp import Stamp
from calcarium_kernels.contract import Kernels

# What a rescore may change; everything else decided which voxels were kept.
FREE_SECTIONS = ("scoring", "interpret", "name", "description")
SCORED_TABLES: tuple[TableName, ...] = ("scores", "vessels", "lesions", "quality")
StudyTables = dict[TableName, list[Row]]


@dataclass(frozen=True)
class Rescorer:
    """Turns the rows of a study into those of another protocol."""

    protocols: Protocols
    kernels: Kernels
    made_by: Stamp

    def folder(self, source: ResultFolder, out: ResultFolder) -> int:
        """Rescore every study that is not in ``out`` yet; the caller holds its lock.

        Returns
        -------
        how many studies were written

        Raises
        ------
        UsageError
            if voxels are missing, or were kept from too high a threshold.
        """
        sweep(out)
        done = committed_study_ids(out)
        written = 0
        for part in source.committed():
            studies = [
                StudyRows(study_id, self._stamped(self.study(tables)))
                for study_id, tables in studies_of(source, part).items()
                if study_id not in done
            ]
            if studies:
                commit(out, studies)
            written += len(studies)
        return written

    def study(self, tables: StudyTables) -> StudyTables:
        """The rows of a study, scored again; excluded and failed scans stay as they are."""
        kept = {row["scan_id"]: row for row in tables["voxels"]}
        results = []
        for row in tables["series"]:
            if row["scan_id"] in kept:
                results.append(self._scan(kept[row["scan_id"]]))
            elif row["outcome"] == "scored":
                raise UsageError(
                    f"{row['scan_id']!s} has no voxels: score it with --voxels HU first"
                )
        again: dict[TableName, list[Row]] = {
            "scores": [row for result in results for row in score_rows(result)],
            "vessels": [row for result in results for row in vessel_rows(result)],
            "lesions": [row for result in results for row in lesion_rows(result)],
            "quality": [row for result in results for row in quality_rows(result)],
        }
        ended = {result.scan.scan_id: result for result in results}
        series = [row | _outcome(ended.get(str(row["scan_id"]))) for row in tables["series"]]
        studies = [_study(row, results) for row in tables["studies"]]
        return tables | again | {"series": series, "studies": studies}

    def _scan(self, row: Row) -> ScanResult:
        known = recall(row)
        scan_class = known.result.scan_class
        assert scan_class is not None
        protocol: Protocol = self.protocols.by_class[scan_class]
        lowest = lowest_threshold_hu(known.result.scan.acquisition, known.region, protocol.scoring)
        if lowest is None or lowest < known.base_hu:
            raise UsageError(
                f"the conventions need voxels from {'any' if lowest is None else float(lowest)} HU "
                f"up, but {row['scan_id']!s} kept them from {known.base_hu} HU: score it again"
            )
        return score_volume(known.result, known.volume, known.region, protocol, self.kernels)

    def _stamped(self, tables: StudyTables) -> StudyTables:
        stamp = vars(self.made_by)
        return {
            name: [row | {c.name: stamp[c.name] for c in TABLES[name].columns if c.stamped}
                   for row in rows]
            for name, rows in tables.items()
        }  # fmt: skip


def studies_of(source: ResultFolder, part: Part) -> dict[str, StudyTables]:
    """The rows of one part by study."""
    studies: dict[str, StudyTables] = defaultdict(lambda: {name: [] for name in TABLES})
    for name in TABLES:
        for row in dataset(source, name, [part]).to_table().to_pylist():
            studies[row["study_id"]][name].append(row)
    return studies


def refuse_other_rules(old: Protocols, new: Protocols) -> None:
    """Let only the sections differ that voxels do not depend on.

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


def _study(row: Row, results: Sequence[ScanResult]) -> Row:
    """The row of a study, spoken for by the same scan as before if that is still scored."""
    if not results:
        return row
    scored = [result for result in results if result.outcome == "scored"]
    same = [r for r in scored if r.scan.scan_id == row["primary_scan_id"]]
    best = (same or scored or list(results))[0]
    outcome = _outcome(best)
    return (
        row
        | dict.fromkeys(PRIMARY_COLUMNS)
        | {name: outcome[name] for name in ("outcome", "reason", "reason_group")}
        | {"n_scored": len(scored)}
        | primary_cells(best)
    )

"""What changed between two result folders, study by study, and why."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

import duckdb

from calcarium.tables.folder import ResultFolder
from calcarium.tables.parts import refuse_faulty_parts
from calcarium.tables.read import dataset
from calcarium.tables.rows import PRIVATE_TABLES, Cell, TableName
from calcarium.tables.runs import runs
from calcarium.tables.schema import TABLES

MADE_BY = ("protocol_hash", "calcarium_version", "patient_key")


@dataclass(frozen=True)
class Cause:
    """What a column that differs, or with ``None`` a row that one folder lacks, says.

    Attributes
    ----------
    settings : sections or keys of the protocol that can do it; if the protocols differ, but not
        in these, it is a consequence and no cause; rows that are lacking need such a key
    """

    table: TableName
    column: str | None
    why: str
    settings: tuple[str, ...] = ()

    def seen_in(self, change: StudyChange) -> bool:
        """Whether a study shows it."""
        if self.column is None:
            return self.table in change.rows
        return self.column in change.columns.get(self.table, ())


DECISION = ("detector", "contrast", "region")
CAUSES: tuple[Cause, ...] = (
    Cause("series", "n_files", "its files changed"),
    Cause("series", "transfer_syntax_uid", "its files changed"),
    Cause("series", "reason", "another rule excluded a scan, or none does now"),
    Cause("series", "error", "a scan failed in one of the runs"),
    Cause("studies", "primary_scan_id", "another scan speaks for it"),
    Cause("scores", "region_sha256", "another region"),
    Cause("scores", "region_source", "another region"),
    Cause("scores", "threshold_hu", "another threshold", ("scoring", "contrast")),
    Cause("scores", "mass_factor_mg_per_cm3_hu", "another mass calibration"),
    Cause("lesions", "standing", "another verdict on a lesion", DECISION),
    Cause("lesions", "vessel", "another artery of a lesion", DECISION),
    Cause("studies", "convention", "another primary convention", ("scoring.primary_convention",)),
    Cause("scores", None, "other conventions are scored", ("scoring.conventions",)),
    Cause("lesions", None, "lesions are joined otherwise", ("scoring.lesion_link",)),
)


@dataclass
class StudyChange:
    """How one study differs.

    Attributes
    ----------
    only_in : ``A`` or ``B`` if the other has no row of it
    cells : columns of ``studies`` that differ, with the values in A and in B
    columns : columns that differ, by table
    rows : rows that are in one folder only, by table
    why : every cause that the rows show, with the settings that can do it; empty if none
    """

    study_id: str
    only_in: str = ""
    cells: dict[str, tuple[Cell, Cell]] = field(default_factory=dict)
    columns: dict[TableName, set[str]] = field(default_factory=lambda: defaultdict(set))
    rows: dict[TableName, int] = field(default_factory=lambda: defaultdict(int))
    why: str = ""


@dataclass(frozen=True)
class Difference:
    """How two result folders differ.

    Attributes
    ----------
    made_by : what differs in how they were made: keys of the protocol, inputs, versions
    studies : the studies that differ, by their id
    """

    made_by: tuple[str, ...]
    studies: tuple[StudyChange, ...]


def diff(a: ResultFolder, b: ResultFolder) -> Difference:
    """Compare every column that says what was found; times, hosts and backends are left out.

    Raises
    ------
    UsageError
        if a folder is damaged, or has other columns than this version.
    """
    refuse_faulty_parts(a, b)
    changes: dict[str, StudyChange] = {}
    with duckdb.connect() as database:
        for table in TABLES:
            if table in PRIVATE_TABLES:
                continue
            database.register(f"a_{table}", dataset(a, table))
            database.register(f"b_{table}", dataset(b, table))
            for row in _changed_rows(database, table):
                change = changes.setdefault(row.study_id, StudyChange(row.study_id))
                _take_in(change, table, row)
        settings = _settings(a, b)
        names = {name.partition(".")[2] for name in settings}
        for change in changes.values():
            change.cells = _cells(database, change)
            change.why = _why(change, names)
    studies = tuple(changes[study_id] for study_id in sorted(changes))
    return Difference((*_said(settings), *_made_by(a, b)), studies)


@dataclass(frozen=True)
class _Row:
    study_id: str
    only_in: str
    columns: tuple[str, ...]


def _compared(table: TableName) -> list[str]:
    key = TABLES[table].key
    return [c for c in TABLES[table].identity if c not in key and c not in MADE_BY]


def _changed_rows(database: duckdb.DuckDBPyConnection, table: TableName) -> Iterator[_Row]:
    key = ", ".join(f'"{column}"' for column in TABLES[table].key)
    tests = ", ".join(
        f"""CASE WHEN a."{c}" IS DISTINCT FROM b."{c}" THEN '{c}' END""" for c in _compared(table)
    )
    study = "study_id" if "study_id" in TABLES[table].key else "coalesce(a.study_id, b.study_id)"
    result = database.execute(f"""
        SELECT {study}, CASE WHEN b.study_id IS NULL THEN 'A' WHEN a.study_id IS NULL THEN 'B'
            ELSE '' END, list_filter([{tests}], lambda name: name IS NOT NULL) AS names
        FROM a_{table} a FULL JOIN b_{table} b USING ({key})
        WHERE len(names) > 0 OR a.study_id IS NULL OR b.study_id IS NULL""")
    while rows := result.fetchmany(10_000):
        yield from (_Row(study_id, only, tuple(names)) for study_id, only, names in rows)


def _take_in(change: StudyChange, table: TableName, row: _Row) -> None:
    if not row.only_in:
        change.columns[table].update(row.columns)
    elif table == "studies":
        change.only_in = row.only_in
    else:
        change.rows[table] += 1


def _cells(
    database: duckdb.DuckDBPyConnection, change: StudyChange
) -> dict[str, tuple[Cell, Cell]]:
    names = sorted(change.columns["studies"])
    if not names:
        return {}
    columns = ", ".join(f'a."{name}", b."{name}"' for name in names)
    (values,) = database.execute(
        f"SELECT {columns} FROM a_studies a JOIN b_studies b USING (study_id) WHERE study_id = $1",
        [change.study_id],
    ).fetchall()
    return {name: (values[2 * i], values[2 * i + 1]) for i, name in enumerate(names)}


def _why(change: StudyChange, settings: set[str]) -> str:
    if change.only_in:
        return f"only {change.only_in} has it"
    said: dict[str, None] = {}
    for cause in CAUSES:
        named = sorted(name for name in settings if name.startswith(cause.settings))
        is_told_by_settings = cause.column is None or bool(cause.settings and settings)
        if cause.seen_in(change) and (named or not is_told_by_settings):
            settled = f" ({', '.join(named)})" if cause.settings and named else ""
            said[cause.why + settled] = None
    return "; ".join(said)


def _settings(a: ResultFolder, b: ResultFolder) -> dict[str, tuple[str, str]]:
    """Keys of the protocol that differ, by scan class, with both values."""
    of_a, of_b = (_keys(json.loads(f.read("protocol.json"))) for f in (a, b))
    both = {name: (of_a.get(name, "none"), of_b.get(name, "none")) for name in {*of_a, *of_b}}
    return {name: both[name] for name in sorted(both) if both[name][0] != both[name][1]}


def _said(settings: dict[str, tuple[str, str]]) -> Iterator[str]:
    for name, (then, now) in settings.items():
        yield f"protocol {name}: {then} -> {now}"


def _made_by(a: ResultFolder, b: ResultFolder) -> Iterator[str]:
    then, now = runs(a)[-1], runs(b)[-1]
    for name in sorted({*then.inputs, *now.inputs}):
        if then.inputs.get(name) != now.inputs.get(name):
            yield f"other {name}"
    if then.calcarium_version != now.calcarium_version:
        yield f"calcarium {then.calcarium_version} -> {now.calcarium_version}"


def _keys(table: dict[str, object], parent: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in table.items():
        path = f"{parent}.{name}" if parent else name
        found |= _keys(value, path) if isinstance(value, dict) else {path: json.dumps(value)}
    return found

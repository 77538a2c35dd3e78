"""What changed between two result folders, study by study, and why."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

import duckdb

from calcarium.tables.folder import ResultFolder
from calcarium.tables.read import dataset
from calcarium.tables.rows import PRIVATE_TABLES, Cell, TableName
from calcarium.tables.runs import runs
from calcarium.tables.schema import TABLES

MADE_BY = ("protocol_hash", "calcarium_version", "patient_key")

# The first of these columns that differs says why a study differs.
CAUSES: tuple[tuple[TableName, str, str], ...] = (
    ("series", "n_files", "its files changed"),
    ("series", "transfer_syntax_uid", "its files changed"),
    ("series", "reason", "another rule excluded a scan, or none does now"),
    ("series", "error", "a scan failed in one of the runs"),
    ("studies", "primary_scan_id", "another scan speaks for it"),
    ("scores", "region_sha256", "another region"),
    ("scores", "region_source", "another region"),
    ("scores", "threshold_hu", "another threshold"),
    ("scores", "mass_factor_mg_per_cm3_hu", "another mass calibration"),
    ("studies", "convention", "another primary convention"),
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
    """

    study_id: str
    only_in: str = ""
    cells: dict[str, tuple[Cell, Cell]] = field(default_factory=dict)
    columns: dict[TableName, set[str]] = field(default_factory=lambda: defaultdict(set))
    rows: dict[TableName, int] = field(default_factory=lambda: defaultdict(int))

    @property
    def why(self) -> str:
        """The first cause that is seen in the rows; empty if none is."""
        if self.only_in:
            return f"only {self.only_in} has it"
        return next((why for t, c, why in CAUSES if c in self.columns[t]), "")


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
    """Compare every column that says what was found; times, hosts and backends are left out."""
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
        for change in changes.values():
            change.cells = _cells(database, change)
    studies = tuple(changes[study_id] for study_id in sorted(changes))
    return Difference(tuple(_made_by(a, b)), studies)


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


def _made_by(a: ResultFolder, b: ResultFolder) -> Iterator[str]:
    then, now = runs(a)[-1], runs(b)[-1]
    if then.protocol_hash != now.protocol_hash:
        of_a, of_b = (_keys(json.loads(f.read("protocol.json"))) for f in (a, b))
        for name in sorted({*of_a, *of_b}):
            if of_a.get(name) != of_b.get(name):
                yield f"protocol {name}: {of_a.get(name, 'none')} -> {of_b.get(name, 'none')}"
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

"""A result folder with chosen facts; everything else is empty or a filler."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from calcarium.tables.rows import Cell, Row, StudyRows, TableName
from calcarium.tables.schema import TABLES
from calcarium.tables.stamp import Stamp, stamp

Facts: TypeAlias = Mapping[str, Cell]
MakeResults: TypeAlias = Callable[[list[Facts]], str]
STAMP = Stamp("run", "hash", "0", "numpy", "host", "2026-01-01T00:00:00Z", 0.1)
FILLER: dict[str, Cell] = {"string": "x", "int64": 1, "double": 1.0, "bool": True}


def _row(table: TableName, facts: Facts) -> Row:
    """Nullable columns are empty unless a fact names them."""
    columns = [column for column in TABLES[table].columns if not column.stamped]
    return {c.name: facts.get(c.name, None if c.nullable else FILLER[c.kind]) for c in columns}


def make_study(facts: Facts) -> StudyRows:
    """One study with one scan of one convention; the facts are shared by its rows."""
    scan_class = facts.get("scan_class", "gated")
    facts = {
        "study_id": f"study of {facts['scan_id']}",
        f"{scan_class}_scan_id": facts["scan_id"],
        "primary_scan_id": facts["scan_id"],
        "scan_class": scan_class,
        "outcome": "scored",
        "convention": "literature",
        "is_primary": True,
        "score_type": scan_class,
        **facts,
    }
    rows: dict[TableName, list[Row]] = {
        name: [_row(name, facts)] for name in ("studies", "series", "scores", "links")
    }
    vessels = [name.removeprefix("agatston_") for name in facts if name.startswith("agatston_")]
    rows["vessels"] = [
        _row(
            "vessels", {**facts, "vessel": v.replace("_", "+"), "agatston": facts[f"agatston_{v}"]}
        )
        for v in vessels
    ]
    return stamp(StudyRows(str(facts["study_id"]), rows), STAMP)

"""The schema says what the documents say, and refuses rows that differ."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from calcarium.tables.arrow_schema import arrow_schema
from calcarium.tables.check_rows import check_rows
from calcarium.tables.columns import Table
from calcarium.tables.dictionary import data_dictionary_csv, tables_markdown
from calcarium.tables.rows import PRIVATE_TABLES, Cell, Row, StudyRows, TableName
from calcarium.tables.schema import TABLES
from calcarium.tables.stamp import Stamp, stamp

IDENTIFYING = (
    "patient_id",
    "patient_name",
    "url",
    "path",
    "folder",
    "date",
    "accession",
    "message",
)


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda t: t.name)
def test_a_table_describes_each_column_once_and_its_key_is_never_empty(table: Table) -> None:
    names = [column.name for column in table.columns]
    assert len(set(names)) == len(names)
    assert all(column.meaning for column in table.columns)
    assert set(table.key) <= set(names)
    if table.name != "messages":
        nullable = {column.name for column in table.columns if column.nullable}
        assert not nullable & set(table.key)
    assert arrow_schema(table.name).names == names


def test_units_in_a_name_agree_with_the_unit() -> None:
    suffixes = {
        "_mm": "mm",
        "_mm2": "mm2",
        "_mm3": "mm3",
        "_hu": "HU",
        "_mg": "mg",
        "_deg": "degree",
    }
    for table in TABLES.values():
        for column in table.columns:
            for suffix, unit in suffixes.items():
                if column.name.endswith(suffix) and "_per_" not in column.name:
                    assert column.unit == unit, column


def test_shareable_tables_have_no_column_that_identifies() -> None:
    for table in TABLES.values():
        if table.name not in PRIVATE_TABLES:
            names = [column.name for column in table.columns]
            assert not [n for n in names if any(word in n for word in IDENTIFYING)]


CELL: dict[str, Cell] = {"string": "x", "int64": 3, "double": 0.5, "bool": True, "binary": b"x"}


def _bare_row(table: TableName) -> Row:
    return {c.name: CELL[c.kind] for c in TABLES[table].columns if not c.stamped}


def test_a_row_with_an_wrong_column_is_refused_by_name() -> None:
    row = _bare_row("vessels")
    check_rows("vessels", [row])
    row["colour"] = row.pop("vessel")
    row["scan_id"] = None
    row["agatston"] = "12"
    with pytest.raises(
        ValueError,
        match=r"vessels.*unknown: colour; missing: vessel; empty: scan_id; .*type: agatston",
    ):
        check_rows("vessels", [row])


def test_a_stamp_fills_exactly_the_columns_that_scoring_leaves_out() -> None:
    made_by = Stamp("r1", "h", "0", "numpy", "host", "2026-01-01T00:00:00Z", 0.5)
    bare = StudyRows("s", {name: [_bare_row(name)] for name in TABLES})
    for name, rows in bare.tables.items():
        check_rows(name, rows)
    for name, rows in stamp(bare, made_by).tables.items():
        check_rows(name, rows, stamped=True)


def test_the_dictionary_lists_every_shareable_column() -> None:
    lines = list(csv.DictReader(data_dictionary_csv().splitlines()))
    listed = {(line["table"], line["column"]) for line in lines}
    shareable = [t for t in TABLES.values() if t.name not in PRIVATE_TABLES]
    assert listed == {(t.name, c.name) for t in shareable for c in t.columns}


def test_the_page_in_docs_is_the_schema() -> None:
    page = Path(__file__).parents[2] / "docs" / "tables.md"
    assert page.read_text(encoding="utf-8") == tables_markdown()

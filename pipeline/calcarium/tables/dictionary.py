"""The columns as documents: ``data_dictionary.csv`` and ``docs/tables.md``."""

from __future__ import annotations

import csv
import io

from calcarium.tables.columns import Column, Table
from calcarium.tables.rows import PRIVATE_TABLES
from calcarium.tables.schema import TABLES

HEADER = ("table", "column", "type", "unit", "nullable", "volatile", "meaning")


def data_dictionary_csv() -> str:
    """Every column of every shareable table, one line each."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(HEADER)
    for table in TABLES.values():
        if table.name not in PRIVATE_TABLES:
            writer.writerows((table.name, *_cells(column)) for column in table.columns)
    return out.getvalue()


def tables_markdown() -> str:
    """The page ``docs/tables.md``."""
    return "\n".join([INTRODUCTION, *(_section(table) for table in TABLES.values())])


def _section(table: Table) -> str:
    where = f"private/{table.name}" if table.name in PRIVATE_TABLES else table.name
    lines = [
        f"## {where}",
        "",
        f"One row per {table.one_row_per}. Key: {', '.join(f'`{k}`' for k in table.key)}.",
        "",
        "| column | type | unit | may be empty | meaning |",
        "|---|---|---|---|---|",
    ]
    for column in table.columns:
        name, kind, unit, nullable, volatile, meaning = _cells(column)
        mark = " (volatile)" if volatile == "yes" else ""
        lines.append(f"| `{name}` | {kind} | {unit} | {nullable} | {meaning}{mark} |")
    return "\n".join([*lines, ""])


def _cells(column: Column) -> tuple[str, ...]:
    return (
        column.name,
        column.kind,
        column.unit,
        "yes" if column.nullable else "no",
        "yes" if column.volatile else "no",
        column.meaning,
    )


INTRODUCTION = """# Tables

Made by `python -m calcarium.tables.dictionary > docs/tables.md` from
`pipeline/calcarium/tables/schema.py`; a test keeps them equal.

Each table is a folder of Parquet files. A file `0000012-0000012.parquet` holds
one commit; after small files were joined, `0000000-0000063.parquet` holds the
commits 0 to 63 and takes the place of each file inside that range. A commit
counts once its file in `series/` is there. Volatile columns may differ between
two runs that found the same.

What has no study has a row as well. `missing-...` (`not_found`) is an entry of a
manifest that is not there. `unreadable-...` (`unreadable_header`) is a folder or
archive with files whose header cannot be read; `n_files` says how many, and
`private/messages` names each with what is wrong. Such a row goes when its files
are mended, and is replaced when others break.
"""

if __name__ == "__main__":
    print(tables_markdown(), end="")

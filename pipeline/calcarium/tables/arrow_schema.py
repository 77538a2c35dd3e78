"""The columns of a table as Arrow and Parquet know them."""

from __future__ import annotations

import pyarrow as pa

from calcarium.tables.rows import TableName
from calcarium.tables.schema import TABLES


def arrow_schema(table: TableName) -> pa.Schema:
    """The Arrow schema of a table; meaning and unit travel as field metadata."""
    kinds = {
        "string": pa.string(),
        "int64": pa.int64(),
        "double": pa.float64(),
        "bool": pa.bool_(),
        "binary": pa.binary(),
    }
    return pa.schema(
        [
            pa.field(
                column.name,
                kinds[column.kind],
                column.nullable,
                {"meaning": column.meaning, "unit": column.unit},
            )
            for column in TABLES[table].columns
        ]
    )


def other_columns(table: TableName, found: pa.Schema) -> str:
    """Columns that are not in both, or not alike in both, in words; empty if there is none."""
    odd = sorted({field.name for field in {*found} ^ {*arrow_schema(table)}})
    more = f" and {len(odd) - 3} more" if len(odd) > 3 else ""
    return ", ".join(odd[:3]) + more

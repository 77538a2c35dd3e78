"""What only the private part may say, looked for in everything else.

Each cell is held against the private values of its own study, and the files
beside the tables against those of all studies: holding every cell against every
patient would find a patient called Siemens in each row of a scanner.
"""

from __future__ import annotations

import duckdb
import pyarrow as pa

from calcarium.tables.columns import Column, Table
from calcarium.tables.folder import ResultFolder
from calcarium.tables.rows import PRIVATE_TABLES
from calcarium.tables.schema import TABLES

NOT_SHARED = ("lock.json",)
# The scanner writes these: a phantom may have its maker's name for a PatientID.
WRITTEN_BY_SCANNER = ("modality", "manufacturer", "manufacturer_model", "convolution_kernel")
SHORTEST = 4
SHORTEST_IN_FILES = 8
NORMAL = r"' ' || trim(regexp_replace(lower({0}), '[^\p{{L}}\p{{N}}]+', ' ', 'g')) || ' '"
PRIVATE_VALUES = f"""
    SELECT DISTINCT study_id, {NORMAL.format("value")} AS value FROM (
        SELECT study_id, unnest(list_concat(
            [folder, first_url, patient_id, patient_name, accession_number,
             study_description, series_description,
             patient_birth_date, study_date, series_date],
            [left(d, 4) || '-' || substr(d, 5, 2) || '-' || substr(d, 7)
             for d in [patient_birth_date, study_date, series_date]],
            string_split_regex(patient_name, '[\\^= ]+'))) AS value
        FROM links)
    WHERE length(value) >= {SHORTEST}"""


def leak_queries() -> dict[str, str]:
    """Queries, by what they prove, that list ``what`` says something private."""
    shared = [table for table in TABLES.values() if table.name not in PRIVATE_TABLES]
    return {
        **{f"{table.name} says nothing private": _in_cells(table) for table in shared},
        "the files beside the tables say nothing private": f"""
            SELECT DISTINCT file AS what FROM shared_files JOIN ({PRIVATE_VALUES})
                ON length(value) >= {SHORTEST_IN_FILES} + 2 AND contains(text, value)""",
    }


def register_files(database: duckdb.DuckDBPyConnection, folder: ResultFolder) -> None:
    """Register the text of the shareable files that are no tables as ``shared_files``."""
    names = [n for n in folder.names(folder.root) if "." in n and n not in NOT_SHARED]
    texts = [folder.read(name).decode(errors="replace") for name in names]
    database.register("raw_files", pa.table({"file": names, "text": texts}))
    database.execute(
        f"CREATE TEMP VIEW shared_files AS SELECT file, {NORMAL.format('text')} AS text "
        "FROM raw_files"
    )


def _in_cells(table: Table) -> str:
    cells = ", ".join(
        f"""{{'name': '{column.name}', 'text': "{column.name}"}}"""
        for column in table.columns
        if _may_leak(column)
    )
    # Made normal once per cell, not once per cell and private value: long cells are slow.
    return f"""
        WITH cells AS MATERIALIZED (
            SELECT study_id, cell.name AS name, {NORMAL.format("cell.text")} AS text
            FROM (SELECT study_id, unnest([{cells}]) AS cell FROM {table.name}))
        SELECT DISTINCT study_id || ' ' || name AS what
        FROM cells JOIN ({PRIVATE_VALUES}) USING (study_id) WHERE contains(text, value)"""


def _may_leak(column: Column) -> bool:
    """UIDs name studies and scans by design, and hold dates on some scanners."""
    is_uid = column.name.endswith(("_id", "_uid"))
    is_text = column.kind == "string" and not column.volatile
    return is_text and not is_uid and column.name not in WRITTEN_BY_SCANNER

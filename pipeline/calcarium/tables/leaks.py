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
        # A value can only be in files that have its first word: most have none.
        "the files beside the tables say nothing private": f"""
            WITH words AS (SELECT DISTINCT unnest(string_split(text, ' ')) AS word
                FROM shared_files)
            SELECT DISTINCT file AS what FROM shared_files JOIN (
                SELECT value FROM private_values SEMI JOIN words
                    ON word = split_part(value, ' ', 2)
                WHERE length(value) >= {SHORTEST_IN_FILES} + 2)
            ON contains(text, value)""",
    }


def register_texts(database: duckdb.DuckDBPyConnection, folder: ResultFolder) -> None:
    """Register what the queries ask beside the tables.

    ``private_values`` are those of each study, ``shared_files`` the text of the shareable files
    that are no tables.
    """
    names = [n for n in folder.names(folder.root) if "." in n and n not in NOT_SHARED]
    texts = [folder.read(name).decode(errors="replace") for name in names]
    database.register("raw_files", pa.table({"file": names, "text": texts}))
    normal = NORMAL.format("text")
    database.execute(
        f"CREATE TEMP TABLE shared_files AS SELECT file, {normal} AS text FROM raw_files"
    )
    database.execute(f"CREATE TEMP TABLE private_values AS {PRIVATE_VALUES}")


def _in_cells(table: Table) -> str:
    names = [column.name for column in table.columns if _may_leak(column)]
    columns = ", ".join(f'"{name}"' for name in names)
    cells = ", ".join(f"""{{'name': '{name}', 'text': "{name}"}}""" for name in names)
    # The words of a table are few, and making them normal is slow: once for each, not for each row.
    return f"""
        WITH cells AS MATERIALIZED (
            SELECT DISTINCT study_id, cell.name AS name, cell.text AS text
            FROM (SELECT study_id, unnest([{cells}]) AS cell
                FROM (SELECT DISTINCT study_id, {columns} FROM {table.name}))),
        words AS MATERIALIZED (
            SELECT text, {NORMAL.format("text")} AS normal FROM (SELECT DISTINCT text FROM cells))
        SELECT DISTINCT study_id || ' ' || name AS what
        FROM cells JOIN words USING (text) JOIN private_values USING (study_id)
        WHERE contains(normal, value)"""


def _may_leak(column: Column) -> bool:
    """UIDs name studies and scans by design, and hold dates on some scanners."""
    is_uid = column.name.endswith(("_id", "_uid"))
    is_text = column.kind == "string" and not column.volatile
    return is_text and not is_uid and column.name not in WRITTEN_BY_SCANNER

"""What must hold between the rows of a result folder, as queries for what breaks it.

A query lists ``what`` breaks its identity. Beside the tables it may ask
``expected`` (conventions of the protocol by scan class) and ``known_runs``.
"""

from __future__ import annotations

from calcarium.errors import REASONS
from calcarium.tables.rows import TableName
from calcarium.tables.schema import TABLES, VESSEL_COLUMNS

BY_SCAN: tuple[TableName, ...] = ("scores", "vessels", "lesions", "quality", "links")


KEYED = tuple((name, table) for name, table in TABLES.items() if name != "messages")
ADDITIVE = ("agatston", "volume_mm3", "mass_mg", "n_lesions")
WIDE = ("agatston", "agatston_low", "agatston_high", "volume_mm3", "mass_mg", "n_lesions")
SAME = "(abs({a} - {b}) <= 1e-9 * greatest(1, abs({a})) OR ({a} IS NULL AND {b} IS NULL))"
REASON_LIST = ", ".join(f"'{reason}'" for reason in REASONS)

LEDGER = {
    "each scan of the ledger belongs to a study": """
        SELECT scan_id AS what FROM series ANTI JOIN studies USING (study_id)""",
    "a study counts its scans": """
        SELECT study_id AS what FROM studies LEFT JOIN (
            SELECT study_id, count(*) AS found, count(*) FILTER (outcome = 'scored') AS good
            FROM series GROUP BY study_id) USING (study_id)
        WHERE n_scans <> coalesce(found, 0) OR n_scored <> coalesce(good, 0)
            OR (outcome = 'scored') <> (n_scored > 0)""",
    "an outcome is scored, excluded with a reason, or failed with an error": f"""
        SELECT scan_id AS what FROM series WHERE NOT coalesce(
            (outcome = 'scored' AND reason IS NULL AND error IS NULL)
            OR (outcome = 'excluded' AND reason IN ({REASON_LIST}))
            OR (outcome = 'failed' AND error IS NOT NULL), false)""",
    "a row was made by a run of run.json, with its protocol": """
        SELECT scan_id AS what FROM series ANTI JOIN known_runs USING (run_id, protocol_hash)""",
}
SCORES = {
    "a scored scan has a score by each convention of its protocol": """
        SELECT scan_id || ' ' || convention AS what FROM (
            SELECT scan_id, e.convention, e.is_primary
            FROM series JOIN expected e USING (scan_class) WHERE outcome = 'scored')
        ANTI JOIN scores USING (scan_id, convention, is_primary)""",
    "only conventions of the protocol are scored": """
        SELECT scan_id || ' ' || convention AS what FROM scores JOIN series USING (scan_id)
        ANTI JOIN expected USING (scan_class, convention, is_primary)""",
    "only scored scans have scores": """
        SELECT scan_id AS what FROM scores JOIN series USING (scan_id) WHERE outcome <> 'scored'""",
    "a score is finite, not negative, and between its bounds": """
        SELECT scan_id || ' ' || convention AS what FROM scores
        WHERE NOT coalesce(isfinite(agatston) AND agatston >= 0, true)
            OR agatston < agatston_low - 1e-9 OR agatston > agatston_high + 1e-9
            OR NOT coalesce(isfinite(volume_mm3) AND volume_mm3 >= 0, true)""",
    "the accepted lesions of a scan add up to its score": f"""
        SELECT scan_id || ' ' || convention AS what FROM scores JOIN (
            SELECT scan_id, convention, coalesce(sum(agatston) FILTER (accepted), 0) AS lesions,
                count(agatston) AS known
            FROM lesions GROUP BY ALL) USING (scan_id, convention)
        WHERE known > 0 AND NOT {SAME.format(a="agatston", b="lesions")}""",
    "a score above 0 has lesions": """
        SELECT scan_id AS what FROM scores ANTI JOIN lesions USING (scan_id, convention)
        WHERE is_primary AND agatston > 0""",
}


def identities() -> dict[str, str]:
    """Each identity in words, and a query that lists ``what`` breaks it."""
    return {
        **{f"{name} has one row per {t.one_row_per}": _duplicates(name) for name, t in KEYED},
        **{f"each row of {t} belongs to a scan of the ledger": _orphans(t) for t in BY_SCAN},
        **LEDGER,
        **SCORES,
        **{f"{name} of a scan is the sum over its vessels": _total(name) for name in ADDITIVE},
        **{f"{name} of a study is that of its primary scan": _wide(name) for name in WIDE},
        **{
            f"agatston_{v} of a study is that of the vessel": _wide_vessel(v)
            for v in VESSEL_COLUMNS
        },
    }


def _duplicates(table: TableName) -> str:
    key = ", ".join(f'"{column}"' for column in TABLES[table].key)
    return f"""SELECT concat_ws(' ', {key}) AS what FROM {table} GROUP BY {key}
        HAVING count(*) > 1"""


def _orphans(table: TableName) -> str:
    return f"SELECT scan_id AS what FROM {table} ANTI JOIN series USING (scan_id)"


def _total(name: str) -> str:
    return f"""SELECT scan_id || ' ' || convention AS what FROM (
            SELECT scan_id, convention, s.{name} AS total,
                CASE WHEN count(*) = count(v.{name}) THEN sum(v.{name}) END AS parts
            FROM scores s LEFT JOIN vessels v USING (scan_id, convention)
            GROUP BY scan_id, convention, s.{name} HAVING count(v.vessel) > 0 OR s.{name} > 0)
        WHERE NOT coalesce({SAME.format(a="total", b="parts")}, false)"""


def _wide(name: str) -> str:
    same = SAME.format(a=f"t.{name}", b=f"s.{name}")
    return f"""SELECT t.study_id AS what FROM studies t LEFT JOIN scores s
            ON s.scan_id = t.primary_scan_id AND s.is_primary AND s.convention = t.convention
        WHERE t.outcome = 'scored' AND NOT coalesce(s.scan_id IS NOT NULL AND {same}, false)"""


def _wide_vessel(column: str) -> str:
    vessel = column.replace("_", "+")
    same = SAME.format(a=f"t.agatston_{column}", b="v.agatston")
    return f"""SELECT t.study_id AS what FROM studies t LEFT JOIN vessels v
            ON v.scan_id = t.primary_scan_id AND v.convention = t.convention
            AND v.vessel = '{vessel}'
        WHERE t.outcome = 'scored' AND NOT coalesce({same}, false)"""

"""Whether a result folder adds up, and says nothing that is private."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from calcarium.tables.folder import ResultFolder
from calcarium.tables.identities import identities
from calcarium.tables.leaks import leak_queries, register_texts
from calcarium.tables.parts import part_faults
from calcarium.tables.read import connect
from calcarium.tables.runs import runs

EXAMPLES = 3


@dataclass(frozen=True)
class Finding:
    """Something that does not add up: what, how often, and for example where."""

    identity: str
    count: int
    examples: tuple[str, ...]

    def __str__(self) -> str:
        shown = ", ".join(self.examples) + (" ..." if self.count > len(self.examples) else "")
        return f"{self.identity}: broken {self.count:,} times ({shown})"


def verify(folder: ResultFolder) -> list[Finding]:
    """Check every identity of a result folder; an empty list says that all hold."""
    faults = [*part_faults(folder)]
    if faults:
        return [Finding("a committed part is whole", 1, (str(fault),)) for fault in faults]
    with connect(folder) as database:
        _expect(database, folder)
        register_texts(database, folder)
        queries = identities() | leak_queries()
        found = [_broken(database, identity, query) for identity, query in queries.items()]
        return [finding for finding in (*found, *_counts(database, folder)) if finding]


def _broken(database: duckdb.DuckDBPyConnection, identity: str, query: str) -> Finding | None:
    rows = database.execute(f"SELECT what, count(*) OVER () FROM ({query}) LIMIT {EXAMPLES}")
    broken = rows.fetchall()
    if not broken:
        return None
    return Finding(identity, broken[0][1], tuple(str(what) for what, _ in broken))


def _expect(database: duckdb.DuckDBPyConnection, folder: ResultFolder) -> None:
    """Register what the protocol and the record of runs lead one to expect."""
    expected = []
    for scan_class, protocol in json.loads(folder.read("protocol.json")).items():
        rules = protocol["scoring"]
        for name in dict.fromkeys((*rules["conventions"], rules["primary_convention"])):
            primary = name == rules["primary_convention"]
            expected.append({"scan_class": scan_class, "convention": name, "is_primary": primary})
    kinds = pa.schema(
        {"scan_class": pa.string(), "convention": pa.string(), "is_primary": pa.bool_()}
    )
    database.register("expected", pa.Table.from_pylist(expected, kinds))
    made = [(run.run_id, run.protocol_hash) for run in runs(folder)]
    known = {"run_id": [r for r, _ in made], "protocol_hash": [h for _, h in made]}
    database.register("known_runs", pa.table(known))


def _counts(database: duckdb.DuckDBPyConnection, folder: ResultFolder) -> Iterator[Finding]:
    """Every finished run: asked = done before + done now; done = scored + excluded + failed."""
    last = None
    for run in runs(folder):
        if run.ending == "finished":
            last = run
            count = run.counts
            ends = count["scored"] + count["excluded"] + count["failed"]
            if count["asked"] != count["continued"] + count["done"] or count["done"] != ends:
                yield Finding("requested + found = scored + excluded + failed", 1, (run.run_id,))
    if last is None:
        return
    (rows,) = database.execute("SELECT count(*) FROM studies").fetchall()
    if rows[0] < last.counts["asked"]:
        said = f"{last.counts['asked']:,} asked for, {rows[0]:,} rows"
        yield Finding("every study that was asked for has a row", 1, (said,))

"""The result folders of a job array, joined to one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from calcarium.errors import UsageError
from calcarium.privacy import patient_key
from calcarium.tables.commit import commit_tables, join_small_parts, sweep
from calcarium.tables.folder import Part, ResultFolder
from calcarium.tables.lock import LOCK
from calcarium.tables.parts import refuse_faulty_parts
from calcarium.tables.read import committed_study_ids, dataset
from calcarium.tables.rows import TableName
from calcarium.tables.runs import describe_folder, record_command, record_run, refuse_other, runs
from calcarium.tables.schema import TABLES
from calcarium.tables.secret import patient_secret


def merge(sources: Sequence[ResultFolder], out: ResultFolder) -> int:
    """Copy the committed rows of some result folders into one.

    A study that is there already is passed over, so that the same command goes on
    after a crash, and overlapping folders count a study once. Patient keys are
    made anew with one secret, so that a patient has one key in all of them. The
    caller holds the lock of ``out``.

    Returns
    -------
    how many studies were passed over

    Raises
    ------
    UsageError
        if the folders were made with different protocols, inputs or versions, or one is
        damaged, has other columns than this version, or is still being written.
    """
    if out.root in (source.root for source in sources):
        raise UsageError(f"{out.root} is to be joined and is --out as well; give another --out")
    for source in sources:
        if source.exists(LOCK):
            raise UsageError(f"{source.root} is being written, or its run was killed: finish it")
        refuse_other(sources[0], runs(source)[-1], source.root)
        refuse_other(out, runs(source)[-1], source.root)
    refuse_faulty_parts(*sources, out)
    for source in sources:
        _copy_records(source, out)
    secret = patient_secret(out)
    sweep(out)
    passed_over = 0
    for source in sources:
        done = pa.array(sorted(committed_study_ids(out)), pa.string())
        for part in source.committed():
            passed_over += _copy(source, part, out, done, secret)
    join_small_parts(out)
    sweep(out)
    return passed_over


def _copy(
    source: ResultFolder, part: Part, out: ResultFolder, done: pa.Array, secret: bytes
) -> int:
    new = ~pc.field("study_id").isin(done)
    tables: dict[TableName, pa.Table] = {
        table: dataset(source, table, [part]).to_table(filter=new) for table in TABLES
    }
    tables["studies"] = _with_keys(tables["studies"], tables["links"], secret)
    if tables["studies"].num_rows:
        commit_tables(out, tables)
    all_studies: int = dataset(source, "studies", [part]).count_rows()
    return all_studies - int(tables["studies"].num_rows)


def _with_keys(studies: pa.Table, links: pa.Table, secret: bytes) -> pa.Table:
    patients: dict[str, str] = {}
    for study_id, patient_id in _sorted_pairs(links):
        if patient_id:
            patients.setdefault(study_id, patient_id)
    keys = [patient_key(patients.get(s), secret) for s in studies.column("study_id").to_pylist()]
    at = studies.schema.get_field_index("patient_key")
    return studies.set_column(at, studies.schema.field(at), pa.array(keys, pa.string()))


def _sorted_pairs(links: pa.Table) -> Iterator[tuple[str, str | None]]:
    ordered = links.sort_by("scan_id")
    yield from zip(
        ordered.column("study_id").to_pylist(),
        ordered.column("patient_id").to_pylist(),
        strict=True,
    )


def _copy_records(source: ResultFolder, out: ResultFolder) -> None:
    describe_folder(out, source.read("protocol.json").decode())
    for run in runs(source):
        record_run(out, run)
    if source.exists("private", "runs.json"):
        for run_id, command in json.loads(source.read("private", "runs.json")).items():
            record_command(out, run_id, command)

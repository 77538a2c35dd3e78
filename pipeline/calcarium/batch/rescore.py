"""A rescore as a run: recorded, locked, checked at its end."""

from __future__ import annotations

import socket
from dataclasses import replace
from itertools import chain, islice
from uuid import uuid4

import pyarrow.compute as pc
from pydantic import ValidationError

from calcarium.batch.run import now
from calcarium.config import Protocols
from calcarium.errors import CalciumError, UsageError
from calcarium.provenance import calcarium_version
from calcarium.rescore import Rescorer, refuse_other_rules
from calcarium.scoring.score import check_scoring
from calcarium.tables.commit import commit_tables, join_small_parts, sweep
from calcarium.tables.folder import ResultFolder
from calcarium.tables.lock import writer_lock
from calcarium.tables.parts import refuse_faulty_parts
from calcarium.tables.read import committed_study_ids, open_results, read_table
from calcarium.tables.runs import Run, describe_folder, record_run, refuse_other, runs
from calcarium.tables.secret import SECRET
from calcarium.tables.stamp import Stamp
from calcarium.tables.verify import verify
from calcarium_kernels import load

JOIN_COMMITS = 50  # small parts are joined after so many; fewer cost more to join than to read


def rescore_folder(results: str, out: str, protocols: Protocols) -> Run:
    """Score every study of a result folder again into another one.

    Raises
    ------
    UsageError
        if the protocol asks for what the voxels do not hold, or ``out`` holds other results.
    """
    for protocol in protocols.by_class.values():
        check_scoring(protocol.scoring)
    source, folder = open_results(results), ResultFolder.at(out)
    if source.root == folder.root:
        raise UsageError("--out must be another folder than the one that is scored again")
    refuse_faulty_parts(source, folder)
    before = runs(source)[-1]
    try:
        kept_by = Protocols.from_json(source.read("protocol.json").decode())
    except ValidationError as error:
        raise UsageError(
            f"{results} was made by calcarium {before.calcarium_version}, by rules that this "
            "version does not have: score the archive instead"
        ) from error
    refuse_other_rules(kept_by, protocols)
    run = Run(
        run_id=uuid4().hex[:12],
        started_at=now(),
        calcarium_version=calcarium_version(),
        protocol=protocols.name,
        protocol_hash=protocols.hash,
        backend="numpy",
        host=socket.gethostname(),
        inputs=before.inputs,
        options={"rescored_run": before.run_id},
    )
    made_by = Stamp(
        run.run_id, run.protocol_hash, run.calcarium_version, "numpy", run.host, now(), 0.0
    )
    rescorer = Rescorer(kept_by, protocols, load("numpy"), made_by)
    with folder.created(), writer_lock(folder):
        refuse_other(folder, run)
        sweep(folder)
        made = rescorer.tables(source, committed_study_ids(folder))
        first = [*islice(made, 1)]  # what is refused leaves nothing behind
        describe_folder(folder, protocols.to_json())
        folder.write(source.read(*SECRET), *SECRET)
        record_run(folder, run)
        for number, tables in enumerate(chain(first, made), 1):
            commit_tables(folder, tables)
            if number % JOIN_COMMITS == 0:
                join_small_parts(folder)
        sweep(folder)
        ended = replace(run, finished_at=now(), ending="finished", counts=_counts(folder, run))
        record_run(folder, ended)
    findings = verify(folder)
    if findings:
        raise CalciumError("the result does not add up:\n" + "\n".join(map(str, findings)))
    return ended


def _counts(folder: ResultFolder, run: Run) -> dict[str, int]:
    """How many studies the folder holds, and how those ended that this run wrote."""
    studies = read_table(folder, "studies", ["outcome", "run_id"])
    written = studies.filter(pc.field("run_id") == run.run_id)["outcome"].to_pylist()
    return {
        "asked": studies.num_rows,
        "continued": studies.num_rows - len(written),
        "done": len(written),
        **{outcome: written.count(outcome) for outcome in ("scored", "excluded", "failed")},
    }

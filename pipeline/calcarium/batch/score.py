"""The main job: an archive to a result folder, from the words of a command to its end."""

from __future__ import annotations

import platform
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from itertools import chain
from pathlib import Path
from typing import Literal
from uuid import uuid4

from distributed import Client
from distributed.scheduler import KilledWorker

from calcarium.batch.backend import Backend, backend_of_workers
from calcarium.batch.changed import changed_studies
from calcarium.batch.cluster import workers
from calcarium.batch.options import RunOptions
from calcarium.batch.plan import Choice
from calcarium.batch.progress import Reporter, report
from calcarium.batch.run import Order, now, run
from calcarium.batch.submit import Job
from calcarium.batch.without_study import absent_studies, outdated_places, unreadable_places
from calcarium.config import Protocols
from calcarium.covariate_table import CovariateTable, read_covariates
from calcarium.errors import CalciumError, ResourceError, UsageError
from calcarium.intake.index import IndexSummary, build_index
from calcarium.intake.index_query import (
    KeyColumn,
    index_counts,
    knows_any,
    last_part,
    problems,
    series_of_entries,
    touched_studies,
)
from calcarium.intake.index_store import is_index, take_over
from calcarium.intake.manifest import ManifestEntry, expand, masks_by_series
from calcarium.intake.parallel import windowed_map
from calcarium.intake.studies import iter_studies
from calcarium.provenance import calcarium_version
from calcarium.regions.inputs import RegionInputs, gather_inputs
from calcarium.scoring.score import check_scoring
from calcarium.study import ScorerSetup
from calcarium.tables.folder import ResultFolder
from calcarium.tables.lock import writer_lock
from calcarium.tables.runs import Run, record_command
from calcarium.tables.secret import patient_secret
from calcarium.tables.stamp import Stamp
from calcarium.tables.verify import verify

SOFTWARE = ("numpy", "scipy", "pydicom", "imagecodecs", "pyarrow", "dask", "cupy", "onnxruntime")
INDEX_BATCHES_PER_WORKER = 4


@dataclass(frozen=True)
class Request:
    """What a user asks for.

    Attributes
    ----------
    inputs : folders, files, archives, manifests; paths or URLs
    out : result folder, new or to go on with
    masks, network, covariates : where they are; empty for none
    network_device : where the network runs
    scheduler : address or file of a Dask scheduler; ``None`` starts workers here
    retry : ``failed``, ``changed`` or a reason: take up such studies again
    command : the words as typed, kept in the private part
    """

    inputs: tuple[str, ...]
    out: str
    protocols: Protocols
    masks: str = ""
    network: str = ""
    network_device: Literal["cpu", "cuda"] = "cpu"
    covariates: str = ""
    backend: Literal["auto", "numpy", "cupy"] = "auto"
    scheduler: str | None = None
    options: RunOptions = field(default_factory=RunOptions)
    choice: Choice = field(default_factory=Choice)
    retry: str | None = None
    all_scans: bool = False
    quiet: bool = False
    command: str = ""


def score_archive(request: Request) -> Run:
    """Score what is not scored yet, and check that the result adds up.

    Returns
    -------
    the record of the run, with its counts

    Raises
    ------
    CalciumError
        a sentence that says why it could not be done, or not to the end
    """
    for protocol in request.protocols.by_class.values():
        check_scoring(protocol.scoring)
    folder = ResultFolder.at(request.out)
    folder.create()
    with (
        report(quiet=request.quiet) as reporter,
        writer_lock(folder) as message,
        workers(request.options, request.scheduler) as client,
    ):
        if message:
            reporter.say(message)
        backend = backend_of_workers(request.backend, client, reporter)
        _index(request, folder.index, client, reporter)
        order = _order(request, folder, backend)
        record_command(folder, order.run.run_id, request.command)
        ended = run(order, folder, client, reporter)
    findings = verify(folder)
    if findings:
        raise CalciumError("the result does not add up:\n" + "\n".join(map(str, findings)))
    return ended


def _index(request: Request, index: Path, client: Client, reporter: Reporter) -> None:
    """Bring the index up to date, on the same workers that will score."""
    window = INDEX_BATCHES_PER_WORKER * max(1, sum(client.nthreads().values()))
    submit = partial(client.submit, pure=False)

    def show(summary: IndexSummary) -> None:
        reporter.show(f"headers: {summary.read:,} read, {summary.unchanged:,} known")

    index.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        if len(request.inputs) == 1 and is_index(Path(request.inputs[0])):
            before = last_part(index) if is_index(index) else None
            take_over(Path(request.inputs[0]), index)
            touched = () if before is None else touched_studies(index, before + 1)
        else:
            parallel = partial(windowed_map, submit, window)
            summary = build_index(request.inputs, index, parallel=parallel, progress=show)
            touched = summary.touched_studies
    except KilledWorker as error:
        raise ResourceError(
            "a worker died while headers were read; what was read is kept, give the command again"
        ) from error
    if unread := [problem for problem in problems(index) if problem.kind != "missing"]:
        reporter.say(
            f"{len(unread):,} files could not be read, the first is {unread[0].url}: "
            f"{unread[0].message}; each folder that holds some has a row unreadable_header"
        )
    if touched:
        reporter.say(
            f"files of {len(touched):,} known studies came, changed or vanished; "
            "rows that are there were made from what was there before; --retry changed makes "
            "them anew"
        )


def _order(request: Request, folder: ResultFolder, backend: Backend) -> Order:
    index = folder.index
    _, entries = expand(request.inputs)
    inputs = _region_inputs(request, index, entries)
    covariates = _covariates(request.covariates, index) if request.covariates else None
    setup = ScorerSetup(
        request.protocols,
        inputs.without_masks(),
        patient_secret(folder),
        backend=backend,
        covariates=covariates,
        all_scans=request.all_scans,
        voxels_base_hu=request.options.voxels_base_hu,
    )
    fingerprints = {
        "masks or network": inputs.fingerprint,
        "covariates": covariates.sha256[:16] if covariates else "",
        "scans": "all" if request.all_scans else "best of each class",
    }
    record = _record(request, setup.backend, fingerprints, last_part(index))
    made_by = Stamp(
        record.run_id, record.protocol_hash, record.calcarium_version, record.backend, "", "", 0.0
    )
    return Order(
        record,
        Job(setup, setup.failed, made_by),
        lambda: inputs.with_masks(iter_studies(index)),
        request.protocols.to_json(),
        without_study=lambda: chain(absent_studies(index, entries), unreadable_places(index)),
        outdated=partial(outdated_places, folder, index),
        total=index_counts(index).studies,
        choice=request.choice,
        options=request.options,
        retry=request.retry,
        changed=partial(changed_studies, folder, index),
    )


def _covariates(url: str, index: Path) -> CovariateTable:
    table = read_covariates(url)
    columns: dict[str, KeyColumn] = {
        "series_instance_uid": "series_key",
        "accession_number": "accession_number",
        "patient_id": "patient_id",
    }
    if index_counts(index).studies and not knows_any(index, columns[table.key], list(table.rows)):
        raise UsageError(f"{url}: no scan here has a {table.key} of its {len(table.rows):,} rows")
    return table


def _region_inputs(request: Request, index: Path, entries: Sequence[ManifestEntry]) -> RegionInputs:
    column = masks_by_series(series_of_entries(index, entries)) if entries else {}
    shapes = [protocol.region.shapes for protocol in request.protocols.by_class.values()]
    return gather_inputs(
        request.masks,
        mask_column=column,
        network=request.network,
        network_device=request.network_device,
        shapes=shapes,
    )


def _record(
    request: Request, backend: Backend, fingerprints: dict[str, str], index_part: int
) -> Run:
    choice = request.choice
    shard = "/".join(map(str, choice.shard)) if choice.shard else None
    return Run(
        run_id=uuid4().hex[:12],
        started_at=now(),
        calcarium_version=calcarium_version(),
        protocol=request.protocols.name,
        protocol_hash=request.protocols.hash,
        backend=backend,
        host=socket.gethostname(),
        software={"python": platform.python_version()} | _software(),
        options={
            "limit": choice.limit,
            "sample": choice.sample,
            "seed": choice.seed,
            "shard": shard,
            "retry": request.retry,
            **request.options.model_dump(),
        },
        inputs=fingerprints,
        index_part=index_part,
    )


def _software() -> dict[str, str]:
    found = {}
    for name in SOFTWARE:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found

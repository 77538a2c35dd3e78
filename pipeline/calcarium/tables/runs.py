"""``run.json``: every run on a result folder, and what keeps runs apart.

Nothing here names a path: the words of the command as typed are in
``private/runs.json``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Literal, TypeAlias

from calcarium.config import Protocols
from calcarium.errors import UsageError
from calcarium.tables.dictionary import data_dictionary_csv
from calcarium.tables.folder import ResultFolder

Ending: TypeAlias = Literal["finished", "stopped", "unknown"]


@dataclass(frozen=True)
class Run:
    """One run.

    Attributes
    ----------
    run_id : written into every row
    ending : ``unknown`` while it goes on, and for ever if it was killed
    software : versions of Python and of the packages that touch numbers
    options : what part of the archive it was about, and how it was carried out
    inputs : hash of each thing that the user brought: masks, covariates, networks
    index_part : newest part of the index when it began; ``None`` if it had no index
    counts : studies that the command was about (``asked``), of these done before
        (``continued``) and done now (``done``), and these by outcome
    """

    run_id: str
    started_at: str
    calcarium_version: str
    protocol: str
    protocol_hash: str
    backend: str
    host: str
    software: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, str | int | float | bool | None] = field(default_factory=dict)
    inputs: Mapping[str, str] = field(default_factory=dict)
    index_part: int | None = None
    finished_at: str | None = None
    ending: Ending = "unknown"
    counts: Mapping[str, int] = field(default_factory=dict)


def runs(folder: ResultFolder) -> list[Run]:
    """Every run on a folder, the oldest first; none if it is new."""
    if not folder.exists("run.json"):
        return []
    return [Run(**run) for run in json.loads(folder.read("run.json"))["runs"]]


def record_run(folder: ResultFolder, run: Run) -> None:
    """Add a run to ``run.json``, or bring its entry up to date."""
    others = [other for other in runs(folder) if other.run_id != run.run_id]
    text = json.dumps({"runs": [asdict(r) for r in (*others, run)]}, indent=2)
    folder.write(text.encode(), "run.json")


def record_command(folder: ResultFolder, run_id: str, command: str) -> None:
    """Keep the command as typed, with its paths, in the private part."""
    name = ("private", "runs.json")
    commands = json.loads(folder.read(*name)) if folder.exists(*name) else {}
    folder.write(json.dumps(commands | {run_id: command}, indent=2).encode(), *name)


def describe_folder(folder: ResultFolder, protocol_json: str) -> None:
    """Write the resolved protocol and the dictionary of columns beside the tables.

    ``protocol.json`` is the text that was hashed; ``protocol.toml`` is for scoring with it again.
    """
    folder.write(protocol_json.encode(), "protocol.json")
    folder.write(Protocols.from_json(protocol_json).to_toml().encode(), "protocol.toml")
    folder.write(data_dictionary_csv().encode(), "data_dictionary.csv")


def refuse_other(folder: ResultFolder, run: Run, place: str = "") -> None:
    """Let a folder hold the results of one protocol, one set of inputs, one version.

    Parameters
    ----------
    place : where the results of the run are; empty if it is this command's

    Raises
    ------
    UsageError
        if what is there was made otherwise; says by what, and what to do.
    """
    before = runs(folder)
    if not before:
        return
    differences = list(_differences(before[-1], run))
    if differences:
        raise UsageError(
            f"{folder.root} holds results that were made with {'; '.join(differences)}"
            f"{f' as in {place}' if place else ''}. One folder holds one definition of the score: "
            "give another --out, or repeat the command as it was before"
        )


def _differences(old: Run, new: Run) -> list[str]:
    said = []
    if old.protocol_hash != new.protocol_hash:
        said.append(
            f"protocol {old.protocol!r} ({old.protocol_hash}), not {new.protocol!r} "
            f"({new.protocol_hash})"
        )
    for name in sorted({*old.inputs, *new.inputs}):
        then, now = old.inputs.get(name, ""), new.inputs.get(name, "")
        if then != now:
            said.append(f"{_input(name, then)}, not {_input(name, now)}")
    if old.calcarium_version != new.calcarium_version:
        said.append(f"calcarium {old.calcarium_version}, not {new.calcarium_version}")
    return said


def _input(name: str, fingerprint: str) -> str:
    return f"{name} {fingerprint[:12]}" if fingerprint else f"no {name}"

"""From a protocol's name or file to the resolved, hashed protocol."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import cast

import tomli_w
from pydantic import BaseModel, ValidationError

from calcarium.config.protocol import Protocol, ScanClass
from calcarium.errors import UsageError

Table = dict[str, object]
CLASSES: tuple[ScanClass, ...] = ("gated", "nongated", "contrast")


@dataclass(frozen=True)
class Protocols:
    """The resolved protocol of a run: one :class:`Protocol` per class of scan it scores.

    Attributes
    ----------
    name : as asked for
    by_class : the classes that are scored; a class that is not here is excluded
    """

    name: str
    by_class: Mapping[ScanClass, Protocol]

    def to_json(self) -> str:
        """Canonical JSON of the resolved protocol, defaults included."""
        resolved = {c: p.model_dump(mode="json") for c, p in sorted(self.by_class.items())}
        return json.dumps(resolved, sort_keys=True, separators=(",", ":"))

    def to_toml(self) -> str:
        """The resolved protocol as a file that :func:`load_protocol` reads: the same hash."""
        uses = {
            c: p.model_dump(mode="json", exclude_none=True)
            for c, p in sorted(self.by_class.items())
        }
        return tomli_w.dumps({"name": self.name, "uses": uses})

    @classmethod
    def from_json(cls, text: str) -> Protocols:
        """The protocols of a run, from what :meth:`to_json` wrote."""
        by_class = {
            cast(ScanClass, c): Protocol.model_validate_json(json.dumps(table))
            for c, table in json.loads(text).items()
        }
        return cls(next(iter(by_class.values())).name, by_class)

    @property
    def hash(self) -> str:
        """First 16 hex digits of the SHA-256 of :meth:`to_json`."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()[:16]

    @property
    def assume_class(self) -> ScanClass | None:
        """The class that every scan without contrast is taken for, if the protocol says so."""
        assumed = {p.assume_class for p in self.by_class.values()}
        return assumed.pop() if len(assumed) == 1 else None


def configs_dir() -> Path:
    """Folder of the shipped configuration, in a wheel and in a checkout alike."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "configs"
    return installed if installed.is_dir() else package.parents[1] / "configs"


def shipped_protocols() -> dict[str, Path]:
    """Name and file of every shipped protocol."""
    return {p.stem: p for p in sorted((configs_dir() / "protocols").glob("*.toml"))}


def describe(name_or_file: str) -> str:
    """What a protocol is for, in the words of its file."""
    return str(_resolve(_find(name_or_file, beside=None), seen=()).get("description", ""))


def load_protocol(name_or_file: str) -> Protocols:
    """Load, resolve and check a protocol.

    Parameters
    ----------
    name_or_file : name of a shipped protocol, or path of a TOML file

    Raises
    ------
    UsageError
        if it does not exist, is not TOML, or has a key or value that is not
        allowed; names the file, the key, and the nearest key that exists.
    """
    path = _find(name_or_file, beside=None)
    table = _resolve(path, seen=())
    uses = table.pop("uses", None)
    name = str(table.get("name") or path.stem)
    if uses is None:
        protocol = _validate(table, path)
        return Protocols(name, {protocol.assume_class or c: protocol for c in CLASSES[:2]})
    if not isinstance(uses, dict):
        raise UsageError(f"{path}: [uses] must be a table of scan class = protocol")
    refuse_unknown(uses, CLASSES, path, "uses")
    by_class = {
        cast(ScanClass, c): _validate(_used(used, table, path), path) for c, used in uses.items()
    }
    return Protocols(name, by_class)


def _used(used: object, over: Table, path: Path) -> Table:
    """The protocol of one class: a table that is complete, or a name with what changes in it."""
    if isinstance(used, dict):
        return used
    return _merge(_resolve(_find(str(used), beside=path), seen=(path,)), over)


def _find(name_or_file: str, beside: Path | None) -> Path:
    shipped = shipped_protocols()
    if name_or_file in shipped:
        return shipped[name_or_file]
    path = Path(name_or_file)
    if beside is not None and not path.is_absolute():
        path = beside.parent / path
    if path.is_file():
        return path
    near = get_close_matches(name_or_file, shipped, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise UsageError(
        f"there is no protocol {name_or_file!r}{hint} "
        f"(shipped: {', '.join(shipped)}; or give a TOML file)"
    )


def _resolve(path: Path, seen: tuple[Path, ...]) -> Table:
    if path in seen:
        raise UsageError(f"{path}: protocols extend each other in a circle")
    table = read_toml(path)
    base = table.pop("extends", None)
    if base is None:
        return table
    return _merge(_resolve(_find(str(base), beside=path), (*seen, path)), table)


def read_toml(path: Path) -> Table:
    """The table of a TOML file.

    Raises
    ------
    UsageError
        if it is not TOML; names the file.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: not valid TOML: {error}") from error


def _merge(base: Table, over: Table) -> Table:
    merged = dict(base)
    for name, value in over.items():
        below = merged.get(name)
        both = isinstance(below, dict) and isinstance(value, dict)
        merged[name] = _merge(cast(Table, below), cast(Table, value)) if both else value
    return merged


def _validate(table: Table, path: Path) -> Protocol:
    _refuse_unknown_keys(table, Protocol, path, ())
    try:
        return Protocol.model_validate_json(json.dumps(table, default=str))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"{path}: {where}: {first['msg']} (got {first['input']!r})") from error


def _refuse_unknown_keys(
    table: Table, model: type[BaseModel], path: Path, parents: tuple[str, ...]
) -> None:
    refuse_unknown(table, model.model_fields, path, ".".join(parents))
    for name, value in table.items():
        section = model.model_fields[name].annotation
        if isinstance(value, dict) and isinstance(section, type) and issubclass(section, BaseModel):
            _refuse_unknown_keys(value, section, path, (*parents, name))


def refuse_unknown(table: Table, known: Iterable[str], path: Path, section: str = "") -> None:
    """Refuse keys that do not exist; names the file, the key and the nearest that does.

    Raises
    ------
    UsageError
    """
    known = tuple(known)
    for name in table:
        if name not in known:
            near = get_close_matches(name, known, n=1, cutoff=0.4)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            where = f"[{section}] " if section else ""
            raise UsageError(f"{path}: {where}unknown key {name!r}{hint}")

"""A resolved protocol as TOML with the meaning, unit and source of every key."""

from __future__ import annotations

import json
from collections.abc import Iterator

from pydantic import BaseModel

from calcarium.config.load import Protocols


def annotated_toml(protocols: Protocols) -> str:
    """TOML text of every class's protocol; comments say what each key does."""
    lines = [f"# protocol {protocols.name}, hash {protocols.hash}"]
    for scan_class, protocol in protocols.by_class.items():
        lines += ["", f"# ---- {scan_class} scans ----"]
        lines += _section(protocol, "")
    return "\n".join(lines)


def _section(section: BaseModel, path: str) -> Iterator[str]:
    fields = type(section).model_fields
    below: list[tuple[str, BaseModel]] = []
    for name, field in fields.items():
        value = getattr(section, name)
        if isinstance(value, BaseModel):
            below.append((name, value))
            continue
        extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
        notes = [
            str(field.description),
            *(str(extra[k]) for k in ("unit", "source") if extra.get(k)),
        ]
        yield f"# {'; '.join(notes)}"
        yield f"{name} = {_toml(value)}" if value is not None else f"# {name} is not set"
    for name, value in below:
        inner = f"{path}.{name}" if path else name
        yield from ("", f"[{inner}]")
        yield from _section(value, inner)


def _toml(value: object) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{k} = {_toml(v)}" for k, v in value.items()) + " }"
    if isinstance(value, tuple | list):
        return "[" + ", ".join(_toml(v) for v in value) + "]"
    return json.dumps(value)

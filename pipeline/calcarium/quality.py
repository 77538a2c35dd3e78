"""Caveats of a scan that was scored: a check, its value, and whether it passes."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

Status: TypeAlias = Literal["pass", "warn", "fail", "unknown"]


@dataclass(frozen=True)
class QualityRow:
    """One check on one scan.

    Attributes
    ----------
    check : key of :data:`CHECKS`
    status : ``unknown`` where an input is missing, so that the check could not be made
    value : what was measured; ``None`` where it could not be
    text : what was read, where it is no number; never a name, date or path
    """

    check: str
    status: Status
    value: float | None = None
    text: str = ""


@dataclass(frozen=True)
class Check:
    """What a check asks.

    Attributes
    ----------
    unit : of its value; empty for counts and where there is no value
    limit : what passes; empty where no limit is known, or the source is a key of the protocol
    source : where the limit comes from, or what is told; may be a key of the protocol
    """

    asks: str
    source: str
    unit: str = ""
    limit: str = ""


@dataclass(frozen=True)
class Group:
    """Checks that belong together, and which scans have a row of them."""

    title: str
    rows: str
    checks: dict[str, Check]


def _read_groups() -> tuple[Group, ...]:
    text = Path(__file__).with_name("checks.toml").read_text(encoding="utf-8")
    return tuple(
        Group(
            group["title"],
            group["rows"],
            {name: Check(**check) for name, check in group["checks"].items()},
        )
        for group in tomllib.loads(text).values()
    )


GROUPS = _read_groups()
CHECKS = {name: check for group in GROUPS for name, check in group.checks.items()}

INTRODUCTION = """# Checks of quality

Made from `pipeline/calcarium/checks.toml`. Each check is a row of the table `quality`: `pass`,
`warn`, `fail`, or `unknown` where an input is missing. A check without a limit tells a value, and
passes where there is one. The column `flags` of `studies` names those that warn or fail. No check
changes a score, and none excludes a scan unless the protocol says so.

A limit that is a key of the protocol stands here with its default; `calcarium protocol show` prints
all keys.

No check is a metric of motion: none is published; look at the pictures (`calcarium look`). The size
class of the patient chooses no mass factor: which value of Calcium Scoring Mass Factor Device
(0018,9352) belongs to which size is not confirmed.

One column for each check, for whatever reads SQL:

```sql
PIVOT (SELECT scan_id, "check", value FROM 'RESULTS/quality/*.parquet')
ON "check" IN ('effective_dose', 'blood_noise', 'patient_width') USING first(value);
```
"""
KEY = re.compile(r"[a-z]+(\.[a-z_0-9]+)+")


def quality_markdown() -> str:
    """The registry of checks as ``docs/quality.md``."""
    return INTRODUCTION + "".join(line for group in GROUPS for line in _section(group))


def _section(group: Group) -> Iterator[str]:
    yield f"\n## {group.title}\n\n{group.rows}\n\n"
    yield "| check | question | unit of the value | limit | source |\n|---|---|---|---|---|\n"
    for name, check in group.checks.items():
        limit, source = check.limit, check.source
        if KEY.fullmatch(source):
            limit, source = limit or f"`{source}`", _source_of_key(source)
        limit = re.sub(r"`([a-z]+\.[a-z_.0-9]+)`", lambda m: f"{m[0]} ({_default(m[1])})", limit)
        yield f"| `{name}` | {check.asks} | {check.unit} | {limit} | {source} |\n"


def _source_of_key(key: str) -> str:
    """Where the default of a key of the protocol comes from."""
    from calcarium.config.protocol import Protocol

    *sections, last = key.split(".")
    section: object = Protocol()
    for name in sections:
        section = getattr(section, name)
    extra = type(section).model_fields[last].json_schema_extra  # type: ignore[attr-defined]
    return str(extra["source"])


def _default(key: str) -> str:
    """The default of a key of the protocol, as text."""
    from calcarium.config.protocol import Protocol

    value: object = Protocol()
    for name in key.split("."):
        value = getattr(value, name)
    if isinstance(value, tuple):
        return " to ".join(f"{number:g}" for number in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    print(quality_markdown(), end="")

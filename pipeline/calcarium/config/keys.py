"""What a protocol key is made of: a default, a meaning, a unit and a source."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

from pydantic import BaseModel, ConfigDict, Field

T = TypeVar("T")


class Section(BaseModel):
    """A section of a protocol: frozen, and without unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


def key(
    default: T,
    doc: str,
    *,
    unit: str = "",
    source: str = "",
    ge: float | None = None,
    le: float | None = None,
) -> T:
    """Declare one protocol key.

    Parameters
    ----------
    default : value when no protocol file names the key
    doc : what the key does; required
    unit : unit of the value, where it has one
    source : where the value comes from (a paper, a measurement, or "engineering choice")
    ge, le : inclusive limits of a number

    Raises
    ------
    ValueError
        if ``doc`` is empty: a setting cannot exist undocumented.
    """
    return cast(
        T,
        Field(
            default=default,
            description=_documented(doc),
            json_schema_extra={"unit": unit, "source": source},
            ge=ge,
            le=le,
            validate_default=True,
        ),
    )


def section(factory: Callable[[], T], doc: str) -> T:
    """Declare a section of a protocol, or a table of values; made anew for each protocol."""
    return Field(default_factory=factory, description=_documented(doc))


def _documented(doc: str) -> str:
    if not doc.strip():
        raise ValueError("a protocol key needs a meaning")
    return doc

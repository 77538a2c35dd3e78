"""What a column and a table are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from calcarium.tables.rows import TableName

Kind: TypeAlias = Literal["string", "int64", "double", "bool", "binary"]


@dataclass(frozen=True)
class Column:
    """One column: what it holds, in which unit, and whether it may be empty."""

    name: str
    kind: Kind
    meaning: str
    unit: str = ""
    nullable: bool = True
    volatile: bool = False
    stamped: bool = False


@dataclass(frozen=True)
class Table:
    """One table: what a row stands for, and the columns that tell rows apart."""

    name: TableName
    one_row_per: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]

    @property
    def identity(self) -> tuple[str, ...]:
        """Names of the columns that are the same whenever the same was found."""
        return tuple(c.name for c in self.columns if not c.volatile)


def identifier(name: str, meaning: str) -> Column:
    """A name that tells rows apart; never empty."""
    return Column(name, "string", meaning, nullable=False)


def text(name: str, meaning: str) -> Column:
    """Words; may be empty."""
    return Column(name, "string", meaning)


def real(name: str, unit: str, meaning: str) -> Column:
    """A measured number with its unit."""
    return Column(name, "double", meaning, unit)


def count(name: str, meaning: str) -> Column:
    """A number of things."""
    return Column(name, "int64", meaning, "count")


def flag(name: str, meaning: str, *, nullable: bool = True) -> Column:
    """Yes or no."""
    return Column(name, "bool", meaning, nullable=nullable)

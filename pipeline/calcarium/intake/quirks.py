"""Vendor quirks: the table ``quirks.toml``, typed."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from re import Pattern
from typing import Literal, TypeAlias

KernelGroup: TypeAlias = Literal["soft", "unknown", "sharp"]


@dataclass(frozen=True)
class Quirks:
    """Words and patterns by what they mean; see the comments in ``quirks.toml``."""

    soft_kernels: tuple[Pattern[str], ...]
    sharp_kernels: tuple[Pattern[str], ...]
    no_contrast: frozenset[str]
    not_in_blood: frozenset[str]
    gated_techniques: frozenset[str]
    not_gated_techniques: frozenset[str]
    calcium_hints: tuple[Pattern[str], ...]
    gating_hints: tuple[Pattern[str], ...]
    projection: tuple[Pattern[str], ...]
    spectral: tuple[Pattern[str], ...]
    screen: tuple[Pattern[str], ...]
    localizer: tuple[Pattern[str], ...]
    described_projection: tuple[Pattern[str], ...]
    described_spectral: tuple[Pattern[str], ...]


@cache
def quirks() -> Quirks:
    """The table, read once."""
    table = tomllib.loads((files("calcarium.intake") / "quirks.toml").read_text(encoding="utf-8"))
    kernel, contrast, gating = table["kernel"], table["contrast"], table["gating"]
    return Quirks(
        soft_kernels=_patterns(kernel["soft"]),
        sharp_kernels=_patterns(kernel["sharp"]),
        no_contrast=frozenset(contrast["none"]),
        not_in_blood=frozenset(contrast["not_in_blood"]),
        gated_techniques=frozenset(gating["techniques"]),
        not_gated_techniques=frozenset(gating["not_gated"]),
        calcium_hints=_patterns(gating["calcium_hints"]),
        gating_hints=_patterns(gating["gating_hints"]),
        **{name: _patterns(patterns) for name, patterns in table["image_type"].items()},
    )


def matches(patterns: Iterable[Pattern[str]], *texts: str | None) -> str | None:
    """The first of some texts that any pattern is found in, whatever its case."""
    for text in texts:
        if text and any(pattern.search(text.upper().strip()) for pattern in patterns):
            return text
    return None


def kernel_group(kernel: str | None) -> KernelGroup:
    """Whether a reconstruction kernel is soft or sharp."""
    if matches(quirks().soft_kernels, kernel):
        return "soft"
    return "sharp" if matches(quirks().sharp_kernels, kernel) else "unknown"


def _patterns(expressions: Iterable[str]) -> tuple[Pattern[str], ...]:
    return tuple(re.compile(expression) for expression in expressions)

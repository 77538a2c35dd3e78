"""Every check that the code makes is in the registry: a row without one ends a whole study."""

from __future__ import annotations

import ast
from pathlib import Path

import calcarium.quality
from calcarium.quality import CHECKS, GROUPS, quality_markdown

SOURCES = sorted(Path(calcarium.quality.__file__).parent.rglob("*.py"))

MAKERS = ("QualityRow", "_row", "_told", "_note")


def named_checks(source: Path) -> set[str]:
    """Literal first arguments of ``QualityRow(...)`` and of the functions that make one."""
    code = source.read_text()
    if "QualityRow" not in code:
        return set()
    calls = [n for n in ast.walk(ast.parse(code)) if isinstance(n, ast.Call)]
    return {
        str(first.value)
        for call in calls
        if isinstance(call.func, ast.Name) and call.func.id in MAKERS
        for first in [*call.args, *(k.value for k in call.keywords if k.arg == "check")][:1]
        if isinstance(first, ast.Constant)
    }


def test_every_check_that_is_named_is_registered() -> None:
    named = {name for source in SOURCES for name in named_checks(source)}
    assert len(named) > 20
    assert sorted(named - set(CHECKS)) == []


def test_every_check_asks_something() -> None:
    assert [name for name, check in CHECKS.items() if not check.asks] == []


def test_the_page_of_checks_is_up_to_date():
    page = Path(__file__).parents[1] / "docs" / "quality.md"
    assert page.read_text(encoding="utf-8") == quality_markdown()


def test_a_check_is_in_one_group_and_has_a_source() -> None:
    assert sum(len(group.checks) for group in GROUPS) == len(CHECKS)
    assert [name for name, check in CHECKS.items() if not check.source] == []

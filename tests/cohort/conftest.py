"""Result folders for the tests of a cohort."""

from __future__ import annotations

from pathlib import Path

import pytest
from made_results import Facts, MakeResults, make_study

from calcarium.tables.commit import commit
from calcarium.tables.folder import ResultFolder


@pytest.fixture
def make_results(tmp_path: Path) -> MakeResults:
    """Write a result folder of scored scans and return its path."""

    def make(scans: list[Facts]) -> str:
        folder = ResultFolder.at(str(tmp_path / "results"))
        folder.create()
        commit(folder, [make_study(facts) for facts in scans])
        (tmp_path / "results" / "run.json").write_text("{}")
        return folder.root

    return make

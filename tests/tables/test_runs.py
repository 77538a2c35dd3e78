"""One folder holds one definition of the score."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from calcarium.errors import UsageError
from calcarium.tables.folder import ResultFolder
from calcarium.tables.runs import Run, record_command, record_run, refuse_other, runs

RUN = Run(
    "r1", "2026-01-01", "0.1.0", "gated", "abc", "numpy", "host", inputs={"masks": "0123456789abc"}
)


@pytest.fixture
def folder(tmp_path: Path) -> ResultFolder:
    results = ResultFolder.at(str(tmp_path))
    results.create()
    refuse_other(results, RUN)
    record_run(results, RUN)
    return results


def test_a_run_is_kept_once_and_brought_up_to_date(folder: ResultFolder) -> None:
    ended = replace(RUN, ending="finished", counts={"done": 3})
    record_run(folder, ended)
    record_run(folder, replace(RUN, run_id="r2"))
    assert [run.run_id for run in runs(folder)] == ["r1", "r2"]
    assert runs(folder)[0] == ended


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"protocol": "nongated", "protocol_hash": "def"},
            r"'gated' \(abc\), not 'nongated' \(def",
        ),
        ({"inputs": {"masks": "ffff"}}, "masks 0123456789ab, not masks ffff"),
        ({"inputs": {}}, "masks 0123456789ab, not no masks"),
        ({"inputs": RUN.inputs | {"covariates": "cc"}}, "no covariates, not covariates cc"),
        ({"calcarium_version": "0.2.0"}, "calcarium 0.1.0, not 0.2.0"),
    ],
)
def test_another_definition_is_refused_with_what_to_do(
    folder: ResultFolder, changes: dict[str, object], said: str
) -> None:
    with pytest.raises(UsageError, match=said + r".*give another --out"):
        refuse_other(folder, replace(RUN, **changes))  # type: ignore[arg-type]


def test_another_backend_or_host_is_no_other_definition(folder: ResultFolder) -> None:
    refuse_other(folder, replace(RUN, run_id="r2", backend="cupy", host="elsewhere"))


def test_the_command_as_typed_is_private(folder: ResultFolder) -> None:
    record_command(folder, "r1", "calcarium score /archive")
    record_command(folder, "r2", "calcarium score /archive/more")
    assert b"/archive/more" in folder.read("private", "runs.json")
    assert b"/archive" not in folder.read("run.json")

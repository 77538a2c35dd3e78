"""What ``calcarium score`` tells the shell or the job scheduler that called it."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from calcarium.cli import group
from calcarium.cli.score import NOTHING_SCORED


@pytest.mark.parametrize(("part", "status"), [([], NOTHING_SCORED), (["--shard", "1/2"], 0)])
def test_nothing_to_score_is_wrong_for_an_archive_and_usual_for_a_part(tmp_path, part, status):
    (tmp_path / "archive").mkdir()
    (tmp_path / "archive" / "notes.txt").write_text("nothing else is here")
    command = ["score", str(tmp_path / "archive"), "--out", str(tmp_path / "results"), "--quiet"]
    ended = CliRunner().invoke(group, [*command, *part])
    assert ended.exit_code == status
    assert f"none of 1 files is DICOM (1 of them in {tmp_path / 'archive'})" in ended.output

"""What a user gets wrong ends in a sentence that names the place, never in a traceback."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from calcarium import cli


def said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    monkeypatch.setattr(sys, "argv", ["calcarium", *words])
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code in (1, 2)
    return capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["index", ".", "--out", "{file}/x"], "calcarium: {file}/x: Not a directory"),
        (["look", ".", "--out", "{file}/x"], "calcarium: {file}/x: Not a directory"),
        (["phantom", "--kind", "geometric", "--studies", "1", "--workers", "1", "--out", "{file}"],
         "is a file"),
        (["phantom", "--matrix", "0", "--out", "{file}"], "0 is not in the range"),
        (["plan", ""], "calcarium: a path is empty; was a variable of the shell not set?"),
        (["score", ".", "--out", ""], "calcarium: a path is empty"),
        (["plan", "no-such://bucket/scans"], "calcarium: no-such://bucket/scans cannot be opened"),
        (["plan", "zip:///archive.zip"], "give the archive itself"),
        (["score", ".", "--out", "{file}.r", "--scheduler", "node1"], "tcp://HOST:PORT"),
        (["score", ".", "--out", "{file}.r", "--scheduler", "none.json"], "or the scheduler file"),
        (["score", ".", "--out", "{file}.r", "--voxels", "nan"], "voxels_base_hu"),
    ],
)  # fmt: skip
def test_a_sentence_and_no_traceback(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    sentence: str,
) -> None:
    file = tmp_path / "file"
    file.write_text("no folder")
    monkeypatch.chdir(tmp_path)
    words = [word.format(file=file) for word in words]
    assert sentence.format(file=file) in said(monkeypatch, capsys, *words)


def test_a_study_that_was_asked_for_and_is_not_there_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    archive, out = tmp_path / "archive", tmp_path / "results"
    archive.mkdir()
    (archive / "note.txt").write_text("no DICOM")
    words = ["score", str(archive), "--out", str(out), "--workers", "1", "--only", "9.9"]
    assert "--only 9.9: no such study" in said(monkeypatch, capsys, *words)
    monkeypatch.setattr(sys, "argv", ["calcarium", *words, "--limit", "1"])
    with pytest.raises(SystemExit):
        cli.main()
    assert "no such study" not in capsys.readouterr().err  # it may be one that the limit left out

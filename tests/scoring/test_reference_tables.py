from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

import calcarium.scoring.reference as reference
from calcarium.errors import UsageError

TABLES = Path(reference.__file__).parent / "tables"


def test_manifest_and_folder_name_the_same_files() -> None:
    assert set(reference.manifest()) == {p.name for p in TABLES.iterdir()} - {"manifest.toml"}


@pytest.mark.parametrize("file", sorted(reference.manifest()))
def test_checksum_and_source_of_every_table(file: str) -> None:
    entry = reference.manifest()[file]
    assert hashlib.sha256((TABLES / file).read_bytes()).hexdigest() == entry.sha256
    assert entry.source
    assert entry.confirmed
    assert "RECALLED" not in (TABLES / file).read_text()


def test_a_changed_table_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "categories.toml").write_bytes((TABLES / "categories.toml").read_bytes() + b"\n")
    monkeypatch.setattr(reference, "FOLDER", tmp_path)
    with pytest.raises(UsageError, match=r"categories\.toml was changed"):
        reference.read_toml("categories.toml")

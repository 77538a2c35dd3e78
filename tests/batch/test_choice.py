"""Which studies a command is about, and how it is carried out."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny import studies

from calcarium.batch.options import RunOptions, load_options
from calcarium.batch.plan import Choice, chosen, parse_shard
from calcarium.errors import UsageError


def ids(choice: Choice, n: int = 200) -> list[str]:
    return [study.study_id for study in chosen(partial(studies, n), choice)]


@given(st.integers(1, 12))
def test_shards_hold_every_study_exactly_once(n: int) -> None:
    shards = [ids(Choice(shard=(i, n))) for i in range(1, n + 1)]
    assert sorted(s for shard in shards for s in shard) == ids(Choice())


def test_a_shard_does_not_depend_on_what_else_is_there() -> None:
    assert set(ids(Choice(shard=(2, 3)), 50)) == set(ids(Choice(shard=(2, 3)))) & set(
        ids(Choice(), 50)
    )


def test_a_sample_is_drawn_by_its_seed() -> None:
    drawn = ids(Choice(sample=20, seed=1))
    assert len(set(drawn)) == 20
    assert drawn == ids(Choice(sample=20, seed=1))
    assert drawn == sorted(drawn)
    assert drawn != ids(Choice(sample=20, seed=2))
    assert set(ids(Choice(sample=10, seed=1))) < set(drawn)
    assert len(ids(Choice(sample=500))) == 200


def test_limit_and_only() -> None:
    assert ids(Choice(limit=3)) == ["1.00000", "1.00001", "1.00002"]
    assert ids(Choice(only=frozenset({"1.00007"}))) == ["1.00007"]
    assert Choice(seed=4).is_all
    assert not Choice(only=frozenset({"1"})).is_all


@pytest.mark.parametrize("text", ["0/3", "4/3", "3", "a/b", "1/0", "-1/3", ""])
def test_a_shard_that_does_not_exist_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="for example 3/100"):
        parse_shard(text)
    assert parse_shard("3/3") == (3, 3)


def test_shipped_run_files_load() -> None:
    assert load_options("default") == RunOptions()
    assert load_options("cluster").retries > RunOptions().retries


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("worker = 3", "unknown key 'worker'; did you mean 'workers'"),
        ("workers = -1", "workers: Input should be greater than or equal to 0"),
        ("workers = 'many'", "workers: Input should be a valid integer"),
        ("workers =", "not valid TOML"),
    ],
)
def test_a_wrong_run_file_is_refused_by_key(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "run.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=said):
        load_options(str(path))
    with pytest.raises(UsageError, match="shipped: cluster, default"):
        load_options("nowhere")

"""A run ends with one row per study and scan, whatever the scorer does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from distributed import Client
from tiny import ARCHIVE_PATH, QUICK, SILENT, Fate, order, studies

from calcarium.batch.cluster import workers
from calcarium.batch.plan import Choice
from calcarium.batch.run import run
from calcarium.errors import ResourceError, UsageError
from calcarium.tables.folder import ResultFolder
from calcarium.tables.read import read_table
from calcarium.tables.runs import runs


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with workers(QUICK, None) as connected:
        yield connected


@pytest.fixture
def folder(tmp_path: Path) -> ResultFolder:
    results = ResultFolder.at(str(tmp_path / "results"))
    results.create()
    return results


def outcomes(folder: ResultFolder) -> dict[int, str]:
    rows = read_table(folder, "studies", ["study_id", "outcome"]).to_pylist()
    found = {int(row["study_id"].split(".")[1]): row["outcome"] for row in rows}
    assert len(found) == len(rows), "a study has two rows"
    return found


def scans(folder: ResultFolder) -> list[str]:
    return sorted(row["scan_id"] for row in read_table(folder, "series").to_pylist())


def expected_scans(n: int) -> list[str]:
    return sorted(scan.scan_id for study in studies(n) for scan in study.scans)


def test_every_study_and_scan_has_its_row(client: Client, folder: ResultFolder) -> None:
    ended = run(order(60, Fate()), folder, client, SILENT)
    assert outcomes(folder) == dict.fromkeys(range(60), "scored")
    assert scans(folder) == expected_scans(60)
    assert ended.counts == {
        "asked": 60,
        "continued": 0,
        "done": 60,
        "scored": 60,
        "excluded": 0,
        "failed": 0,
    }
    assert runs(folder)[-1] == ended
    assert len(folder.committed()) == 1


def test_the_same_command_goes_on_and_does_nothing_twice(
    client: Client, folder: ResultFolder
) -> None:
    run(order(20, Fate(), choice=Choice(limit=8)), folder, client, SILENT)
    ended = run(order(20, Fate()), folder, client, SILENT)
    assert (ended.counts["asked"], ended.counts["continued"], ended.counts["done"]) == (20, 8, 12)
    assert outcomes(folder) == dict.fromkeys(range(20), "scored")


def test_a_folder_of_a_version_with_other_columns_is_not_gone_on_with(
    client: Client, folder: ResultFolder
) -> None:
    """To join its parts, or to take a study up again, would drop what those columns hold."""
    run(order(2, Fate()), folder, client, SILENT)
    (path,) = Path(folder.root, "studies").iterdir()
    rows = pq.read_table(path)
    pq.write_table(rows.append_column("former", [["kept"] * len(rows)]), path)
    with pytest.raises(UsageError, match=r"other columns in studies \(former\): use that version"):
        run(order(2, Fate(), retry="failed"), folder, client, SILENT)
    assert "former" in pq.read_schema(path).names


def test_whatever_a_study_raises_it_ends_as_failed_and_its_words_stay_private(
    client: Client, folder: ResultFolder
) -> None:
    run(
        order(12, Fate(raises=frozenset({3, 8}), loses_a_scan=frozenset({5}))),
        folder,
        client,
        SILENT,
    )
    found = outcomes(folder)
    assert sorted(n for n, outcome in found.items() if outcome == "failed") == [3, 5, 8]
    assert scans(folder) == expected_scans(12)
    failed = {r["study_id"]: r for r in read_table(folder, "series").to_pylist() if r["error"]}
    assert failed["1.00003"]["error"] == "ZeroDivisionError"
    assert failed["1.00005"]["error"] == "ValueError"
    shared = [read_table(folder, t).to_pylist() for t in ("studies", "series", "scores")]
    assert ARCHIVE_PATH not in str(shared)
    assert ARCHIVE_PATH in str(read_table(folder, "messages").to_pylist())


def test_a_study_that_kills_its_worker_is_the_only_one_that_fails(
    client: Client, folder: ResultFolder
) -> None:
    run(order(30, Fate(kills=frozenset({7, 20}))), folder, client, SILENT)
    found = outcomes(folder)
    assert sorted(n for n, outcome in found.items() if outcome == "failed") == [7, 20]
    assert len(found) == 30
    assert scans(folder) == expected_scans(30)
    rows = read_table(folder, "series").to_pylist()
    assert {r["attempts"] for r in rows if r["outcome"] == "failed"} == {QUICK.deaths}
    messages = read_table(folder, "messages").to_pylist()
    assert all(f"--only {row['study_id']}" in row["message"] for row in messages)


def test_what_gives_way_once_is_tried_again(client: Client, folder: ResultFolder) -> None:
    fate = Fate(gives_way_once=frozenset({2, 3}), folder=folder.root)
    run(order(8, fate), folder, client, SILENT)
    assert outcomes(folder) == dict.fromkeys(range(8), "scored")
    attempts = {r["study_id"]: r["attempts"] for r in read_table(folder, "series").to_pylist()}
    assert attempts["1.00002"] == attempts["1.00003"] == 2
    assert attempts["1.00001"] == 1


def test_a_share_that_went_away_stops_the_run_and_fails_no_study(
    client: Client, folder: ResultFolder
) -> None:
    run(order(5, Fate()), folder, client, SILENT)
    with pytest.raises(ResourceError, match=r"20 studies in a row.*the share went away"):
        run(order(100, Fate(gives_way_always=True)), folder, client, SILENT)
    assert outcomes(folder) == dict.fromkeys(range(5), "scored")
    assert runs(folder)[-1].ending == "stopped"
    run(order(100, Fate()), folder, client, SILENT)
    assert outcomes(folder) == dict.fromkeys(range(100), "scored")


def test_a_wrong_command_is_said_once_and_writes_no_row(
    client: Client, folder: ResultFolder
) -> None:
    with pytest.raises(UsageError, match="no such device"):
        run(order(9, Fate(misused=True)), folder, client, SILENT)
    assert outcomes(folder) == {}


def test_failed_studies_are_taken_up_again_on_demand(client: Client, folder: ResultFolder) -> None:
    run(order(6, Fate(raises=frozenset({4}))), folder, client, SILENT)
    ended = run(order(6, Fate()), folder, client, SILENT)
    assert ended.counts["done"] == 0
    ended = run(order(6, Fate(), retry="failed"), folder, client, SILENT)
    assert ended.counts["done"] == 1
    assert outcomes(folder) == dict.fromkeys(range(6), "scored")
    with pytest.raises(UsageError, match="--retry colour"):
        run(order(6, Fate(), retry="colour"), folder, client, SILENT)

"""What must not change a score: how its scan is stored. What must: how it was taken."""

from __future__ import annotations

import random
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from calcarium.config import load_protocol
from calcarium.intake.index import build_index
from calcarium.intake.studies import iter_studies
from calcarium.phantom.dicom import Encoding, SeriesUids, write_mask, write_series
from calcarium.phantom.geometric import default_grid, default_objects, geometric_scan
from calcarium.phantom.header import Technique, invented_person
from calcarium.regions.inputs import gather_inputs
from calcarium.study import ScorerSetup
from calcarium.tables.schema import TABLES
from written_rows import written_rows

UIDS = SeriesUids.of("metamorphic")
SCORES = ("studies", "scores", "vessels", "lesions")
PROTOCOL = """
extends = "gated"
[selection]
min_coverage_mm = 0.0
[scoring]
conventions = ["literature", "fqm-python", "fqm-philips-matlab", "brainsia"]
"""


def scan():
    return geometric_scan(default_grid(), default_objects())


def write(folder, encoding=Encoding(), phantom=None):  # noqa: B008 (frozen)
    phantom = phantom or scan()
    write_series(folder / "dicom", phantom, UIDS, invented_person(1), Technique(True), encoding)
    write_mask(folder / "masks" / f"{UIDS.series}.nii.gz", phantom.calcium, phantom.grid)
    return folder / "dicom"


def rows(folder, source=None):
    """Rows of the scores, without the columns that say how the pixels were stored."""
    (folder / "protocol.toml").write_text(PROTOCOL)
    index = folder / "index"
    build_index([str(source or folder / "dicom")], index)
    (study,) = iter_studies(index)
    inputs = gather_inputs(str(folder / "masks"))
    setup = ScorerSetup(load_protocol(str(folder / "protocol.toml")), inputs, b"secret")
    tables = written_rows(setup()(study))
    assert [row["outcome"] for row in tables["series"]] == ["scored"]
    left_out = {"region_sha256", "flags"}
    identity = {name: set(TABLES[name].identity) - left_out for name in SCORES}
    return {
        name: [{k: v for k, v in row.items() if k in identity[name]} for row in tables[name]]
        for name in SCORES
    }


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    folder = tmp_path_factory.mktemp("plain")
    write(folder)
    found = rows(folder)
    assert found["studies"][0]["agatston"] > 100
    return found


@pytest.mark.parametrize(
    "encoding",
    [
        *(Encoding(syntax) for syntax in ("implicit", "deflated", "rle", "jpeg-lossless")),
        *(Encoding(syntax) for syntax in ("jpeg-ls", "jpeg2000", "htj2k")),
        Encoding(signed=True, intercept="0"),
        Encoding("jpeg-ls", signed=True, intercept="0"),
        Encoding(signed=True, slope="0.5"),
        Encoding(signed=True, slope="-1", intercept="3000"),
    ],
    ids=lambda e: f"{e.syntax} signed={e.signed} slope={e.slope}",
)
def test_storage_does_not_matter(tmp_path, plain, encoding):
    write(tmp_path, encoding)
    assert rows(tmp_path) == plain


def test_names_and_places_of_files_do_not_matter(tmp_path, plain):
    folder = write(tmp_path)
    files = sorted(folder.iterdir())
    random.Random(3).shuffle(files)
    for number, file in enumerate(files):
        place = tmp_path / "scattered" / f"{number % 3}" / ("deep" if number % 2 else "")
        place.mkdir(parents=True, exist_ok=True)
        file.rename(place / f"x{number}")
    (tmp_path / "scattered" / "notes.txt").write_text("not DICOM")
    assert rows(tmp_path, tmp_path / "scattered") == plain


def test_a_zipped_series_is_the_same_series(tmp_path, plain):
    folder = write(tmp_path)
    (tmp_path / "zipped").mkdir()
    with zipfile.ZipFile(tmp_path / "zipped" / "series.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for file in folder.iterdir():
            archive.write(file, file.name)
    assert rows(tmp_path, tmp_path / "zipped") == plain


def test_a_slice_that_is_there_twice_counts_once(tmp_path, plain):
    folder = write(tmp_path)
    first = min(folder.iterdir())
    shutil.copy(first, folder / "again.dcm")
    assert rows(tmp_path) == plain


def test_overlapping_slices_do_not_double_the_score(tmp_path, plain):
    """3 mm slices every 1.5 mm: twice the slices, half the length that each stands for."""
    phantom = scan()
    grid = replace(
        phantom.grid,
        shape=(2 * phantom.grid.shape[0], *phantom.grid.shape[1:]),
        slice_increment_mm=phantom.grid.slice_increment_mm / 2,
    )
    doubled = replace(
        phantom, grid=grid, hu=phantom.hu.repeat(2, axis=0), calcium=phantom.calcium.repeat(2, 0)
    )
    write(tmp_path, phantom=doubled)
    for found, once in zip(rows(tmp_path)["scores"], plain["scores"], strict=True):
        assert found["volume_mm3"] == pytest.approx(once["volume_mm3"])
        factor = 2 if found["convention"] == "brainsia" else 1  # has no slice normalisation
        assert found["agatston"] == pytest.approx(factor * once["agatston"])


def test_no_shareable_row_names_the_patient(tmp_path):
    from calcarium.batch.options import RunOptions
    from calcarium.batch.score import Request, score_archive

    folder = write(tmp_path)
    (tmp_path / "protocol.toml").write_text(PROTOCOL)
    score_archive(
        Request(
            (str(folder),),
            str(tmp_path / "results"),
            load_protocol(str(tmp_path / "protocol.toml")),
            masks=str(tmp_path / "masks"),
            options=RunOptions(workers=1),
            quiet=True,
        )
    )
    shareable = "\n".join(texts(tmp_path / "results"))
    assert UIDS.series in shareable  # the search sees what is there
    for secret in (*invented_person(1).secrets(), str(tmp_path)):
        assert secret not in shareable, secret


def texts(results):
    import pyarrow.parquet as pq

    for file in results.rglob("*"):
        if file.is_dir() or {"private", "index"} & set(file.relative_to(results).parts):
            continue
        if file.suffix == ".parquet":
            yield str(pq.read_table(file).to_pylist())
        else:
            yield Path(file).read_text()

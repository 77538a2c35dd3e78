"""One change of the protocol at a time: rescoring gives the rows of scoring the DICOM by it."""

from __future__ import annotations

from pathlib import Path

import pytest

from calcarium.config import Protocols, load_protocol
from calcarium.intake.index import build_index
from calcarium.intake.studies import iter_studies
from calcarium.phantom.registry import write_registry
from calcarium.phantom.study import StudyOrder
from calcarium.regions.inputs import gather_inputs
from calcarium.rescore import Rescorer
from calcarium.study import ScorerSetup
from calcarium.tables.rows import StudyRows
from calcarium_kernels import load
from written_rows import STAMP, written_rows

SOURCE = {"masks": "none", "detector": "detector"}
SCORED = ("studies", "series", "scores", "vessels", "quality")


def scoring(*conventions: str, **keys: object) -> str:
    return f"[scoring]\nconventions = {list(conventions)}\n" + "".join(
        f"{name} = {value!r}\n" for name, value in keys.items()
    )


def primary(name: str) -> str:
    return scoring(name, primary_convention=name)


# What is changed, and how; the detector finds its candidates anew for each.
SCORES = {
    "threshold: 112.5 HU for volume and mass": primary("fqm-philips-matlab"),
    "connectivity 8": primary("fqm-python"),
    "smallest part: any": primary("fqm-siemens-matlab"),
    "smallest part: 3 pixels": primary("fqm-canon-matlab"),
    "part: slices of a 3-D lesion": primary("brainsia"),
    "mass factor": scoring("literature", mass_factor_mg_per_cm3_hu=0.8),
    "link of lesions": scoring("literature", lesion_link=6),
    "limit of devices": scoring("literature", device_hu=500.0),
}
OF_DETECTOR = {
    "many conventions, smaller lesions": scoring(
        "fqm-siemens-matlab",
        "fqm-philips-matlab",
        "fqm-canon-python",
        "brainsia",
        primary_convention="fqm-siemens-python",
        lesion_link=6,
    ),
    "fewer are accepted": "[detector.standing]\naccepted = 0.999\n",
    "most are rejected": "[detector.standing]\naccepted = 1.0\ndoubtful = 0.9999\n",
    "less speaks for calcium": "[detector.evidence]\noffset = -6.0\n",
    "bright ones are metal": "[detector.candidate]\nmetal_hu = 400.0\n",
    "another border of arteries": "[detector.artery]\nright_of_mm = 40.0\n",
}


@pytest.fixture(scope="module")
def phantoms(tmp_path_factory):
    """A gated and a non-gated thorax, small and with calcium, and their masks."""
    folder = tmp_path_factory.mktemp("phantoms")
    orders = [
        StudyOrder(1, 8, matrix=192, calcified=True),
        StudyOrder(2, 15, matrix=192, gated=False, calcified=True),
    ]
    write_registry(folder, orders, workers=1)
    build_index([str(folder / "dicom")], folder / "index")
    return folder


def protocols(source: str, change: str, folder: Path) -> Protocols:
    file = folder / "protocol.toml"
    file.write_text(f"extends = 'auto'\n[region]\nsource = '{SOURCE[source]}'\n{change}")
    return load_protocol(str(file))


def rows(phantoms, source, rules, base_hu=None):
    """The rows of both studies, from their DICOM."""
    masks = gather_inputs(str(phantoms / "masks") if source == "masks" else "")
    score = ScorerSetup(rules, masks, b"secret", voxels_base_hu=base_hu)()
    return [score(study) for study in iter_studies(phantoms / "index")]


def lesions(study):
    return written_rows(StudyRows(study.study_id, {}, study.lesions))["lesions"]


@pytest.fixture(scope="module")
def kept(phantoms, tmp_path_factory):
    """Rows by the shipped rules, with voxels, for each source."""
    folder = tmp_path_factory.mktemp("shipped")
    shipped = {source: protocols(source, "", folder) for source in SOURCE}
    return {source: (p, rows(phantoms, source, p, 100.0)) for source, p in shipped.items()}


@pytest.mark.parametrize("source", SOURCE)
def test_voxels_are_under_2_percent_of_the_pixels(phantoms, kept, source):
    slices = sum(1 for _ in (phantoms / "dicom").rglob("*.dcm"))
    voxels = [row["packed"] for study in kept[source][1] for row in study.tables["voxels"]]
    assert len(voxels) == 2
    assert 0 < sum(map(len, voxels)) < 0.02 * slices * 192 * 192 * 2


@pytest.mark.parametrize(
    ("source", "change"),
    [
        *(pytest.param("masks", change, id=turned) for turned, change in SCORES.items()),
        *(pytest.param("detector", change, id=turned) for turned, change in OF_DETECTOR.items()),
    ],
)
def test_rows_are_those_of_the_dicom(phantoms, kept, tmp_path, source, change):
    before, first = kept[source]
    rules = protocols(source, change, tmp_path)
    rescorer = Rescorer(before, rules, load("numpy"), STAMP)
    rescored = [rescorer.study(study.tables) for study in first]
    expected = rows(phantoms, source, rules)
    for found, wanted in zip(rescored, expected, strict=True):
        assert [found.tables[name] for name in SCORED] == [wanted.tables[name] for name in SCORED]
        assert lesions(found) == lesions(wanted)
    assert any(
        now.tables["scores"] != then.tables["scores"] or lesions(now) != lesions(then)
        for now, then in zip(rescored, first, strict=True)
    )
    assert any(row["agatston"] for study in first for row in study.tables["scores"])

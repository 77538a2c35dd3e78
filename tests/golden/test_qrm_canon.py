"""A published calcium score, reproduced from a real scan of a physical phantom.

MolloiLab/CAC-stanford-data (MIT), Canon ``Large_rep1``: nine inserts of a QRM cardiac
calcification phantom, scored by the FQM project. The table beside this test holds their values.
"""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from calcarium.config import load_protocol
from calcarium.intake.index import build_index
from calcarium.intake.studies import iter_studies
from calcarium.regions.inputs import RegionInputs
from calcarium.study import ScorerSetup

# As printed by the FQM project for this scan.
MASS_FACTOR = 0.7220477104423333
TOTAL_AGATSTON, TOTAL_VOLUME_MM3, TOTAL_MASS_MG = 966.62649, 870.17819, 205.61322
# The same scan 4-connected with a floor of 5 pixels, which is what 1 mm2 comes to here.
FOUR_CONNECTED = {
    "Large_HD": 401.98707,
    "Medium_HD": 86.20813,
    "Small_HD": 5.71546,
    "Large_LD": 138.12352,
}


def published():
    with (Path(__file__).parent / "qrm-canon-large-rep1.csv").open() as table:
        return {row["insert"]: row for row in csv.DictReader(table)}


@pytest.fixture(scope="module")
def rows(test_data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("qrm")
    protocol = folder / "qrm-with-factor.toml"
    protocol.write_text(
        f"extends = 'phantom-qrm'\n[scoring]\nmass_factor_mg_per_cm3_hu = {MASS_FACTOR}\n"
    )
    build_index([str(test_data / "qrm_phantom_canon" / "dicom")], folder / "index")
    (study,) = iter_studies(folder / "index")
    scorer = ScorerSetup(load_protocol(str(protocol)), RegionInputs(), b"secret")()
    return scorer(study).tables


def vessels(rows, convention):
    return {row["vessel"]: row for row in rows["vessels"] if row["convention"] == convention}


@pytest.mark.parametrize("insert", published())
def test_every_insert_as_published(rows, insert):
    expected = published()[insert]
    found = vessels(rows, "fqm-python")[insert]
    assert found["agatston"] == pytest.approx(float(expected["agatston"]), abs=5e-6)
    assert found["volume_mm3"] == pytest.approx(float(expected["volume_mm3"]), abs=5e-6)
    # The table prints five decimals, which is coarser than 1e-6 for the lightest insert.
    assert found["mass_mg"] == pytest.approx(float(expected["mass_mg"]), rel=1e-6, abs=5e-6)


def test_totals_as_published(rows):
    (total,) = [row for row in rows["scores"] if row["convention"] == "fqm-python"]
    assert total["is_primary"]
    assert total["agatston"] == pytest.approx(TOTAL_AGATSTON, abs=2e-5)
    assert total["volume_mm3"] == pytest.approx(TOTAL_VOLUME_MM3, abs=2e-5)
    assert total["mass_mg"] == pytest.approx(TOTAL_MASS_MG, rel=1e-6)
    assert total["mass_calibration"] == "protocol"


def test_four_connected(rows):
    found = vessels(rows, "literature")
    eight = vessels(rows, "fqm-python")
    for insert in published():
        expected = FOUR_CONNECTED.get(insert, eight[insert]["agatston"])
        assert found[insert]["agatston"] == pytest.approx(expected, abs=5e-6), insert

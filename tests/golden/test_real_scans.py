"""Real, openly licensed scans from DICOM to rows (docs/test-data.md)."""

from __future__ import annotations

import pytest

from calcarium.config import load_protocol
from calcarium.intake.index import build_index
from calcarium.intake.studies import iter_studies
from calcarium.regions.inputs import RegionInputs
from calcarium.study import ScorerSetup
from written_rows import written_rows


@pytest.fixture(scope="module")
def rows_of(test_data, tmp_path_factory):
    """Rows of the one study of a data set, by table; scored once per protocol."""
    made = {}

    def score(name, source):
        if (name, source) not in made:
            folder = tmp_path_factory.mktemp(name)
            protocol = folder / "protocol.toml"
            protocol.write_text(f"extends = 'auto'\n[region]\nsource = '{source}'\n")
            build_index([str(test_data / name)], folder / "index")
            (study,) = iter_studies(folder / "index")
            scorer = ScorerSetup(load_protocol(str(protocol)), RegionInputs(), b"secret")()
            made[name, source] = written_rows(scorer(study))
        return made[name, source]

    return score


def by_outcome(rows):
    found = {}
    for row in rows["series"]:
        found.setdefault(row["reason"] or row["outcome"], []).append(row)
    return found


def test_pet_ct_study(rows_of):
    rows = rows_of("acrin_nsclc_petct_042", "whole")
    outcomes = by_outcome(rows)
    assert sorted(outcomes) == ["localizer", "not_ct", "scored"]
    (ct,) = outcomes["scored"]
    assert ct["slice_thickness_mm"] == 3.75
    assert ct["slice_increment_mm"] == pytest.approx(3.27, abs=0.005)
    assert ct["kvp"] == 140
    kvp = next(row for row in rows["quality"] if row["check"] == "kvp_threshold")
    assert (kvp["status"], kvp["value"]) == ("fail", 140)


def test_increment_normalises_the_score(rows_of):
    """Lesion volume uses the increment, not the thickness, so it is area x 3.27 mm."""
    rows = rows_of("acrin_nsclc_petct_042", "whole")
    for lesion in rows["lesions"][:200]:
        assert lesion["volume_mm3"] == pytest.approx(lesion["area_mm2"] * 3.27, rel=1e-3)


def test_soft_kernel_is_chosen_and_the_sharp_one_logged(rows_of):
    outcomes = by_outcome(rows_of("lung_pet_ct_dx", "whole"))
    assert [row["convolution_kernel"] for row in outcomes["scored"]] == ["B40f"]
    assert [row["convolution_kernel"] for row in outcomes["another_scan_preferred"]] == ["B70f"]


def test_jpeg_ls_low_dose_scan_decodes_and_scores(rows_of):
    rows = rows_of("nlst_101287_ldct", "detector")
    (scan,) = rows["series"]
    assert (scan["outcome"], scan["n_slices"]) == ("scored", 105)
    assert scan["transfer_syntax_uid"] == "1.2.840.10008.1.2.4.80"


def test_heavy_left_main_calcium_is_accepted(rows_of):
    """By eye: left main at slices 51-59, y 222, x 260 (peak 1561 HU), LAD at y 210, x 310."""
    rows = rows_of("nlst_101287_ldct", "detector")
    (study,) = rows["studies"]
    assert study["agatston"] > 400
    heaviest = max(rows["lesions"], key=lambda row: row["agatston"] or 0)
    assert heaviest["accepted"]
    assert heaviest["vessel"] == "LM+LAD"
    assert heaviest["peak_hu"] > 1500


def test_scan_without_coronary_calcium_is_near_zero(rows_of):
    (study,) = rows_of("lung_pet_ct_dx", "detector")["studies"]
    assert study["agatston"] < 11


def test_contrast_is_excluded(rows_of):
    rows = rows_of("rider_pilot_0117_contrast_partial", "detector")
    assert sorted(by_outcome(rows)) == ["contrast"]
    assert not rows["scores"]


@pytest.mark.parametrize("source", ["detector", "whole"])
def test_contrast_is_excluded_by_its_pixels_where_it_is_long_enough_to_be_read(
    test_data, tmp_path, source
):
    protocol = tmp_path / "protocol.toml"
    protocol.write_text(
        f"extends = 'auto'\n[selection]\nmin_coverage_mm = 0\n[region]\nsource = '{source}'\n"
    )
    build_index([str(test_data / "rider_pilot_0117_contrast_partial")], tmp_path / "index")
    (study,) = iter_studies(tmp_path / "index")
    rows = ScorerSetup(load_protocol(str(protocol)), RegionInputs(), b"secret")()(study).tables
    (scan,) = rows["series"]
    assert (scan["outcome"], scan["reason"], scan["stage"]) == ("excluded", "contrast", "region")
    (said,) = rows["messages"]
    assert "of the soft tissue is above 110 HU" in said["message"]
    assert not rows["scores"]


def test_without_a_region_there_is_no_score(rows_of):
    rows = rows_of("lung_pet_ct_dx", "none")
    assert "no_region" in by_outcome(rows)
    assert not rows["scores"]

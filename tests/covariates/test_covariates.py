from __future__ import annotations

import os
from dataclasses import fields, replace
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from calcarium.covariate_table import KNOWN, ScanKeys, read_covariates
from calcarium.covariates import age_between, from_header, merge_covariates, parse_age
from calcarium.errors import UsageError
from calcarium.intake.records import Acquisition

SCAN = ScanKeys("1.2.3", "A7", "007")
HEADER = Acquisition(
    **{field.name: None for field in fields(Acquisition)}  # type: ignore[arg-type]
    | {"image_type": (), "scan_options": (), "mass_factor_device": ()}
)


def table(tmp_path: Path, text: str) -> str:
    file = tmp_path / "covariates.csv"
    file.write_text(text)
    return os.fspath(file)


@pytest.mark.parametrize(
    ("text", "years"),
    [("067Y", 67), (" 067y ", 67), ("018M", 1.5), ("000Y", 0), ("104W", 104 * 7 / 365.25),
     ("067", None), ("Y", None), ("", None), (None, None), ("6.5Y", None), ("-01Y", None)],
)  # fmt: skip
def test_age_strings_of_dicom(text: str | None, years: float | None) -> None:
    assert parse_age(text) == (None if years is None else pytest.approx(years))


@pytest.mark.parametrize(
    ("birth", "when", "years"),
    [("19600229", "20240228", 63), ("19600229", "20240229", 64), ("1960-02-29", "20240301", 64),
     ("20240101", "20230101", None), ("", "20240101", None), ("19601332", "20240101", None)],
)  # fmt: skip
def test_completed_years_between_dates(birth: str, when: str, years: float | None) -> None:
    assert age_between(birth, when) == years


def test_header_gives_age_and_sex_and_nothing_else() -> None:
    header = replace(HEADER, patient_age="067Y", patient_sex="F ", patient_birth_date="19000101")
    found = from_header(header)
    assert (found.age_years, found.sex) == (67, "F")
    assert {v for v in vars(found).values() if v is not None} == {67, "F"}
    by_dates = replace(header, patient_age=None, study_date="19610101")
    assert from_header(by_dates).age_years == 61
    for other in ("O", "", None, "X"):
        assert from_header(replace(header, patient_sex=other)).sex is None


def test_the_table_goes_above_the_header() -> None:
    header = replace(HEADER, patient_age="067Y", patient_sex="F", study_date="20240601")
    row = {"birth_date": "1970-01-01", "race_ethnicity": "black", "sex": None, "stent": True}
    found, doubts = merge_covariates(header, row)
    assert (found.age_years, found.sex, found.race_ethnicity) == (54, "F", "black")
    assert found.stent is True
    assert [row.check for row in doubts] == ["age_conflict"]
    row = {"age_years": 66.5, "sex": "M", "birth_date": "1900-01-01"}
    found, doubts = merge_covariates(header, row)
    assert found.age_years == 66.5
    assert [row.check for row in doubts] == ["sex_conflict"]


def test_a_table_is_read_by_its_most_specific_key(tmp_path: Path) -> None:
    url = table(
        tmp_path,
        "patient_id,Site,sex,age_years,diabetes,hdl_mg_dl\n"
        "007,north,female,61.5,no,\n"
        "0071,south,M,NA,1,55\n",
    )
    found = read_covariates(url)
    assert (found.key, found.ignored) == ("patient_id", ("Site",))
    assert found.row(SCAN) == {"sex": "F", "age_years": 61.5, "diabetes": False}
    assert found.row(replace(SCAN, patient_id="0071")) == {
        "sex": "M",
        "diabetes": True,
        "hdl_mg_dl": 55.0,
    }
    assert found.row(replace(SCAN, patient_id="7")) == {}
    assert found.row(replace(SCAN, patient_id=None)) == {}


def test_coverage_counts_scans_and_values(tmp_path: Path) -> None:
    found = read_covariates(
        table(tmp_path, "accession_number,sex,stent\nA7,F,\nA8,M,yes\nA9,F,no\n")
    )
    scans = [SCAN, SCAN, replace(SCAN, accession_number="A8"), replace(SCAN, accession_number="B")]
    coverage = found.coverage(scans)
    assert (coverage.n_scans, coverage.n_matched) == (4, 3)
    assert (coverage.n_rows, coverage.n_rows_used) == (3, 2)
    assert coverage.known == {"sex": 3, "stent": 1}


def test_parquet_and_csv_of_one_table_are_equal(tmp_path: Path) -> None:
    csv = read_covariates(
        table(
            tmp_path,
            "series_instance_uid,diabetes,sbp_mm_hg,birth_date\n1.2.3,1,130,1960-01-31\n9,,,\n",
        )
    )
    columns = {
        "series_instance_uid": ["1.2.3", "9"],
        "diabetes": [True, None],
        "sbp_mm_hg": [130.0, None],
        "birth_date": pa.array([-3623, None], pa.date32()),
    }
    parquet.write_table(pa.table(columns), tmp_path / "c.parquet")
    other = read_covariates(os.fspath(tmp_path / "c.parquet"))
    assert csv.rows == other.rows
    assert csv.row(SCAN) == {"diabetes": True, "sbp_mm_hg": 130.0, "birth_date": "1960-01-31"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,sex\nx,F\n", "no key column; one of series_instance_uid, accession_number"),
        ("patient_id,sex\n1,F\n1,M\n", "patient_id is the same in data rows 1 and 2"),
        ("patient_id,sex\n,F\n", "patient_id is empty in data row 1"),
        ("patient_id,sex\n1,F\n2,W\n", "sex in data row 2: 'W' is none of f, m, female, male"),
        ("patient_id,race_ethnicity\n1,Caucasian\n", "none of white, black, chinese, hispanic"),
        ("patient_id,total_cholesterol_mg_dl\n1,5.2\n", "give mg/dL"),
        ("patient_id,hdl_mgdl\n1,50\n", "column 'hdl_mgdl': did you mean 'hdl_mg_dl'"),
        ("patient_id,diabetes\n1,maybe\n", "diabetes in data row 1: 'maybe' is none of yes, no"),
        ("patient_id,sbp_mm_hg\n1,high\n", "sbp_mm_hg in data row 1: could not convert"),
        ("patient_id,birth_date\n1,31.01.1960\n", "not a date"),
        ("patient_id,sex\n1\n", "data row 1 has 1 cells, not 2"),
        ("", "its columns are: none"),
        ("patient_id, patient_id,,\n1,2,,\n", "the column patient_id more than once"),
        ("patient_id;sex\n1;F\n", "separated by ';'; save it with commas"),
        ("patient_id\tsex\n1\tF\n", "separated by '\\t'; save it with commas"),
        ("patient_id,sex,sex\n1,F,M\n", "it has the column sex more than once"),
        ("PK\x03\x04", "an Excel workbook; save it as CSV"),
        ('patient_id\n"1', "unexpected end of data"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_a_sentence(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UsageError, match=r"covariates\.csv: ") as error:
        read_covariates(table(tmp_path, text))
    assert message in str(error.value)


def test_a_file_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        read_covariates(os.fspath(tmp_path / "none.csv"))
    (tmp_path / "utf-16.csv").write_text("patient_id,sex\n1,F\n", encoding="utf-16")
    with pytest.raises(UsageError, match="save it as CSV"):
        read_covariates(os.fspath(tmp_path / "utf-16.csv"))
    (tmp_path / "bad.parquet").write_bytes(b"PAR0")
    with pytest.raises(UsageError, match="not a table"):
        read_covariates(os.fspath(tmp_path / "bad.parquet"))


def test_the_page_in_docs_names_every_column() -> None:
    page = (Path(__file__).parents[2] / "docs" / "interpretation.md").read_text()
    assert [name for name in KNOWN if f"`{name}`" not in page] == []

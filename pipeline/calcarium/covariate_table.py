"""A registry's table of covariates: read, checked and looked up by a scan's identifiers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from typing import get_args

from calcarium.covariates import Covariates, Race, Value, merge_covariates, parse_date
from calcarium.errors import UsageError
from calcarium.intake.records import Scan
from calcarium.quality import QualityRow
from calcarium.table_file import EMPTY, TRUTH, read_table_file

KEYS = ("series_instance_uid", "accession_number", "patient_id")
KNOWN = (*(field.name for field in fields(Covariates)), "birth_date")
CHOICES: dict[str, dict[str, Value]] = {
    "sex": {"f": "F", "m": "M", "female": "F", "male": "M"},
    "race_ethnicity": {race: race for race in get_args(Race)},
}
MG_DL = "give mg/dL (mmol/L divided by 0.02586)"
# Wide on purpose: these refuse another unit, not a rare patient.
LIMITS: dict[str, tuple[float, float, str]] = {
    "age_years": (0, 120, "give years"),
    "total_cholesterol_mg_dl": (40, 1500, MG_DL),
    "hdl_mg_dl": (4, 300, MG_DL),
    "sbp_mm_hg": (40, 350, "give mmHg"),
    "ascvd_risk_10y_percent": (0, 100, "give percent"),
}


@dataclass(frozen=True)
class ScanKeys:
    """The identifiers of a scan by which a table may know it."""

    series_instance_uid: str | None
    accession_number: str | None
    patient_id: str | None

    @classmethod
    def of(cls, scan: Scan) -> ScanKeys:
        """Identifiers as the headers have them."""
        seen = scan.acquisition
        return cls(scan.files[0].series_instance_uid, seen.accession_number, seen.patient_id)


@dataclass(frozen=True)
class Coverage:
    """How far a table serves an archive.

    Attributes
    ----------
    n_scans, n_matched : scans asked about; those that have a row
    n_rows, n_rows_used : rows of the table; those that a scan asked for
    known : scans with a value, by column of the table
    """

    n_scans: int
    n_matched: int
    n_rows: int
    n_rows_used: int
    known: Mapping[str, int]


@dataclass(frozen=True)
class CovariateTable:
    """Covariates by one key.

    Attributes
    ----------
    key : ``series_instance_uid``, ``accession_number`` or ``patient_id``
    columns : the columns that are used
    ignored : columns of the file that are not covariates
    rows : values by key; a missing value is not in the mapping
    sha256 : hash of the file
    """

    key: str
    columns: tuple[str, ...]
    ignored: tuple[str, ...]
    rows: Mapping[str, Mapping[str, Value]]
    sha256: str

    def row(self, scan: ScanKeys) -> Mapping[str, Value]:
        """Values of a scan; empty if the table has no row for it."""
        key = getattr(scan, self.key)
        return {} if key is None else self.rows.get(key.strip(), {})

    def coverage(self, scans: Iterable[ScanKeys]) -> Coverage:
        """Count the scans that have a row, and the values that they have."""
        asked = [getattr(scan, self.key) for scan in scans]
        matched = [key.strip() for key in asked if key is not None and key.strip() in self.rows]
        known = Counter(name for key in matched for name in self.rows[key])
        return Coverage(
            n_scans=len(asked),
            n_matched=len(matched),
            n_rows=len(self.rows),
            n_rows_used=len(set(matched)),
            known={name: known[name] for name in self.columns},
        )


def scan_covariates(
    scan: Scan, table: CovariateTable | None
) -> tuple[Covariates, tuple[QualityRow, ...]]:
    """What header and table say of a scan's patient, and where they disagree."""
    row = {} if table is None else table.row(ScanKeys.of(scan))
    return merge_covariates(scan.acquisition, row)


def read_covariates(url: str) -> CovariateTable:
    """Read and check a table of covariates.

    Parameters
    ----------
    url : Parquet (``.parquet``) or CSV file, wherever fsspec reads

    Raises
    ------
    UsageError
        if it cannot be read, has no key column, has a key twice, misspells a
        column, or holds a value that its column does not allow. Names the
        column and the row, never the patient.
    """
    file = read_table_file(url)
    key, keys = file.keys(KEYS)
    columns = tuple(name for name in file.columns if name in KNOWN)
    ignored = tuple(name for name in file.columns if name not in KNOWN and name not in KEYS)
    _refuse_misspelt(url, ignored, [name for name in KNOWN if name not in columns])
    values = {name: _values(url, name, file.columns[name]) for name in columns}
    rows = {
        text: {name: cells[i] for name, cells in values.items() if cells[i] is not None}
        for i, text in enumerate(keys)
    }
    return CovariateTable(key, columns, ignored, rows, file.sha256)


def _refuse_misspelt(url: str, ignored: tuple[str, ...], absent: list[str]) -> None:
    for name in ignored:
        near = get_close_matches(name.lower(), absent, n=1, cutoff=0.85)
        if near:
            raise UsageError(f"{url}: column {name!r}: did you mean {near[0]!r}?")


def _values(url: str, name: str, texts: list[str]) -> list[Value]:
    return [_value(url, name, text, number) for number, text in enumerate(texts, start=1)]


def _value(url: str, name: str, text: str, number: int) -> Value:
    if text.lower() in EMPTY:
        return None
    try:
        return _parse(name, text)
    except ValueError as error:
        raise UsageError(f"{url}: {name} in data row {number}: {error}") from None


def _parse(name: str, text: str) -> Value:
    if name == "birth_date":
        if parse_date(text[:10]) is None:
            raise ValueError("not a date (YYYY-MM-DD or YYYYMMDD)")
        return text[:10]
    if name in CHOICES:
        return _one_of(text, CHOICES[name])
    if name not in LIMITS:
        return _one_of(text, TRUTH)
    least, most, hint = LIMITS[name]
    value = float(text)
    if not least <= value <= most:
        raise ValueError(f"{text} is not between {least:g} and {most:g}; {hint}")
    return value


def _one_of(text: str, allowed: Mapping[str, Value]) -> Value:
    if text.lower() not in allowed:
        raise ValueError(f"{text!r} is none of {', '.join(allowed)}")
    return allowed[text.lower()]

"""A result folder of three studies, one of each outcome, whose numbers add up by hand."""

from __future__ import annotations

import json

from calcarium.tables.commit import commit
from calcarium.tables.folder import ResultFolder
from calcarium.tables.rows import Cell, Row, StudyRows, TableName
from calcarium.tables.runs import Run, describe_folder, record_run
from calcarium.tables.schema import TABLES
from calcarium.tables.stamp import Stamp, stamp

STAMP = Stamp("run", "hash", "0.1.0", "numpy", "host", "2026-01-01T00:00:00Z", 0.1)
PROTOCOL = {"gated": {"scoring": {"conventions": ["a", "b"], "primary_convention": "a"}}}
PATIENT: Row = {
    "patient_id": "PID-77123",
    "patient_name": "Quixote^Alonso",
    "patient_birth_date": "19470929",
    "accession_number": "ACC0042",
    "study_date": "20190807",
    "folder": "/archive/la mancha",
    "first_url": "/archive/la mancha/1.dcm",
}


def empty_row(table: TableName, **cells: Cell) -> Row:
    return dict.fromkeys(c.name for c in TABLES[table].columns if not c.stamped) | cells


def scored() -> StudyRows:
    ids: Row = {"study_id": "1.1", "scan_id": "1.1.1"}
    score: Row = {"agatston": 30.0, "volume_mm3": 25.0, "n_lesions": 2}
    return _study(
        studies=[
            empty_row("studies", study_id="1.1", outcome="scored", n_scans=1, n_scored=1)
            | {"primary_scan_id": "1.1.1", "convention": "a", **score}
            | {"agatston_LAD": 10.0, "agatston_RCA": 20.0}
        ],
        series=[empty_row("series", **ids, outcome="scored", scan_class="gated")],
        scores=[
            empty_row("scores", **ids, convention=c, is_primary=c == "a", **score) for c in "ab"
        ],
        vessels=[
            empty_row("vessels", **ids, convention=c, vessel=v, agatston=a, volume_mm3=vol)
            | {"n_lesions": 1}
            for c in "ab"
            for v, a, vol in (("LAD", 10.0, 5.0), ("RCA", 20.0, 20.0))
        ],
        lesions=[
            empty_row("lesions", **ids, convention="a", lesion_id=i, accepted=i < 2, agatston=a)
            for i, a in enumerate((10.0, 20.0, 99.0))
        ],
        quality=[empty_row("quality", **ids, check="kvp", status="pass", text="as expected")],
        links=[empty_row("links", **ids, **PATIENT)],
    )


def not_scored(study: str, **outcome: Cell) -> StudyRows:
    ids: Row = {"study_id": study, "scan_id": f"{study}.1"}
    return _study(
        studies=[
            empty_row("studies", study_id=study, outcome=outcome["outcome"], n_scans=1, n_scored=0)
        ],
        series=[empty_row("series", **ids, **outcome)],
        links=[empty_row("links", **ids)],
    )


def small_studies() -> list[StudyRows]:
    return [
        scored(),
        not_scored("1.2", outcome="excluded", reason="contrast", reason_group="ineligible"),
        not_scored("1.3", outcome="failed", error="ValueError", stage="volume"),
    ]


def write_results(url: str, studies: list[StudyRows], **run: object) -> ResultFolder:
    folder = ResultFolder.at(url)
    folder.create()
    describe_folder(folder, json.dumps(PROTOCOL))
    counts = {"asked": 3, "continued": 0, "done": 3, "scored": 1, "excluded": 1, "failed": 1}
    record = {"ending": "finished", "counts": counts, **run}
    record_run(
        folder,
        Run("run", "2026-01-01", "0.1.0", "gated", "hash", "numpy", "host", **record),  # type: ignore[arg-type]
    )
    for study in studies:
        commit(folder, [stamp(study, STAMP)])
    return folder


def _study(**tables: list[Row]) -> StudyRows:
    return StudyRows(str(tables["studies"][0]["study_id"]), tables)  # type: ignore[arg-type]

"""What intake makes of every file of a collection of odd DICOM; writes docs/conformance.md.

To write the table anew, set ``CALCARIUM_WRITE_DOCS=1``.
"""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from calcarium.config import Protocols, SelectionRules, load_protocol
from calcarium.intake.index import build_index
from calcarium.intake.index_query import other_files_by_folder, problems
from calcarium.intake.select import ScanChoice, select
from calcarium.intake.studies import iter_studies

DOCS = Path(__file__).parents[2] / "docs" / "conformance.md"
BEGIN, END = "<!-- intake: begin, written by a test -->", "<!-- intake: end -->"
ALL_SIZES = {"min_slices": 1, "min_coverage_mm": 0.0}


@dataclass(frozen=True)
class Outcome:
    """One series of the collection."""

    place: str
    files: tuple[str, ...]
    as_shipped: ScanChoice
    at_any_size: ScanChoice


def any_size(protocols: Protocols) -> Protocols:
    """The protocols without their limits on the number of slices and the coverage."""
    lifted = {
        scan_class: protocol.model_copy(
            update={"selection": SelectionRules(**{**protocol.selection.model_dump(), **ALL_SIZES})}
        )
        for scan_class, protocol in protocols.by_class.items()
    }
    return Protocols(protocols.name, lifted)


@pytest.fixture(scope="module")
def collection(test_data: Path) -> Path:
    return test_data / "dicom_conformance"


@pytest.fixture(scope="module")
def index(collection: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    index = tmp_path_factory.mktemp("index")
    build_index([str(collection)], index)
    return index


@pytest.fixture(scope="module")
def outcomes(collection: Path, index: Path) -> list[Outcome]:
    auto = load_protocol("auto")
    found = []
    for study in iter_studies(index):
        pairs = zip(
            select(study, auto, all_scans=True).scans,
            select(study, any_size(auto), all_scans=True).scans,
            strict=True,
        )
        for shipped, lifted in pairs:
            files = [os.path.relpath(file.url, collection) for file in shipped.scan.files]
            place = "`, `".join(sorted({str(Path(file).parent) for file in files}))
            found.append(Outcome(place, tuple(sorted(files)), shipped, lifted))
    return sorted(found, key=lambda outcome: (outcome.place, outcome.files))


def test_every_file_ends_in_one_scan_or_one_record(
    collection: Path, index: Path, outcomes: list[Outcome]
) -> None:
    in_scans = Counter(file for outcome in outcomes for file in outcome.files)
    assert set(in_scans.values()) == {1}
    others = sum(count for _, count in other_files_by_folder(index))
    all_files = [path for path in collection.rglob("*") if path.is_file()]
    assert len(all_files) == len(in_scans) + others + len(problems(index))


REASONS = {
    "dcm_qa_ct/GE_tilt_variable_spacing/08.dcm": "not_axial",  # 18.5 degrees
    "dcmqi_ct_seg/segmentations/liver.dcm": "derived_object",
    "dcmqi_ct_seg/segmentations/ct-3slice/01.dcm": None,
    "dcmqi_ct_seg/segmentations/24x38x3/multiframe/mf.dcm": None,
    "dicom2nifti_failing/gantrytilting/001/IM-0001-0001.dcm": "not_axial",  # no tag says so
    "dicom2nifti_failing/sliceorientation/001/IM-0001-0001-0001.dcm": "not_ct",
    "dicom2nifti_failing/sliceincrement/001/IM-0001-0007-0001.dcm": None,
    "dicom2nifti_failing/notavolume/001/001.dcm": "too_few_slices",  # four images of one place
    "fo_dicom_ct/FreezePattern.dcm": "secondary_capture",
    "fo_dicom_ct/GH178.dcm": "secondary_capture",
    "fo_dicom_ct/GH184.dcm": "not_ct",
    "fo_dicom_ct/GH342.dcm": "localizer",
    "fo_dicom_ct/GH1376.dcm": "derived_reformat",  # tomosynthesis under the name of CT
    "fo_dicom_ct/GH1728.dcm": "secondary_capture",
    "nema_wg04_ct/CT1_UNC": "contrast",
    "pydicom_data/eCT_Supplemental.dcm": "derived_reformat",  # a perfusion map
}


def test_reasons_are_those_that_an_engineer_would_give(outcomes: list[Outcome]) -> None:
    by_file = {file: outcome for outcome in outcomes for file in outcome.files}
    assert {file: by_file[file].at_any_size.reason for file in REASONS} == REASONS


def table(outcomes: list[Outcome], index: Path, collection: Path) -> str:
    lines = [
        "| place | files | modality | at any size | with `auto` as shipped | what was seen |",
        "|---|---|---|---|---|---|",
    ]
    for outcome in outcomes:
        seen, name = outcome.at_any_size, outcome.place
        if len(outcome.files) == 1:
            name = outcome.files[0]
        extent = seen.extent
        step = f", every {extent.increment_mm:g} mm" if extent.increment_mm else ""
        detail = seen.detail or f"{extent.n_slices} positions{step}"
        modality = seen.scan.acquisition.modality or "none"
        results = (seen.reason or "eligible", outcome.as_shipped.reason or "eligible")
        cells = (f"`{name}`", str(len(outcome.files)), modality, *results, detail)
        lines.append(f"| {' | '.join(cells)} |")
    for folder, count in other_files_by_folder(index):
        place = os.path.relpath(folder, collection)
        lines.append(f"| `{place}` | {count} | | not DICOM | not DICOM | counted by folder |")
    for problem in problems(index):
        place = os.path.relpath(problem.url, collection)
        lines.append(f"| `{place}` | 1 | | {problem.kind} | {problem.kind} | {problem.message} |")
    return "\n".join(lines)


def test_the_table_in_the_documentation(
    outcomes: list[Outcome], index: Path, collection: Path
) -> None:
    page = DOCS.read_text(encoding="utf-8")
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    expected = f"{before}{BEGIN}\n\n{table(outcomes, index, collection)}\n\n{END}{after}"
    if os.environ.get("CALCARIUM_WRITE_DOCS"):
        DOCS.write_text(expected, encoding="utf-8")
    assert page == expected or os.environ.get("CALCARIUM_WRITE_DOCS")

"""Which files are one scan, whatever the order and wherever they lie."""

from __future__ import annotations

from io import BytesIO
from random import Random

import pytest
from generated_ct import AXIAL, ROOT, SERIES, ct_series, ct_slice
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from calcarium.intake.grouping import (
    Member,
    patient_key,
    scans_of_series,
    series_key,
    split_series,
    study_key,
)
from calcarium.intake.headers import Header, read_header
from calcarium.intake.locations import Container, File


def member(ds: Dataset, url: str = "/a") -> Member:
    buffer = BytesIO()
    ds.save_as(buffer, enforce_file_format=True)
    content = buffer.getvalue()
    file = File.plain(Container(url, len(content), 0))
    header = read_header(file, lambda count: content[:count])
    assert isinstance(header, Header)
    return header.file, header.acquisition


def sizes(slices: list[Dataset]) -> list[int]:
    return [len(part) for part in split_series([member(ds) for ds in slices])]


def test_a_plain_series_is_one_scan() -> None:
    assert sizes(ct_series(6)) == [6]


@pytest.mark.parametrize(
    "elements",
    [
        {"AcquisitionNumber": 2},
        {"ImageType": ["ORIGINAL", "PRIMARY", "AXIAL", "OTHER"]},
        {"TriggerTime": "700"},
        {"ConvolutionKernel": "B70f"},
        {"KVP": "80"},
    ],
)
def test_repeated_places_are_taken_apart_by_an_element(elements: dict[str, object]) -> None:
    again = [
        ct_slice(ds.ImagePositionPatient[2], 50 + i, **elements)
        for i, ds in enumerate(ct_series(5))
    ]
    assert sizes([*ct_series(6), *again]) == [6, 5]


def test_repeated_places_are_taken_apart_by_time() -> None:
    first = ct_series(4)
    second = ct_series(4)
    for i, ds in enumerate([*first, *second]):
        ds.AcquisitionTime = f"1200{i:02d}.5"
        ds.SOPInstanceUID = f"{SERIES}.{i + 1}"
    assert sizes([*first, *second]) == [4, 4]


def test_an_acquisition_number_per_slab_is_no_reason_to_split() -> None:
    slices = ct_series(9)
    for i, ds in enumerate(slices):
        ds.AcquisitionNumber = 1 + i // 3
    assert sizes(slices) == [9]


def test_a_doubled_slice_that_nothing_explains_stays() -> None:
    """The volume stage refuses it; here nothing is guessed."""
    doubled = ct_slice(3.0, 2, SOPInstanceUID=f"{SERIES}.99")
    assert sizes([*ct_series(6), doubled]) == [7]


def test_copies_of_files_do_not_split() -> None:
    assert sizes([*ct_series(6), *ct_series(6)]) == [12]


def test_one_place_over_time_stays_one_scan() -> None:
    """Bolus tracking: taken to pieces it would be as many scans as images."""
    slices = [ct_slice(0, i, AcquisitionNumber=i, AcquisitionTime=f"1200{i:02d}") for i in range(6)]
    assert sizes(slices) == [6]


@pytest.mark.parametrize(
    "elements",
    [
        {"ImageOrientationPatient": [1, 0, 0, 0, 0, -1]},
        {"Rows": 5},
        {"PixelSpacing": ["0.7", "0.7"]},
        {"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]},
        {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7"},
    ],
)
def test_images_that_cannot_lie_in_one_volume_are_apart(elements: dict[str, object]) -> None:
    assert sizes([*ct_series(6), ct_slice(33, 77, **elements)]) == [6, 1]


def test_rounding_of_directions_and_spacing_does_not_split() -> None:
    odd = ct_slice(
        18,
        7,
        ImageOrientationPatient=["0.99999", "1e-4", *AXIAL[2:]],
        PixelSpacing=["0.50001", "0.6"],
    )
    assert sizes([*ct_series(6), odd]) == [7]


@settings(max_examples=25)
@given(st.integers(0, 2**32), st.integers(0, 3), st.integers(0, 3))
def test_order_and_places_of_files_do_not_matter(seed: int, doubled: int, scouts: int) -> None:
    slices = [
        *ct_series(6),
        *(ct_slice(3.0 * i, 50 + i, AcquisitionNumber=2) for i in range(doubled)),
        *(
            ct_slice(i, 80 + i, ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
            for i in range(scouts)
        ),
    ]
    random = Random(seed)

    def scans(shuffled: list[Dataset]) -> list[tuple[str, list[str | None]]]:
        found = [member(ds, f"/{random.random()}") for ds in shuffled]
        return [
            (scan.scan_id, [file.sop_instance_uid for file in scan.files])
            for scan in scans_of_series("study", SERIES, found)
        ]

    expected = scans(slices)
    random.shuffle(slices)
    assert scans(slices) == expected


NO_UIDS = dict.fromkeys(("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"))


def keys(**elements: object) -> tuple[str, str]:
    found = member(ct_slice(**{**NO_UIDS, **elements}))
    return study_key(*found), series_key(*found)


def test_without_uids_a_series_holds_together_and_apart_from_others() -> None:
    assert keys() == keys(z_mm=30, number=9)
    assert keys() == keys(StudyInstanceUID=None, z_mm=3)
    study, series = keys()
    for elements in ({"ConvolutionKernel": "B70f"}, {"SeriesTime": "090000"}, {"Rows": 8}):
        other_study, other_series = keys(**elements)
        assert (other_study, other_series != series) == (study, True)


@pytest.mark.filterwarnings("ignore:.*VR UI")
@pytest.mark.parametrize("uid", ["0", "ANONYMOUS", "", "1.2.3.", "9" * 70, "1.2/3"])
def test_uids_that_identify_nothing_are_not_trusted(uid: str) -> None:
    """Two patients with the same placeholder do not meet."""
    one = keys(SeriesInstanceUID=uid, StudyInstanceUID=uid)
    other = keys(SeriesInstanceUID=uid, StudyInstanceUID=uid, PatientID="P2")
    assert uid not in one
    assert one[0] != other[0]
    assert one[1] != other[1]


def test_without_a_patient_each_series_is_its_own_study() -> None:
    nobody = {"PatientID": None, "PatientName": None}
    assert keys(**nobody)[0] != keys(**nobody, SeriesTime="090000")[0]


def test_without_uids_and_patient_the_corner_of_the_image_tells_series_apart() -> None:
    nobody = {**NO_UIDS, "PatientID": None, "PatientName": None}
    here = [member(ct_slice(3.0 * i, i, **nobody)) for i in range(4)]
    there = [
        member(ct_slice(number=i, **nobody, ImagePositionPatient=[-130, -90, 3.0 * i]))
        for i in range(4)
    ]
    assert patient_key(here[0][1]) == ""
    assert [len(part) for part in split_series([*here, *there])] == [4, 4]


def test_a_uid_in_use_for_two_patients_names_neither(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    from generated_ct import save

    from calcarium.intake.index import build_index
    from calcarium.intake.studies import iter_studies

    folder = tmp_path_factory.mktemp("shared_uid")
    save(folder / "archive" / "x", ct_series(3))
    save(folder / "archive" / "y", ct_series(3, PatientID="P2"))
    save(folder / "archive" / "z", ct_series(3, StudyInstanceUID=f"{ROOT}.8"))
    build_index([str(folder / "archive")], folder / "index")
    studies = list(iter_studies(folder / "index"))
    assert len(studies) == 3
    assert len({study.study_id for study in studies}) == 3
    assert len({scan.scan_id for study in studies for scan in study.scans}) == 3
    for study in studies:
        assert len({scan.acquisition.patient_id for scan in study.scans}) == 1

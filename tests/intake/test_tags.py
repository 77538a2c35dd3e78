"""Every field that is read has the element of its DICOM keyword."""

from __future__ import annotations

import csv
from pathlib import Path

from pydicom.datadict import tag_for_keyword

from calcarium.intake.tags import ACQUISITION_TAGS, FILE_TAGS

TABLE = Path(__file__).parent / "data" / "dicom-tags.csv"


def test_tags_are_those_of_their_keywords() -> None:
    keywords = {
        row["field"]: row["keyword"] for row in csv.DictReader(TABLE.read_text().splitlines())
    }
    read = {field: tag for field, (tag, _) in (FILE_TAGS | ACQUISITION_TAGS).items()}
    assert read == {field: tag_for_keyword(keyword) for field, keyword in keywords.items()}

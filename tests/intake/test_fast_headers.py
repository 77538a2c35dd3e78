"""The fast reader of headers against pydicom, on what headers have and under damage."""

from __future__ import annotations

from pathlib import Path
from random import Random
from struct import error as StructError  # noqa: N812

import pytest
from generated_ct import ct_slice
from header_bytes import FULL, PLAIN, encoded, in_memory
from mutations import mutate
from pydicom.dataset import Dataset

from calcarium.intake.fast_headers import HeaderReader, Surprise, fast_raw_header
from calcarium.intake.headers import Header, NotDicom, Unreadable, read_header
from calcarium.intake.locations import Container, File, head_reader
from calcarium.intake.pydicom_headers import MALFORMED, raw_header
from calcarium.intake.tags import RawHeader
from calcarium.intake.walk import walk


def both(content: bytes) -> tuple[RawHeader, RawHeader]:
    """Elements as found by the fast reader and by pydicom."""
    fast = fast_raw_header(content, is_whole=True)
    return fast, raw_header(in_memory(content), content, lambda count: content[:count])


def varied(random: Random) -> Dataset:
    """A slice with what headers have: private blocks, sequences, odd lengths, missing elements."""
    some = {key: value for key, value in FULL.items() if random.random() < 0.5}
    ds = ct_slice(random.uniform(-500, 500), random.randint(1, 999), **some)
    ds.file_meta.TransferSyntaxUID = random.choice(PLAIN)
    if random.random() < 0.3:
        ds.SpecificCharacterSet = random.choice(
            ["ISO_IR 100", ["", "ISO 2022 IR 87"], "ISO_IR 192"]
        )
    for element in random.sample(range(0x10, 0xF0), random.randint(0, 3)):
        ds.add_new(0x00090000 + element, "LO", f"PRIVATE {element}")
        ds.add_new(
            0x00090000 + (element << 8) + 1, "OB", random.randbytes(2 * random.randint(0, 40))
        )
    for keyword in random.sample(["ContrastBolusAgentSequence", "ReferencedImageSequence"], 1):
        inner = Dataset()
        inner.CodeMeaning = "inner"
        inner.ReferencedStudySequence = [Dataset()]
        setattr(ds, keyword, [inner] * random.randint(0, 2))
        ds[keyword].is_undefined_length = random.random() < 0.5
    for keyword in random.sample(["KVP", "ConvolutionKernel", "SeriesTime", "PatientID"], 2):
        if random.random() < 0.3:
            delattr(ds, keyword)
    return ds


def check_fast_reader_on(count: int) -> None:
    random = Random(2024)
    for _ in range(count):
        content = encoded(varied(random))
        fast, exact = both(content)
        assert fast == exact


def test_the_fast_reader_is_equal_to_pydicom() -> None:
    check_fast_reader_on(400)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_the_fast_reader_is_equal_to_pydicom_on_many() -> None:
    check_fast_reader_on(10_000)


def test_the_fast_reader_is_equal_to_pydicom_on_real_files(test_data: Path) -> None:
    fast_count = count = 0
    for found in walk([str(test_data)]):
        assert isinstance(found, Container)
        file, read = File.plain(found), head_reader(found.url)
        head = read(16 << 10)
        if isinstance(read_header(file, read), NotDicom):
            continue
        count += 1
        try:
            fast = fast_raw_header(head, is_whole=len(head) >= file.size_bytes)
        except (Surprise, StructError):
            continue
        fast_count += 1
        assert fast == raw_header(file, head, read)
    assert fast_count > 0.9 * count


def check_damaged(count: int) -> None:
    """No damage raises, and what the fast reader takes for plain pydicom reads alike."""
    random = Random(7)
    whole = [encoded(varied(random)) for _ in range(20)]
    reader = HeaderReader()
    for number in range(count):
        content = mutate(whole[number % 20], random, 1500)
        file = in_memory(content)
        read = reader.read(file, lambda n, content=content: content[:n])
        assert isinstance(read, Header | NotDicom | Unreadable)
        try:
            fast = fast_raw_header(content, is_whole=True)
        except (Surprise, StructError):
            continue
        try:
            exact = raw_header(file, content, lambda n, content=content: content[:n])
        except MALFORMED:
            continue
        assert fast == exact, number


def test_damaged_headers() -> None:
    check_damaged(400)


@pytest.mark.slow
def test_many_damaged_headers() -> None:
    check_damaged(2_000)

"""Which transfer syntaxes are read here, and what a damaged frame ends in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
from dicom_series import BY_IMAGECODECS, SYNTAXES, scan_of, write_series
from pydicom.encaps import encapsulate
from pydicom.uid import UID

from calcarium.config import VolumeRules
from calcarium.errors import ScanExcluded
from calcarium.volume import codecs as status
from calcarium.volume import load_volume
from calcarium.volume.codecs import SYNTAXES as READ
from calcarium.volume.codecs import decode, syntax_of
from calcarium.volume.codestream import Codestream, describe

JPEG_LOSSLESS = "1.2.840.10008.1.2.4.70"
PIXELS = np.random.default_rng(5).integers(0, 4096, (37, 45)).astype(np.uint16)


def reason_of(uid: str, frame: bytes) -> str:
    with pytest.raises(ScanExcluded) as excluded:
        decode(syntax_of(uid), frame, np.empty(PIXELS.shape, np.uint16))
    return excluded.value.reason


def test_status_names_every_syntax_and_its_package() -> None:
    listed = {codec.transfer_syntax_uid: codec for codec in status()}
    assert set(SYNTAXES) <= set(listed)
    for uid, codec in listed.items():
        assert UID(uid).is_transfer_syntax
        assert codec.available
        assert codec.package in ("numpy", "imagecodecs")


def test_native_and_encapsulated_as_the_standard_has_them() -> None:
    for uid, syntax in READ.items():
        assert UID(uid).is_encapsulated == (syntax.kind == "encapsulated"), syntax.name
        assert UID(uid).is_deflated == (syntax.kind == "deflated"), syntax.name


def test_a_codec_that_is_missing_is_named_with_its_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import imagecodecs

    class Missing:
        available = False

    paths = write_series(tmp_path, np.stack([PIXELS] * 2), syntax=JPEG_LOSSLESS)
    monkeypatch.setattr(imagecodecs, "JPEG8", Missing)
    with pytest.raises(ScanExcluded, match="imagecodecs") as excluded:
        load_volume(scan_of(paths), VolumeRules())
    assert excluded.value.reason == "unsupported_transfer_syntax"
    missing = {codec.transfer_syntax_uid for codec in status() if not codec.available}
    assert JPEG_LOSSLESS in missing
    assert "1.2.840.10008.1.2.4.80" not in missing


@pytest.mark.parametrize("uid", ["", "1.2.840.10008.1.2.4.100", "1.2.840.10008.1.2.4.55"])
def test_a_syntax_that_nothing_here_reads(uid: str) -> None:
    with pytest.raises(ScanExcluded) as excluded:
        syntax_of(uid)
    assert excluded.value.reason == "unsupported_transfer_syntax"


@pytest.mark.parametrize("uid", list(BY_IMAGECODECS))
def test_a_codestream_describes_itself(uid: str) -> None:
    frame = BY_IMAGECODECS[uid](PIXELS * 16)
    assert describe(frame) == Codestream(37, 45, 1, 16, signed=False)
    assert describe(frame[:20]) is None
    assert describe(b"") is None


@pytest.mark.parametrize("uid", list(BY_IMAGECODECS))
def test_a_codestream_that_was_cut(uid: str) -> None:
    frame = BY_IMAGECODECS[uid](PIXELS)
    assert reason_of(uid, frame[: len(frame) // 2]) == "short_pixels"


@pytest.mark.parametrize("uid", list(BY_IMAGECODECS))
def test_a_codestream_of_another_size(uid: str) -> None:
    assert reason_of(uid, BY_IMAGECODECS[uid](PIXELS[:, :40].copy())) == "undecodable"


def test_a_codestream_of_another_kind() -> None:
    assert reason_of("1.2.840.10008.1.2.4.90", BY_IMAGECODECS[JPEG_LOSSLESS](PIXELS)) == (
        "undecodable"
    )
    assert reason_of(JPEG_LOSSLESS, b"no codestream at all") == "undecodable"


def test_eight_bits_within_the_codestream() -> None:
    import imagecodecs

    lossless = imagecodecs.jpeg8_encode(PIXELS.astype(np.uint8), lossless=True)
    assert reason_of(JPEG_LOSSLESS, lossless) == "unsupported_pixels"
    lossy = imagecodecs.jpeg8_encode(PIXELS.astype(np.uint8), level=90)
    assert reason_of("1.2.840.10008.1.2.4.51", lossy) == "lossy_8bit"


@pytest.mark.parametrize(
    ("high", "low", "n_segments"), [(64, 10**6, 2), (0, 70, 2), (90, 70, 2), (64, 66, 1)]
)
def test_rle_offsets_out_of_the_frame(high: int, low: int, n_segments: int) -> None:
    header = np.zeros(16, "<u4")
    header[:3] = n_segments, high, low
    assert reason_of("1.2.840.10008.1.2.5", header.tobytes() + bytes(40)) == "undecodable"


@pytest.mark.parametrize(("has_table", "fragments"), [(True, 1), (False, 1), (True, 3), (False, 3)])
def test_fragments_with_and_without_an_offset_table(
    tmp_path: Path, has_table: bool, fragments: int
) -> None:
    paths = write_series(tmp_path, np.stack([PIXELS] * 2), syntax=JPEG_LOSSLESS)
    for path in paths:
        dataset = pydicom.dcmread(path)
        frame = BY_IMAGECODECS[JPEG_LOSSLESS](PIXELS)
        dataset.PixelData = encapsulate([frame], fragments_per_frame=fragments, has_bot=has_table)
        dataset.save_as(path)
    volume = load_volume(scan_of(paths), VolumeRules())
    np.testing.assert_array_equal(volume.stored, np.stack([PIXELS] * 2))


def test_wrong_transfer_syntax_both_ways(tmp_path: Path) -> None:
    native = write_series(tmp_path / "native", np.stack([PIXELS] * 2))
    fragments = write_series(tmp_path / "jpeg", np.stack([PIXELS] * 2), syntax=JPEG_LOSSLESS)
    for paths, wrong in ((native, JPEG_LOSSLESS), (fragments, "1.2.840.10008.1.2.1")):
        for path in paths:
            right = str(pydicom.filereader.read_file_meta_info(path).TransferSyntaxUID)
            path.write_bytes(_with_syntax(path.read_bytes(), right, wrong))
        with pytest.raises(ScanExcluded) as excluded:
            load_volume(scan_of(paths), VolumeRules())
        assert excluded.value.reason == "undecodable"


def _with_syntax(data: bytes, right: str, wrong: str) -> bytes:
    """Replace the UID in the file meta, group length included."""
    before = right.encode() + b"\0" * (len(right) % 2)
    after = wrong.encode() + b"\0" * (len(wrong) % 2)
    at = data.index(b"\x02\x00\x10\x00UI")
    length = int.from_bytes(data[140:144], "little") + len(after) - len(before)
    element = data[at : at + 6] + len(after).to_bytes(2, "little") + after
    return (
        data[:140]
        + length.to_bytes(4, "little")
        + data[144:at]
        + element
        + data[at + 8 + len(before) :]
    )

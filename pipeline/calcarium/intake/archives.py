"""Members of ZIP and tar archives: listed and read in place, never unpacked.

Archives are untrusted: members and their sizes are limited, links and names that
leave the archive are refused, and no more of a member is inflated than its header.
Every refusal is a record.
"""

from __future__ import annotations

import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from gzip import BadGzipFile
from lzma import LZMAError
from typing import BinaryIO, TypeAlias, cast

from calcarium.errors import ResourceError
from calcarium.intake.locations import Container, File, ReadHead, is_local

MAX_MEMBERS = 1_000_000
MAX_MEMBER_BYTES = 16 << 30
# Blank slices deflate to a thousandth, so a ratio says something of large members only.
MAX_RATIO = 200
RATIO_FROM_BYTES = 1 << 30

BROKEN_ARCHIVE = (
    zipfile.BadZipFile,
    tarfile.TarError,
    BadGzipFile,
    zlib.error,
    LZMAError,
    EOFError,
    NotImplementedError,
    RuntimeError,  # zipfile: encrypted
    ValueError,
)


@dataclass(frozen=True, slots=True)
class Refused:
    """A member, or a whole archive, that is not read."""

    file: File
    message: str


Member: TypeAlias = tuple[File, ReadHead] | Refused


def members(archive: Container) -> Iterator[Member]:
    """Regular files of an archive, in its order, each with a reader of its beginning.

    A reader is good until the next member is asked for. Archives inside are not opened.
    """
    try:
        with _opened(archive.url) as stream:
            read = _zip_members if archive.archive_format == "zip" else _tar_members
            yield from read(archive, stream)
    except BROKEN_ARCHIVE as error:
        yield Refused(File.plain(archive), f"broken archive: {type(error).__name__}: {error}")
    except OSError as error:
        raise ResourceError(f"{archive.url}: {error}") from error


def _opened(url: str) -> BinaryIO:
    if is_local(url):
        return open(url, "rb")  # noqa: PTH123
    import fsspec

    return cast(BinaryIO, fsspec.open(url, "rb").open())


def _zip_members(archive: Container, stream: BinaryIO) -> Iterator[Member]:
    with zipfile.ZipFile(stream) as opened:
        infos = {info.filename: info for info in opened.infolist() if not info.is_dir()}
        if len(infos) > MAX_MEMBERS:
            yield Refused(File.plain(archive), f"more than {MAX_MEMBERS:,} members")
            return
        for name, info in infos.items():
            file = File.member(archive, name, info.file_size)
            refusal = _refusal(name, info.file_size, info.compress_size)
            is_link = (info.external_attr >> 28) == 0xA
            if info.flag_bits & 1:
                refusal = "encrypted"
            if refusal or is_link:
                yield Refused(file, refusal or "a link")
            else:
                yield file, _forward_reader(partial(_zip_stream, opened, info))


def _zip_stream(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> BinaryIO:
    return cast(BinaryIO, archive.open(info))


def _tar_members(archive: Container, stream: BinaryIO) -> Iterator[Member]:
    total_bytes = 0
    with tarfile.open(fileobj=stream, mode="r|*") as opened:
        for count, info in enumerate(opened):
            file = File.member(archive, info.name, info.size)
            total_bytes += info.size
            if count >= MAX_MEMBERS or _is_bomb(total_bytes, archive.size_bytes):
                yield Refused(File.plain(archive), "too many members, or it inflates too far")
                return
            if info.isdir():
                continue
            refusal = _refusal(info.name, info.size, info.size)
            if refusal or not info.isreg() or info.issparse():
                yield Refused(file, refusal or "a link or special file")
                continue
            yield file, _forward_reader(partial(_tar_stream, opened, info))


def _tar_stream(archive: tarfile.TarFile, info: tarfile.TarInfo) -> BinaryIO:
    stream = archive.extractfile(info)
    assert stream is not None  # a regular file
    return cast(BinaryIO, stream)


def _refusal(name: str, size_bytes: int, packed_bytes: int) -> str:
    if "::" in name or name.startswith(("/", "\\")) or ".." in name.replace("\\", "/").split("/"):
        return "its name leaves the archive"
    if size_bytes > MAX_MEMBER_BYTES or _is_bomb(size_bytes, packed_bytes):
        return f"{size_bytes:,} bytes from {packed_bytes:,}: too large"
    return ""


def _is_bomb(size_bytes: int, packed_bytes: int) -> bool:
    return size_bytes > RATIO_FROM_BYTES and size_bytes > MAX_RATIO * packed_bytes


def _forward_reader(opener: Callable[[], BinaryIO]) -> ReadHead:
    """Keeps what was read: a compressed stream does not go back."""
    head = bytearray()
    streams: list[BinaryIO] = []

    def read(count: int) -> bytes:
        try:
            if not streams:
                streams.append(opener())
            if count > len(head):
                head.extend(streams[0].read(count - len(head)))
        except BROKEN_ARCHIVE as error:
            raise ValueError(f"broken in its archive: {error}") from error
        return bytes(head[:count])

    return read

"""Archives for the node benchmark: one study written, the others copied under new identifiers."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from archives import timing_scan

from calcarium.phantom.codecs import SYNTAXES
from calcarium.phantom.dicom import Encoding, SeriesUids, write_mask, write_series
from calcarium.phantom.header import Technique, invented_person

# As the options name them -> as the phantoms do.
STORED_AS = {
    "raw": "explicit",
    "jpeg-lossless": "jpeg-lossless",
    "jpeg-ls": "jpeg-ls",
    "j2k": "jpeg2000",
    "htj2k": "htj2k",
}
SLICE_BYTES = 512 * 512 * 2


@dataclass(frozen=True)
class Archive:
    """Studies of one kind: ``dicom/NNNN/`` each, and a mask for every series in ``masks/``."""

    folder: Path
    slices: int
    syntax: str
    studies: tuple[Path, ...]

    @property
    def masks(self) -> Path:
        """Folder of the masks."""
        return self.folder / "masks"

    def files(self, n_studies: int | None = None) -> list[Path]:
        """Every file of the first studies."""
        return [path for one in self.studies[:n_studies] for path in sorted(one.iterdir())]


def make_archive(folder: Path, slices: int, syntax: str, n_studies: int) -> Archive:
    """Write ``n_studies`` studies of so many slices; they differ in nothing but identifiers.

    Raises
    ------
    SystemExit
        if the disk has no room for them, with what is needed
    """
    needed, free = n_studies * slices * SLICE_BYTES, shutil.disk_usage(folder.parent).free
    if needed > 0.9 * free:
        raise SystemExit(
            f"{n_studies} studies of {slices} slices take up to {needed / 1e9:.0f} GB, and "
            f"{folder.parent} has {free / 1e9:.0f} GB free: name another --work, or fewer of "
            "--workers or --per-worker"
        )
    scan = timing_scan(slices)
    uids = SeriesUids.of(f"node-{slices}-{syntax}")
    technique = Technique(gated=slices < 100)
    first = folder / "dicom" / "0000"
    encoding = Encoding(STORED_AS[syntax])
    written = write_series(first, scan, uids, invented_person(0), technique, encoding)
    mask = folder / "masks" / f"{uids.series}.nii.gz"
    write_mask(mask, scan.calcium, scan.grid)
    contents = [(path.name, path.read_bytes()) for path in written]
    for number in range(1, n_studies):
        study = folder / "dicom" / f"{number:04d}"
        study.mkdir()
        for name, content in contents:
            (study / name).write_bytes(_renamed(content, uids, number))
        os.link(mask, mask.with_name(f"{_numbered(uids.series, number)}.nii.gz"))
    studies = tuple(sorted((folder / "dicom").iterdir()))
    return Archive(folder, slices, syntax, studies)


def transfer_syntax(syntax: str) -> str:
    """UID of a name of :data:`STORED_AS`."""
    return SYNTAXES[STORED_AS[syntax]]


def _renamed(content: bytes, uids: SeriesUids, number: int) -> bytes:
    for uid in (uids.study, uids.series, uids.frame_of_reference):
        content = content.replace(uid.encode(), _numbered(uid, number).encode())
    return content


def _numbered(uid: str, number: int) -> str:
    """Another identifier of the same length, so that no length in a file changes."""
    return f"{uid[:-6]}{number:06d}"

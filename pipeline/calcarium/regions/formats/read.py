"""Every kind of mask file that is read, by the end of its name."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

import fsspec
import nibabel as nib
import nrrd
import numpy as np
from numpy.typing import NDArray
from pydicom.errors import InvalidDicomError

from calcarium.errors import ResourceError, ScanExcluded, ScanFailed
from calcarium.regions.formats.metaimage import read_metaimage
from calcarium.regions.formats.nifti import read_nifti
from calcarium.regions.formats.nrrd import read_nrrd
from calcarium.regions.formats.plist import read_plist
from calcarium.regions.formats.seg import read_seg
from calcarium.regions.formats.stream import HashedFile, LabelRows, Reader, buffered
from calcarium.regions.label_runs import LabelRuns, runs_of_rows
from calcarium.regions.labelmap import Affine, LabelMap
from calcarium.regions.names import meaning, sort_labels, useful_labels
from calcarium.volume.model import Geometry

MASK_SUFFIXES = (
    ".nii.gz", ".nii", ".seg.nrrd", ".nrrd", ".mha", ".mhd", ".seg.dcm", ".dcm", ".xml", ".plist",
)  # fmt: skip

# A number (of a patient or scan) or a word for masks: names of structures have neither.
NO_STRUCTURE = re.compile(r"\d|mask|label|seg|calc|cac|roi|annot|lesion", re.IGNORECASE)

# What the libraries raise on bytes that are cut short or are something else.
DAMAGED = (
    OSError,
    EOFError,
    ValueError,
    KeyError,
    StopIteration,
    zlib.error,
    nrrd.NRRDError,
    InvalidDicomError,
    nib.wrapstruct.WrapStructError,
    nib.spatialimages.HeaderDataError,
)


def mask_suffix(name: str) -> str | None:
    """How the name of a mask file ends; ``None`` if it is no mask file, but perhaps a folder."""
    return next((suffix for suffix in MASK_SUFFIXES if name.lower().endswith(suffix)), None)


def mask_stem(name: str) -> str | None:
    """Name of a mask file without its folder and its suffix; ``None`` if it is none."""
    suffix = mask_suffix(name)
    return name.rpartition("/")[2][: -len(suffix)] if suffix else None


def read_masks(url: str, geometry: Geometry, labels: Mapping[str, str]) -> tuple[LabelMap, ...]:
    """Read a mask file, or the files of a folder that has one for each structure.

    Files are read from their start to their end, and of each only the labels are kept that
    calcium, arteries, heart or aorta can have.

    Parameters
    ----------
    url : a file whose name ends as one of :data:`MASK_SUFFIXES`; else a folder. A folder with
        one file whose name can be no structure's (:data:`NO_STRUCTURE`) stands for that file
    geometry : of the scan, for ROIs that are drawn on its slices
    labels : the protocol's names of labels; see :func:`calcarium.regions.names.sort_labels`

    Returns
    -------
    One label map per file; those of a folder have one label each, named as the file. A folder
    with files of calcium or arteries is not searched for anatomy.

    Raises
    ------
    ScanExcluded
        ``missing_mask`` if there is no such file or folder
    ScanFailed
        if a file is damaged or holds something else than labels
    ResourceError
        if storage gives way
    """
    if mask_suffix(url):
        return (_read_file(url, geometry, labels),)
    stems = [(stem, file) for file in _files_in(url) if (stem := mask_stem(file))]
    known = [(stem, file) for stem, file in stems if stem in labels or meaning(stem) is not None]
    if len(stems) == 1 and not known and NO_STRUCTURE.search(stems[0][0]):
        return (_read_file(stems[0][1], geometry, labels),)
    return tuple(
        _one_label(_read_file(file, geometry, {}), number, stem)
        for number, (stem, file) in enumerate(_of_use(known, labels), start=1)
    )


def read_voxels(url: str) -> tuple[NDArray[np.generic], Affine]:
    """All voxels of a NIfTI, MetaImage or NRRD file: of a scan, whose values are no labels.

    Returns
    -------
    planes, rows and columns as they follow each other in the file; and (4, 4), from
    ``(plane, row, column, 1)`` to patient millimetres (DICOM LPS)

    Raises
    ------
    ScanExcluded, ScanFailed
        as :func:`read_masks`
    """
    with _opened(url) as hashed:
        try:
            grid = _parse(buffered(hashed), url)
            voxels = np.concatenate([rows for _, rows in grid.rows]).reshape(grid.shape)
        except DAMAGED as error:
            raise ScanFailed(f"{url} cannot be read: {error}") from error
    return voxels, grid.to_lps


def _of_use(
    known: Sequence[tuple[str, str]], labels: Mapping[str, str]
) -> Sequence[tuple[str, str]]:
    """Those of some structures, each stem and URL, that mark calcium, else heart or aorta."""
    useful = [(stem, file) for stem, file in known if useful_labels([1], {1: stem}, labels)]
    calcium = [(stem, file) for stem, file in useful if sort_labels([1], {1: stem}, labels)[0]]
    return calcium or useful


def _one_label(mask: LabelMap, number: int, name: str) -> LabelMap:
    value = np.full(len(mask.runs), number, dtype=np.uint16)
    return replace(mask, runs=replace(mask.runs, value=value), names={number: name})


def _read_file(url: str, geometry: Geometry, labels: Mapping[str, str]) -> LabelMap:
    with _opened(url) as hashed:
        file = buffered(hashed)
        try:
            if mask_suffix(url) in (".xml", ".plist"):
                mask = read_plist(file.read(), url, geometry)
            else:
                mask = _labelled(_parse(file, url), url, labels)
        except DAMAGED as error:
            raise ScanFailed(f"the mask {url} cannot be read, export it again: {error}") from error
        return replace(mask, sha256=hashed.sha256())


def _parse(file: Reader, url: str) -> LabelRows:
    match mask_suffix(url):
        case ".nii" | ".nii.gz":
            return read_nifti(file, url)
        case ".nrrd" | ".seg.nrrd":
            return read_nrrd(file, url)
        case ".mha" | ".mhd":
            folder = url.rpartition("/")[0]
            return read_metaimage(file, url, lambda name: _buffered(f"{folder}/{name}"))
        case _:
            return read_seg(file, url)


def _labelled(voxels: LabelRows, url: str, labels: Mapping[str, str]) -> LabelMap:
    if not np.isfinite(voxels.to_lps).all() or np.linalg.det(voxels.to_lps) == 0:
        raise ScanFailed(f"the mask {url} has a grid that is nowhere in the patient")
    parts = []
    for first, rows in voxels.rows:
        if not rows.any():
            continue
        runs = runs_of_rows(rows, first, voxels.shape[1], url)
        parts.append(runs.only(useful_labels(runs.values(), voxels.names, labels)))
    return LabelMap(LabelRuns.joined(parts), voxels.shape, voxels.to_lps, voxels.names)


@contextmanager
def _opened(url: str) -> Iterator[HashedFile]:
    try:
        opened = fsspec.open(url, "rb").open()
    except FileNotFoundError as error:
        raise ScanExcluded("missing_mask", f"{url} does not exist") from error
    except OSError as error:
        raise ResourceError(f"cannot read the mask {url}: {error}") from error
    with opened as file:
        yield HashedFile(file, url)


@contextmanager
def _buffered(url: str) -> Iterator[Reader]:
    with _opened(url) as file:
        yield buffered(file)


def _files_in(url: str) -> list[str]:
    fs, root = fsspec.url_to_fs(url)
    try:
        return sorted(str(fs.unstrip_protocol(name)) for name in fs.ls(root, detail=False))
    except FileNotFoundError as error:
        raise ScanExcluded("missing_mask", f"{url} does not exist") from error
    except OSError as error:
        raise ResourceError(f"cannot read the masks in {url}: {error}") from error

"""Every kind of mask file that is read, by the end of its name."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable
from dataclasses import replace

import fsspec
import nibabel as nib
import nrrd
from pydicom.errors import InvalidDicomError

from calcarium.errors import ResourceError, ScanExcluded, ScanFailed
from calcarium.regions.formats.metaimage import read_metaimage
from calcarium.regions.formats.nifti import read_nifti
from calcarium.regions.formats.nrrd import read_nrrd
from calcarium.regions.formats.plist import read_plist
from calcarium.regions.formats.seg import read_seg
from calcarium.regions.labelmap import LabelMap
from calcarium.volume.model import Geometry

MASK_SUFFIXES = (
    ".nii.gz", ".nii", ".seg.nrrd", ".nrrd", ".mha", ".mhd", ".seg.dcm", ".dcm", ".xml", ".plist",
)  # fmt: skip

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


def read_masks(
    url: str, geometry: Geometry, is_wanted: Callable[[str], bool]
) -> tuple[LabelMap, ...]:
    """Read a mask file, or the files of a folder that has one for each structure.

    Parameters
    ----------
    url : a file whose name ends as one of :data:`MASK_SUFFIXES`; else a folder
    geometry : of the scan, for ROIs that are drawn on its slices
    is_wanted : whether a file of a folder is read, by its name without suffix

    Returns
    -------
    One label map per file; those of a folder have one label each, named as the file

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
        return (_read_file(url, geometry),)
    stems = [(mask_stem(file), file) for file in _files_in(url)]
    wanted = [(stem, file) for stem, file in stems if stem and is_wanted(stem)]
    maps = []
    for number, (stem, file) in enumerate(wanted, start=1):
        mask = _read_file(file, geometry)
        labels = (mask.labels > 0).astype(mask.labels.dtype) * number
        maps.append(replace(mask, labels=labels, names={number: stem}))
    return tuple(maps)


def _read_file(url: str, geometry: Geometry) -> LabelMap:
    content = _bytes_of(url)
    try:
        mask = _parse(content, url, geometry)
    except DAMAGED as error:
        raise ScanFailed(f"the mask {url} cannot be read: {error}") from error
    return replace(mask, sha256=hashlib.sha256(content).hexdigest())


def _parse(content: bytes, url: str, geometry: Geometry) -> LabelMap:
    match mask_suffix(url):
        case ".nii" | ".nii.gz":
            return read_nifti(content, url)
        case ".nrrd" | ".seg.nrrd":
            return read_nrrd(content, url)
        case ".mha" | ".mhd":
            folder = url.rpartition("/")[0]
            return read_metaimage(content, url, lambda name: _bytes_of(f"{folder}/{name}"))
        case ".dcm" | ".seg.dcm":
            return read_seg(content, url)
        case _:
            return read_plist(content, url, geometry)


def _bytes_of(url: str) -> bytes:
    try:
        with fsspec.open(url, "rb") as file:
            return bytes(file.read())
    except FileNotFoundError as error:
        raise ScanExcluded("missing_mask", f"{url} does not exist") from error
    except OSError as error:
        raise ResourceError(f"cannot read the mask {url}: {error}") from error


def _files_in(url: str) -> list[str]:
    fs, root = fsspec.url_to_fs(url)
    try:
        return sorted(str(fs.unstrip_protocol(name)) for name in fs.ls(root, detail=False))
    except FileNotFoundError as error:
        raise ScanExcluded("missing_mask", f"{url} does not exist") from error
    except OSError as error:
        raise ResourceError(f"cannot read the masks in {url}: {error}") from error

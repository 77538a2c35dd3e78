"""What the user brings to a run besides the scans: masks and a network."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

import fsspec

from calcarium.errors import UsageError
from calcarium.intake.records import Scan, Study
from calcarium.regions.formats import MASK_SUFFIXES, mask_stem
from calcarium.regions.formats.seg import referenced_series
from calcarium.regions.network import Device, network_hash
from calcarium.regions.shapes import load_shapes
from calcarium.storage import file_system
from calcarium.table_file import read_table_file

UID = re.compile(r"[0-9]+(\.[0-9]+)+(_[0-9]+)?")
SERIES_COLUMNS = ("scan_id", "series_instance_uid")
MASK_COLUMN = "mask"


@dataclass(frozen=True)
class RegionInputs:
    """Masks and network of a run, gathered once by the client.

    The workers are sent :meth:`without_masks`: each study brings its own
    (:meth:`with_masks`), however many a registry has.

    Attributes
    ----------
    masks : URL of a mask, by the name of a scan: its id with ``_`` for ``/``, series, study,
        only file, or one of its folders
    mask_of_all : URL of the one mask that is tried on every scan
    has_masks : whether masks were given at all, for this scan or another
    network : URL of the ONNX file; empty if none was given
    network_sha256 : hash of it and of the TOML file beside it
    network_device : where it runs
    fingerprint : hash of what was given, for the provenance of the run; empty if nothing was
    """

    masks: Mapping[str, str] = field(default_factory=dict)
    mask_of_all: str = ""
    has_masks: bool = False
    network: str = ""
    network_sha256: str = ""
    network_device: Device = "cpu"
    fingerprint: str = ""

    def mask_of(self, scan: Scan) -> str | None:
        """URL of the mask of a scan: its own before that of its series."""
        found = (self.masks[key] for key in _keys(scan) if key in self.masks)
        return scan.mask or next(found, None) or self.mask_of_all or None

    def with_masks(self, studies: Iterable[Study]) -> Iterator[Study]:
        """The same studies, each scan with its mask, so that the list of all need not travel."""
        for study in studies:
            scans = (replace(scan, mask=self.mask_of(scan) or "") for scan in study.scans)
            yield replace(study, scans=tuple(scans))

    def without_masks(self) -> RegionInputs:
        """What a worker needs besides scans that have their masks with them."""
        return replace(self, masks={})


def gather_inputs(
    masks: str = "",
    *,
    mask_column: Mapping[str, str] | None = None,
    network: str = "",
    network_device: Device = "cpu",
    shapes: Iterable[str] = (),
) -> RegionInputs:
    """Find every mask once, without reading it.

    Parameters
    ----------
    masks : a folder of ``<SeriesInstanceUID>.nii.gz`` (or another name of the scan, and another
        suffix of :data:`MASK_SUFFIXES`), or of folders of such names with a file for each
        structure; a table ``.csv`` with the columns ``series_instance_uid`` or ``scan_id``, and
        ``mask``; or one mask file, for the series of its name, else for every scan that it fits.
        DICOM SEG objects (``.dcm``) may have any name: they say which series they belong to
    mask_column : further masks, by series or scan id, from a manifest
    network : ONNX file with its TOML file beside it
    network_device : where it runs; does not enter the fingerprint
    shapes : files of shapes that protocols name

    Raises
    ------
    UsageError
        if a place does not exist, holds no mask, or has two for one scan; if the network's or a
        shape's file is not understood
    """
    found, facts = _at(masks) if masks else ({}, [])
    column = dict(mask_column or {})
    facts += [f"{key} {url}" for key, url in sorted(column.items())]
    facts += [load_shapes(name).sha256 for name in sorted(set(shapes) - {""})]
    network_sha256 = network_hash(network) if network else ""
    facts += [network_sha256] if network else []
    digest = hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16] if facts else ""
    of_all = found.pop("", "")
    return RegionInputs(
        {**found, **column},
        of_all,
        bool(masks or column),
        network,
        network_sha256,
        network_device,
        digest,
    )


def _keys(scan: Scan) -> Iterator[str]:
    """Names that the mask of a scan may have: of scan, series, study, file, then its folders."""
    yield scan.scan_id.replace("/", "_")
    yield scan.scan_id
    if not scan.files:
        return
    first = scan.files[0]
    yield from filter(None, (first.series_instance_uid, first.study_instance_uid))
    # Of zip://0/IM1.dcm::/data/a.zip: IM1, 0, a, data.
    names = [name for part in first.url.split("::") for name in reversed(part.split("/")) if name]
    if len(scan.files) == 1 and names:
        yield from (names[0], PurePosixPath(names[0]).stem)
    yield from names[1:]


def _at(place: str) -> tuple[dict[str, str], list[str]]:
    """Masks by key at a place, the key of all scans being empty, and what tells them apart."""
    fs, root = file_system(place)
    if fs.isdir(root):
        return _in_folder(fs, root)
    if not fs.isfile(root):
        raise UsageError(f"there are no masks at {place}")
    if place.lower().endswith(".csv"):
        return _in_table(place)
    key = _key_of_file(fs, root)
    if key is None:
        raise UsageError(f"{place} is no mask that is understood ({', '.join(MASK_SUFFIXES)})")
    return {key if UID.fullmatch(key) else "": place}, [_fact(key, fs.info(root))]


def _in_folder(fs: fsspec.AbstractFileSystem, root: str) -> tuple[dict[str, str], list[str]]:
    """Files, and folders that have a file for each structure, by the scan that they are for."""
    masks: dict[str, str] = {}
    facts = []
    for name, info in fs.find(root, maxdepth=2, detail=True).items():
        below = name.removeprefix(root).lstrip("/")
        folder, _, file = below.rpartition("/")
        key = folder if folder and mask_stem(file) else _key_of_file(fs, name)
        if key is None:
            continue
        url = str(fs.unstrip_protocol(f"{root}/{folder}" if folder else name))
        if masks.setdefault(key, url) != url:
            raise UsageError(f"two masks for {key}: {masks[key]} and {url}")
        facts.append(_fact(f"{key}/{below}", info))
    if not masks:
        raise UsageError(f"no mask in {root}: names end in {', '.join(MASK_SUFFIXES)}")
    return masks, sorted(facts)


def _key_of_file(fs: fsspec.AbstractFileSystem, path: str) -> str | None:
    """Scan that a mask file is for: as a plain ``.dcm`` says itself, else by its name."""
    stem = mask_stem(path)
    if stem and path.lower().endswith(".dcm") and not path.lower().endswith(".seg.dcm"):
        with fs.open(path, "rb") as file:
            return referenced_series(file) or stem
    return stem


def _in_table(place: str) -> tuple[dict[str, str], list[str]]:
    table = read_table_file(place)
    key = next((c for c in SERIES_COLUMNS if c in table.columns), None)
    if key is None or MASK_COLUMN not in table.columns:
        there = ", ".join(table.columns) or "none"
        raise UsageError(
            f"{place} must have the columns {MASK_COLUMN!r} and one of {SERIES_COLUMNS}; "
            f"its columns are: {there}"
        )
    folder = place.rpartition("/")[0]
    masks: dict[str, str] = {}
    for scan, mask in zip(table.columns[key], table.columns[MASK_COLUMN], strict=True):
        name = scan.replace("/", "_")
        if masks.get(name, mask) != mask:
            raise UsageError(f"{place}: two masks for {name}")
        if mask:
            masks[name] = mask
    return {name: _beside(folder, url) for name, url in masks.items()}, [table.sha256]


def _beside(folder: str, url: str) -> str:
    return url if "://" in url or url.startswith("/") or not folder else f"{folder}/{url}"


def _fact(name: str, info: Mapping[str, object]) -> str:
    """Name, size and version or time of a file; masks of an archive are not read to hash them."""
    time = next((info[k] for k in ("ETag", "etag", "mtime", "LastModified") if k in info), "")
    return f"{name} {info['size']} {int(time) if isinstance(time, float) else time}"

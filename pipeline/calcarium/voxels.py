"""The few voxels of a scan that any score can depend on, packed to some kilobytes.

With them a scan is scored again, by other conventions and thresholds, without its DICOM. Kept
are the foreground voxels of the region down to a base in Hounsfield units, each with its label,
the voxels above and below them, which the interpolated volume and thicker slices need, and those
beside them, which noise may lift.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import cast

import numpy as np
import orjson
from numpy.typing import NDArray

from calcarium.errors import UsageError
from calcarium.regions.model import LabelColumns, Meaning, Region, words
from calcarium.regions.select import label_at
from calcarium.volume.model import Float64, Geometry, Rescale, Volume
from calcarium.volume.thresholds import stored_threshold
from calcarium_kernels.contract import Box, Int64, Labels, Stored
from calcarium_kernels.host import LesionVoxels, lesion_voxels
from calcarium_kernels.sparse import SparseArray

FORMAT = 3  # 3: what labels mean as columns; 2: the slices around, where labels of CTA end
NAMED = ("vessel", "standing", "rejected_by")
HEADER = struct.Struct("<II")  # format, length of the facts
Facts = dict[str, object]


@dataclass(frozen=True)
class PackedScan:
    """What :func:`unpack` gives back: enough to score, and nothing of the rest of the body.

    Attributes
    ----------
    base_hu : no threshold below it can be scored
    """

    volume: Volume
    region: Region
    base_hu: float


def pack(volume: Volume, region: Region, base_hu: float, *, slices_around: int = 1) -> bytes:
    """Pack the voxels of a region that are at least as bright as a base, and those around.

    Parameters
    ----------
    base_hu : lowest threshold that can be scored later, in HU
    slices_around : how many slices above and below a voxel are kept with it, 1 at least
    """
    threshold = stored_threshold(volume.rescale, Fraction(str(base_hu)), inclusive=True)
    voxels = _kept(volume, region, threshold)
    place = _with_neighbours(voxels, volume.geometry.shape, slices_around)
    stored = volume.stored.reshape(-1)[place]
    if region.rule == "clip":
        label = label_at(region, *np.unravel_index(place, volume.geometry.shape))
    else:
        label = np.zeros(place.size, dtype=np.int64)
        label[np.searchsorted(place, _flat(voxels, volume.geometry.shape))] = voxels.label
    facts = orjson.dumps(_facts(volume, region, base_hu) | {"n_voxels": place.size})
    steps = np.diff(place, prepend=0).astype("<u4")
    parts = (
        steps,
        stored.astype(stored.dtype.newbyteorder("<")),
        label.astype("<u2"),
        region.known.labels.confidence.astype("<f8"),
        region.known.labels.features.astype("<f8"),
    )
    return b"".join([HEADER.pack(FORMAT, len(facts)), facts, *(p.tobytes() for p in parts)])


def unpack(packed: bytes) -> PackedScan:
    """Volume and region again: outside the kept voxels the volume is dark.

    Raises
    ------
    UsageError
        if another version packed them in another format.
    """
    made_in, length = HEADER.unpack_from(packed)
    if made_in != FORMAT:
        raise UsageError(
            f"its voxels are not of the format {FORMAT} that this version reads: "
            "score it again with --voxels HU"
        )
    facts = orjson.loads(packed[HEADER.size : HEADER.size + length])
    dtype = np.dtype(facts["dtype"])
    n, at = facts["n_voxels"], HEADER.size + length
    place = np.cumsum(np.frombuffer(packed, "<u4", n, at), dtype=np.int64)
    stored = np.frombuffer(packed, dtype.newbyteorder("<"), n, at + 4 * n)
    label = np.frombuffer(packed, "<u2", n, at + (4 + dtype.itemsize) * n)
    numbers = np.frombuffer(packed, "<f8", offset=at + (4 + dtype.itemsize + 2) * n)
    rescale = Rescale(_fractions(facts["slope"]), _fractions(facts["intercept"]))
    geometry = _geometry(facts["geometry"])
    # Sparse arrays take the place of whole ones wherever scores are made.
    voxels = cast(Stored, SparseArray(geometry.shape, place, stored))
    volume = Volume(voxels, rescale, geometry, tuple(facts["sop_instance_uid"]))
    labelled = label > 0
    labels = cast(Labels, SparseArray(geometry.shape, place[labelled], label[labelled]))
    return PackedScan(volume, _region(facts["region"], labels, numbers), facts["base_hu"])


def _kept(volume: Volume, region: Region, threshold: NDArray[np.int32]) -> LesionVoxels:
    """Foreground in the region; for ``select`` the whole of every lesion that it touches."""
    sign = volume.rescale.sign
    if region.rule == "clip":
        return lesion_voxels(volume.stored, sign, threshold, box=region.box, labels=region.labels)
    everywhere = Box.whole(volume.geometry.shape)
    voxels = lesion_voxels(volume.stored, sign, threshold, box=everywhere)
    label = label_at(region, voxels.z, voxels.y, voxels.x)
    touched = np.zeros(voxels.n_lesions, dtype=bool)
    touched[voxels.lesion[label > 0]] = True
    kept = touched[voxels.lesion]
    return LesionVoxels(
        voxels.z[kept],
        voxels.y[kept],
        voxels.x[kept],
        label[kept],
        voxels.lesion[kept],
        voxels.n_lesions,
    )


def _flat(voxels: LesionVoxels, shape: tuple[int, int, int]) -> Int64:
    return (voxels.z * shape[1] + voxels.y) * shape[2] + voxels.x


def _with_neighbours(
    voxels: LesionVoxels, shape: tuple[int, int, int], slices_around: int
) -> Int64:
    """Places of the voxels, of those above and below, and of their 4-neighbours."""
    n_slices, rows, columns = shape
    steps = [(step, 0, 0) for step in range(-slices_around, slices_around + 1)]
    steps += [(0, -1, 0), (0, 1, 0), (0, 0, -1), (0, 0, 1)]
    around = []
    for dz, dy, dx in steps:
        z, y, x = voxels.z + dz, voxels.y + dy, voxels.x + dx
        inside = (z >= 0) & (z < n_slices) & (y >= 0) & (y < rows) & (x >= 0) & (x < columns)
        around.append(((z * rows + y) * columns + x)[inside])
    return np.unique(np.concatenate(around))


def _facts(volume: Volume, region: Region, base_hu: float) -> Facts:
    geometry = {
        name: value.tolist() if isinstance(value, np.ndarray) else value
        for name, value in vars(volume.geometry).items()
    }
    return {
        "base_hu": base_hu,
        "dtype": volume.stored.dtype.name,
        "slope": [str(s) for s in volume.rescale.slope],
        "intercept": [str(b) for b in volume.rescale.intercept],
        "sop_instance_uid": volume.sop_instance_uid,
        "geometry": geometry,
        "region": {
            "value": region.known.value.tolist(),
            "named": {name: getattr(region.known.labels, name).tolist() for name in NAMED},
            "measured": region.known.labels.measured,
            "rule": region.rule,
            "source": region.source,
            "sha256": region.sha256,
            "is_coronary": region.is_coronary,
            "vessels": region.vessels,
            "threshold_hu": region.threshold_hu,
            "floor_hu": region.floor_hu,
        },
    }


def _fractions(texts: list[str]) -> tuple[Fraction, ...]:
    known: dict[str, Fraction] = {text: Fraction(text) for text in set(texts)}
    return tuple(map(known.__getitem__, texts))


def _geometry(facts: Mapping[str, object]) -> Geometry:
    arrays = ("origin_mm", "slice_position_mm", "slice_extent_mm")
    directions = ("row_direction", "column_direction")
    known = {name: np.asarray(facts[name], dtype=np.float64) for name in arrays}
    vectors = {name: tuple(cast(list[float], facts[name])) for name in directions}
    rest = {name: value for name, value in facts.items() if name not in (*arrays, *directions)}
    return Geometry(**known, **vectors, **rest)  # type: ignore[arg-type]


def _region(facts: Facts, labels: Labels, numbers: Float64) -> Region:
    named = cast(Mapping[str, list[str]], facts["named"])
    value = np.array(facts["value"], dtype=np.int64)
    measured = tuple(cast(list[str], facts["measured"]))
    numbers = numbers.reshape(1 + len(measured), value.size)
    vessel, standing, rejected_by = (words(named[name]) for name in NAMED)
    known = LabelColumns(vessel, standing, rejected_by, numbers[0], measured, numbers[1:])
    plain = ("rule", "source", "sha256", "is_coronary", "threshold_hu", "floor_hu")
    return Region(
        Box.whole(labels.shape),
        labels,
        Meaning(value, known),
        vessels=tuple(cast(list[str], facts["vessels"])),
        **{name: facts[name] for name in plain},  # type: ignore[arg-type]
    )

"""From conventions to the fewest kernel calls, and back to one table per threshold."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from calcarium.regions.model import Region
from calcarium.regions.select import select_lesions
from calcarium.scoring.conventions import Threshold
from calcarium.volume.model import Volume
from calcarium.volume.thresholds import stored_threshold
from calcarium_kernels.contract import Cut, InSlice, Int32, Islands, Kernels, Link


@dataclass(frozen=True)
class CutKey:
    """What makes two conventions share one cut: threshold, connectivity and link."""

    hu: Fraction | None
    inclusive: bool
    connectivity: InSlice
    link: Link

    @classmethod
    def of(cls, threshold: Threshold, connectivity: InSlice, link: Link) -> CutKey:
        """The key of a convention's threshold."""
        return cls(threshold.hu, threshold.inclusive, connectivity, link)


def find_islands(
    volume: Volume, region: Region, keys: frozenset[CutKey], kernels: Kernels
) -> dict[CutKey, Islands]:
    """Islands of every cut, in as few kernel calls as the conventions allow.

    One call per link; where lesions are selected whole, one per threshold too, because a
    lesion depends on its threshold.

    Parameters
    ----------
    volume : stored integers with their rescale
    region : where calcium counts
    keys : the distinct cuts of all conventions of the run
    kernels : numpy or CuPy
    """
    found: dict[CutKey, Islands] = {}
    for batch in _batches(keys, by_threshold=region.rule == "select"):
        cuts = tuple(Cut(cut_threshold(volume, key), key.connectivity) for key in batch)
        clipped = clipped_region(volume, region, cuts[0].threshold)
        islands = kernels.islands(
            volume.stored,
            volume.rescale.sign,
            cuts,
            box=clipped.box,
            labels=clipped.labels,
            link=batch[0].link,
        )
        found.update(zip(batch, islands, strict=True))
    return found


def cut_threshold(volume: Volume, key: CutKey) -> Int32:
    """Least bright stored value of the cut per slice; every voxel passes where there is no HU."""
    if key.hu is None:
        extreme = np.iinfo(np.int32)
        return np.where(volume.rescale.sign > 0, extreme.min, extreme.max).astype(np.int32)
    return stored_threshold(volume.rescale, key.hu, inclusive=key.inclusive)


def clipped_region(volume: Volume, region: Region, threshold: Int32) -> Region:
    """The region as labels that clip; ``select`` depends on the threshold of its lesions."""
    return region if region.rule == "clip" else select_lesions(volume, threshold, region)


def _batches(keys: frozenset[CutKey], *, by_threshold: bool) -> list[list[CutKey]]:
    groups: dict[tuple[object, ...], list[CutKey]] = {}
    for key in sorted(keys, key=lambda k: (k.link, k.hu is None, k.hu or 0, k.connectivity)):
        batch = (key.link, key.hu, key.inclusive) if by_threshold else (key.link,)
        groups.setdefault(batch, []).append(key)
    return list(groups.values())

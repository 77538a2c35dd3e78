"""One scan to one volume: slices, their geometry, their pixels, what to know about them."""

from __future__ import annotations

import numpy as np

from calcarium.config import VolumeRules
from calcarium.errors import ScanExcluded
from calcarium.intake.records import Scan
from calcarium.volume.codecs import Words
from calcarium.volume.geometry import Stack, arrange
from calcarium.volume.memory import allocate_words
from calcarium.volume.model import Rescale, Volume
from calcarium.volume.notes import PixelCounts, volume_notes
from calcarium.volume.padding import darken_padding
from calcarium.volume.pixels import read_pixels
from calcarium.volume.slices import Slice, slices_of
from calcarium_kernels.contract import Stored


def load_volume(scan: Scan, rules: VolumeRules) -> Volume:
    """Read a scan as stored integers with exact rescale and measured geometry.

    Parameters
    ----------
    scan : its files in any order
    rules : the geometries that are accepted

    Raises
    ------
    ScanExcluded
        the geometry or the pixels are not those of a CT that can be scored
    ScanFailed
        a file cannot be parsed, or changed since its header was read
    ResourceError
        a file cannot be read, or memory does not suffice
    """
    stack = arrange(slices_of(scan), rules)
    geometry = stack.geometry
    words = allocate_words(geometry.shape)
    n_cleared = read_pixels(stack.slices, words)
    _check_twins(stack, words)
    stored = _stored(stack, words)
    counts = PixelCounts(len(stack.twins), n_cleared, darken_padding(stack.slices, stored))
    return Volume(
        stored=stored,
        rescale=Rescale(
            tuple(s.slope for s in stack.slices), tuple(s.intercept for s in stack.slices)
        ),
        geometry=geometry,
        sop_instance_uid=tuple(s.file.sop_instance_uid or "" for s in stack.slices),
        notes=volume_notes(scan, stack, counts, rules),
    )


def _check_twins(stack: Stack, words: Words) -> None:
    """Refuse slices at one place that differ; slices that do not were copied."""
    if not stack.twins:
        return
    scratch = np.empty_like(words[:1])
    for index, twin in stack.twins:
        kept = stack.slices[index]
        read_pixels([twin], scratch)
        same_scale = (twin.slope, twin.intercept) == (kept.slope, kept.intercept)
        if not same_scale or not np.array_equal(scratch[0], words[index]):
            raise ScanExcluded(
                "duplicate_slices",
                f"{kept.file.url} and {twin.file.url} lie at one place and differ",
            )


def _stored(stack: Stack, words: Words) -> Stored:
    signed = [_is_signed(one) for one in stack.slices]
    if not any(signed):
        return words
    stored = words.view(np.int16)
    for z, one in enumerate(stack.slices):
        if not signed[z] and stored[z].min() < 0:
            raise ScanExcluded(
                "unsupported_pixels",
                f"{one.file.url}: unsigned values above 32767 beside signed slices",
            )
    return stored


def _is_signed(one: Slice) -> bool:
    return one.file.pixel_representation == 1

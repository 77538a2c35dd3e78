"""The formats in which people keep masks: one file each, bytes to a label map."""

from __future__ import annotations

from calcarium.regions.formats.read import MASK_SUFFIXES, mask_stem, read_masks

__all__ = ["MASK_SUFFIXES", "mask_stem", "read_masks"]

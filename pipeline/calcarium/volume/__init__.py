"""Files to stored integers with their geometry and rescale."""

from __future__ import annotations

from calcarium.volume.codecs import CodecStatus, codecs
from calcarium.volume.load import load_volume
from calcarium.volume.model import Geometry, Rescale, Volume

__all__ = ["CodecStatus", "Geometry", "Rescale", "Volume", "codecs", "load_volume"]

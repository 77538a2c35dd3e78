"""Protocols: typed, documented, resolved and hashed.

A protocol file is TOML with the keys of :class:`~calcarium.config.protocol.Protocol`.
It may say ``extends = "gated"``, and a file with a ``[uses]`` table chooses one
protocol per class of scan (that is what ``auto`` does).
"""

from __future__ import annotations

from calcarium.config.load import Protocols, load_protocol, shipped_protocols
from calcarium.config.protocol import (
    Protocol,
    RegionRules,
    ScanClass,
    ScoringRules,
    SelectionRules,
    VolumeRules,
)

__all__ = [
    "Protocol",
    "Protocols",
    "RegionRules",
    "ScanClass",
    "ScoringRules",
    "SelectionRules",
    "VolumeRules",
    "load_protocol",
    "shipped_protocols",
]

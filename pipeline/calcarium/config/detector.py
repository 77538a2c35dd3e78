"""The keys of the embedded detector of coronary calcium."""

from __future__ import annotations

from calcarium.config.keys import Section


class DetectorRules(Section):
    """Thresholds of the embedded detector."""

"""The key of the effective dose."""

from __future__ import annotations

from calcarium.config.keys import Section, key


class DoseRules(Section):
    """From the dose length product to an effective dose; it changes no score."""

    msv_per_mgy_cm: float = key(
        0.014,
        "Effective dose per dose length product (k); it is written beside every dose.",
        unit="mSv/(mGy cm)",
        source="chest, adult: implied by Arcadi 2014 (1.6 mSv at 115.8 and 1.2 at 83.8 mGy cm)",
        ge=0,
    )

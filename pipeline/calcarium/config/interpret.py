"""The keys of what a score is said to mean."""

from __future__ import annotations

from typing import Literal, TypeAlias

from calcarium.config.keys import Section, key

Eligibility: TypeAlias = Literal[
    "age_low_yield",
    "age_most_informative",
    "age_high_ceiling",
    "age_guideline",
    "risk_intermediate",
    "risk_borderline_or_intermediate",
    "known_ascvd",
    "device_in_history",
    "symptomatic",
    "pregnant",
]


class InterpretRules(Section):
    """Which scans get a percentile, an arterial age and a risk; who is not scored at all."""

    reference_classes: tuple[Literal["gated", "nongated", "contrast"], ...] = key(
        ("gated",),
        "Classes of scan whose score is compared with the references, which were all made from "
        "gated scans without contrast: percentiles, arterial age, risk and guideline rules. "
        "Any other class than gated then carries a warning.",
        source="McClelland 2006, 2009, 2015 and Hoff 2001 used gated scans without contrast",
    )
    exclude_if: tuple[Eligibility, ...] = key(
        (),
        "Checks of eligibility that exclude a scan instead of marking it. A covariate that is "
        "unknown excludes nobody.",
    )

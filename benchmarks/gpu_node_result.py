"""The result as a file; and the rule that no figure of a GPU is in it without a GPU."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gpu_node_card import CARD_ONLY

OF_A_CARD = (*CARD_ONLY, "gpu_busy_share", "gpu_memory_mib")
PARTS = ("stages", "floors", "rivals", "throughput")


def result_name(card: dict[str, object] | None) -> str:
    """Name of the files: that of the card, or that there was none."""
    if card is None:
        return "gpu-node-no-gpu"
    return "gpu-node-" + re.sub(r"[^a-z0-9]+", "-", str(card["name"]).lower()).strip("-")


def write_result(result: dict[str, Any], path: Path) -> None:
    """Write JSON.

    Raises
    ------
    ValueError
        if there was no GPU and a figure of one is in it
    """
    if result["gpu"] is None and (found := sorted(set(_figures_of_a_card(result)))):
        raise ValueError(f"no GPU was measured, but the result holds: {', '.join(found)}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result, indent=1) + "\n")


def _figures_of_a_card(result: dict[str, Any]) -> Iterator[str]:
    for part in PARTS:
        for row in result[part]:
            if "cupy" in (way := f"{row.get('backend', '')}{row.get('way', '')}"):
                yield f"{part}: {way}"
            yield from (f"{part}: {key}" for key in OF_A_CARD if row.get(key) is not None)

"""Where the time of a study goes, stage by stage, in one process that has nothing else to do.

``python benchmarks/gpu_node_stages.py STUDY...`` prints one line of JSON.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Literal

from stages import STAGES, Clock, memory_bytes, stage_seconds


def study_stages(
    studies: list[Path], masks: str, backend: Literal["numpy", "cupy"]
) -> dict[str, float]:
    """Seconds per study by stage; the first study warms the process up and does not count."""
    from calcarium.config import load_protocol
    from calcarium.intake.index import build_index
    from calcarium.intake.select import select
    from calcarium.intake.studies import iter_studies
    from calcarium.regions.inputs import gather_inputs
    from calcarium_kernels import load

    protocols, inputs, kernels = load_protocol("auto"), gather_inputs(masks), load(backend)
    before = memory_bytes("VmRSS")
    with tempfile.TemporaryDirectory() as folder:
        build_index([str(studies[0])], Path(folder, "first"))
        clock = Clock()
        build_index([str(study) for study in studies[1:]], Path(folder, "others"))
        clock.lap("headers")
        indexed = [*iter_studies(Path(folder, "first")), *iter_studies(Path(folder, "others"))]
        chosen = [choice for study in indexed for choice in select(study, protocols).chosen]
    if len(chosen) != len(studies):
        raise RuntimeError(f"{len(studies)} studies, but {len(chosen)} scans were chosen")
    found = stage_seconds(chosen, protocols, inputs, kernels)
    found["headers"] = clock.laps["headers"] / (len(studies) - 1)
    stages = {f"{name}_s": found[name] for name in STAGES}
    return stages | {"peak_bytes_above_start": memory_bytes("VmHWM") - before}


def main() -> None:
    """Body of a fresh interpreter."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("studies", nargs="+", type=Path)
    parser.add_argument("--masks", default="")
    parser.add_argument("--backend", choices=("numpy", "cupy"), default="numpy")
    args = parser.parse_args()
    print(json.dumps([study_stages(args.studies, args.masks, args.backend)]))


if __name__ == "__main__":
    main()

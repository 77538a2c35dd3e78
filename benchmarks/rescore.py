"""Score a thousand phantom studies again from their kept voxels, beside scoring their DICOM.

    python benchmarks/rescore.py --studies 1000 --source masks --out benchmarks/results/rescore.json

A few thoraxes are drawn; each study is one of them under noise of its own. They are scored from
DICOM by the shipped rules, keeping voxels, and by others; then the first result is scored again by
the others, which must give the rows of the second. Rates are in processor time, of one core.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from calcarium.batch import rescore as rescoring
from calcarium.batch.options import RunOptions
from calcarium.batch.score import Request, score_archive
from calcarium.config import load_protocol
from calcarium.phantom.dicom import Encoding, SeriesUids, write_mask, write_series
from calcarium.phantom.header import Technique, invented_person
from calcarium.phantom.thorax import draw_thorax
from calcarium.tables.diff import diff
from calcarium.tables.read import open_results, read_table

BASE_HU = 100.0
NOISE_HU = 5.0
SHIPPED = "extends = 'auto'\n[region]\nsource = '{source}'\n"
OTHERS = """
[scoring]
conventions = ["literature", "fqm-siemens-matlab", "fqm-philips-matlab", "brainsia"]
primary_convention = "fqm-siemens-matlab"
lesion_link = 6
[detector.standing]
accepted = 0.9
"""


def write_studies(folder: Path, studies: int, thoraxes: int, matrix: int) -> int:
    """Write the studies and their masks; the uncompressed bytes of all pixels."""
    drawn = [draw_thorax(seed, gated=True, matrix=matrix) for seed in range(thoraxes)]
    n_bytes = 0
    for number in range(studies):
        thorax = drawn[number % thoraxes]
        noise = np.random.default_rng(number).standard_normal(thorax.scan.hu.shape, np.float32)
        scan = replace(thorax.scan, hu=thorax.scan.hu + NOISE_HU * noise)
        uids = SeriesUids.of(f"rescore-{number}")
        person = invented_person(number + 1, thorax.anatomy.sex, thorax.anatomy.age_years)
        technique = Technique(gated=True, convolution_kernel=thorax.plan.convolution_kernel)
        write_series(
            folder / f"dicom/{number:05d}", scan, uids, person, technique, Encoding("explicit")
        )
        write_mask(folder / "masks" / f"{uids.series}.nii.gz", scan.calcium, scan.grid)
        n_bytes += scan.hu.size * 2
    return n_bytes


def score(folder: Path, out: str, protocol: Path, source: str, base_hu: float | None) -> None:
    """Score the studies from their DICOM."""
    masks = str(folder / "masks") if source == "none" else ""
    score_archive(
        Request(
            (str(folder / "dicom"),),
            str(folder / out),
            load_protocol(str(protocol)),
            masks=masks,
            options=RunOptions(workers=2, voxels_base_hu=base_hu),
            quiet=True,
        )
    )


def measure(
    folder: Path, studies: int, thoraxes: int, matrix: int, source: str
) -> dict[str, float]:
    """Write, score twice, score again, compare."""
    n_bytes = write_studies(folder, studies, thoraxes, matrix)
    shipped, others = folder / "shipped.toml", folder / "others.toml"
    shipped.write_text(SHIPPED.format(source=source))
    others.write_text(SHIPPED.format(source=source) + OTHERS)
    score(folder, "kept", shipped, source, BASE_HU)
    score(folder, "scored", others, source, None)
    verified = Stopwatch()
    rescoring.verify = verified.timing(rescoring.verify)
    began = time.process_time()
    rescoring.rescore_folder(
        str(folder / "kept"), str(folder / "again"), load_protocol(str(others))
    )
    took = time.process_time() - began
    found = diff(open_results(str(folder / "again")), open_results(str(folder / "scored")))
    voxels = read_table(open_results(str(folder / "kept")), "voxels", ["packed"]).column(0)
    lesions = read_table(open_results(str(folder / "again")), "lesions", ["lesion_id"]).num_rows
    return {
        "studies": studies,
        "studies_per_s": studies / (took - verified.s),
        "studies_per_s_with_verify": studies / took,
        "lesions_per_study": lesions / studies,
        "studies_that_differ_from_dicom": len(found.studies),
        "kept_percent_of_pixel_bytes": 100 * sum(len(v.as_py()) for v in voxels) / n_bytes,
    }


class Stopwatch:
    """Processor time spent in a function."""

    def __init__(self) -> None:
        self.s = 0.0

    def timing(self, function):  # noqa: ANN001, ANN201 (any function)
        """The same function, timed."""

        def timed(*args: object) -> object:
            began = time.process_time()
            try:
                return function(*args)
            finally:
                self.s += time.process_time() - began

        return timed


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=1000)
    parser.add_argument("--thoraxes", type=int, default=8)
    parser.add_argument("--matrix", type=int, default=256)
    parser.add_argument("--source", choices=("detector", "masks"), default="detector")
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    source = {"masks": "none"}.get(asked.source, asked.source)
    with tempfile.TemporaryDirectory() as folder:
        found = measure(Path(folder), asked.studies, asked.thoraxes, asked.matrix, source)
    text = json.dumps({"source": asked.source, "matrix": asked.matrix} | found, indent=2)
    print(text)
    if asked.out:
        asked.out.write_text(text + "\n")


if __name__ == "__main__":
    main()

"""Score a thousand phantom studies again from their kept voxels, beside scoring their DICOM.

    python benchmarks/rescore.py --studies 1000 --out benchmarks/results/rescore.json

A few phantoms of each class are drawn, with the noise of patients, and scored from DICOM once by
the shipped rules, keeping voxels, and once by others. Each then stands for many patients: its rows
and its voxels are registered under other UIDs until there are as many studies as asked for. Every
one of these is scored again by the other rules, from its own bytes and with nothing kept between
studies, and must give the rows that its DICOM gave. Rates are in processor time: of one core.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import tempfile
import time
from pathlib import Path

from rescore_archive import register, share_kept

from calcarium.batch import rescore as rescoring
from calcarium.batch.options import RunOptions
from calcarium.batch.score import Request, score_archive
from calcarium.config import load_protocol
from calcarium.phantom.registry import write_registry
from calcarium.phantom.study import StudyOrder
from calcarium.tables.diff import diff
from calcarium.tables.read import open_results, read_table

BASE_HU = 100.0
VERIFY = rescoring.verify
SOURCES = {"masks": "none", "detector": "detector"}
SHIPPED = "extends = 'auto'\n[region]\nsource = '{source}'\n"
CONVENTIONS = ("fqm-siemens-matlab", "literature", "fqm-philips-matlab", "brainsia")
OTHERS = """
[scoring]
conventions = {conventions}
primary_convention = "fqm-siemens-matlab"
lesion_link = 6
[detector.standing]
accepted = 0.9
"""


def draw(folder: Path, distinct: int, *, gated: bool) -> None:
    """Write phantoms of one class, three of four with calcium, and their masks.

    They take seconds each, so those of an earlier run are taken.
    """
    if (folder / "truth" / "studies.csv").exists():
        return
    first = 100 if gated else 500
    orders = [
        StudyOrder(number, first + number, gated=gated, calcified=number % 4 > 0)
        for number in range(distinct)
    ]
    shutil.rmtree(folder, ignore_errors=True)
    write_registry(folder, orders, workers=1)


def score(phantoms: Path, out: Path, rules: str, source: str, base_hu: float | None) -> None:
    """Score the phantoms from their DICOM."""
    protocol = out.with_suffix(".toml")
    protocol.write_text(rules)
    masks = str(phantoms / "masks") if source == "masks" else ""
    score_archive(
        Request(
            (str(phantoms / "dicom"),),
            str(out),
            load_protocol(str(protocol)),
            masks=masks,
            options=RunOptions(workers=1, voxels_base_hu=base_hu),
            quiet=True,
        )
    )


def measure(
    phantoms: Path, folder: Path, studies: int, source: str, n_conventions: int
) -> dict[str, object]:
    """Score the phantoms twice, register them as patients, score those again, compare."""
    kept, scored = folder / "kept", folder / "scored"
    shipped = SHIPPED.format(source=SOURCES[source])
    others = OTHERS.format(conventions=json.dumps(CONVENTIONS[:n_conventions]))
    score(phantoms, kept, shipped, source, BASE_HU)
    score(phantoms, scored, shipped + others, source, None)
    distinct = register(kept, folder / "kept-many", studies)
    register(scored, folder / "scored-many", studies)
    verifying = Stopwatch()
    rescoring.verify = verifying.timing(VERIFY)
    load_1_min = os.getloadavg()[0]
    began = time.process_time()
    rescoring.rescore_folder(
        str(folder / "kept-many"),
        str(folder / "again"),
        load_protocol(str(folder / "scored.toml")),
    )
    took = time.process_time() - began
    again = open_results(str(folder / "again"))
    found = diff(again, open_results(str(folder / "scored-many")))
    return {
        "studies": studies,
        "distinct_phantoms": distinct,
        "conventions": n_conventions,
        "studies_per_s": studies / (took - verifying.s),
        "studies_per_s_with_verify": studies / took,
        "studies_that_differ_from_dicom": len(found.studies),
        "lesions_per_study": read_table(again, "lesions", ["lesion_id"]).num_rows / studies,
        "kept_percent_of_pixel_bytes": 100 * share_kept(kept, phantoms / "dicom"),
        "load_1_min": load_1_min,
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
    parser.add_argument("--studies", type=int, default=1000, help="of each class and source")
    parser.add_argument("--distinct", type=int, default=12, help="phantoms drawn of each class")
    parser.add_argument(
        "--conventions", type=int, default=1, choices=range(1, 5), help="scored again by"
    )
    parser.add_argument("--phantoms", type=Path, help="folder that they are kept in")
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    found = []
    for scan_class in ("gated", "nongated"):
        with tempfile.TemporaryDirectory() as work:
            phantoms = (asked.phantoms or Path(work)) / scan_class
            draw(phantoms, asked.distinct, gated=scan_class == "gated")
            for source in SOURCES:
                folder = Path(work) / source
                folder.mkdir()
                row: dict[str, object] = {"scan_class": scan_class, "source": source}
                found.append(
                    row | measure(phantoms, folder, asked.studies, source, asked.conventions)
                )
                print(json.dumps(found[-1]), flush=True)
    if asked.out:
        asked.out.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()

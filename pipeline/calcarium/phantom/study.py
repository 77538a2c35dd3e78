"""One synthetic study: drawn, scanned, written, and its truth in a record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from calcarium.phantom.contrast import Bolus
from calcarium.phantom.dicom import Encoding, SeriesUids, write_mask, write_series
from calcarium.phantom.geometric import default_grid, default_objects, geometric_scan
from calcarium.phantom.header import Person, Technique, invented_person
from calcarium.phantom.model import Distractor, Grid, PhantomScan, Plaque
from calcarium.phantom.plaques import PlaqueStyle
from calcarium.phantom.qrm import qrm_scan
from calcarium.phantom.thorax import draw_thorax
from calcarium.phantom.truth import VesselTruth, score_by_definition

Kind: TypeAlias = Literal["thorax", "geometric", "qrm"]
AGENT = "Iodine that was never given"


@dataclass(frozen=True)
class StudyOrder:
    """What to make: everything that decides one scan of a study.

    Attributes
    ----------
    number : tells studies of one registry apart; names its folder
    seed : decides anatomy, scan, calcium and noise
    calcified : None lets the seed decide
    bolus : contrast agent; the same order without it is the same person's plain scan
    """

    number: int
    seed: int
    kind: Kind = "thorax"
    gated: bool = True
    syntax: str = "explicit"
    matrix: int = 512
    distractors: bool = True
    calcified: bool | None = None
    bolus: Bolus | None = None
    plaques: PlaqueStyle = "natural"


@dataclass(frozen=True)
class StudyTruth:
    """What is true about one written scan.

    Attributes
    ----------
    folder : relative to the folder of the registry
    vessel_labels : values of the mask by vessel
    ideal : score by artery and in total of an ideal scorer on the written pixels; empty with
        contrast, where 130 HU would count the lumen
    """

    order: StudyOrder
    uids: SeriesUids
    folder: str
    person: Person
    technique: Technique
    grid: Grid
    plaques: tuple[Plaque, ...]
    distractors: tuple[Distractor, ...]
    vessel_labels: Mapping[str, int]
    ideal: dict[str, VesselTruth]


def write_study(out: Path, order: StudyOrder) -> StudyTruth:
    """Draw a scan and write its files.

    ``out/dicom/<number>/`` holds the slices (``contrast/`` in it those with an agent),
    ``out/masks/<SeriesInstanceUID>.nii.gz`` the coronary calcium;
    ``out/truth/{labels,heart,aorta}/`` the other maps under the same name.
    """
    scan, person, technique = _drawn(order)
    encoding = Encoding(order.syntax)
    series = "contrast" if order.bolus else "1"
    uids = SeriesUids.of(f"{order.kind}-{order.number}-{order.seed}", series)
    folder = f"dicom/{order.number:05d}" + ("/contrast" if order.bolus else "")
    write_series(out / folder, scan, uids, person, technique, encoding)
    name = f"{uids.series}.nii.gz"
    write_mask(out / "masks" / name, scan.calcium, scan.grid)
    for part, labels in (
        ("labels", scan.truth_labels),
        ("heart", scan.heart),
        ("aorta", scan.aorta),
    ):
        if labels is not None:
            write_mask(out / "truth" / part / name, labels, scan.grid)
    ideal = {}
    if not order.bolus:
        ideal = score_by_definition(
            encoding.readable_hu(scan.hu), scan.calcium, scan.grid, scan.vessel_labels
        )
    return StudyTruth(
        order,
        uids,
        folder,
        person,
        technique,
        scan.grid,
        scan.plaques,
        scan.distractors,
        scan.vessel_labels,
        ideal,
    )


def _drawn(order: StudyOrder) -> tuple[PhantomScan, Person, Technique]:
    if order.kind == "thorax":
        thorax = draw_thorax(
            order.seed,
            gated=order.gated,
            matrix=order.matrix,
            calcified=order.calcified,
            distractors=order.distractors,
            bolus=order.bolus,
            plaques=order.plaques,
        )
        person = invented_person(order.number, thorax.anatomy.sex, thorax.anatomy.age_years)
        technique = Technique(
            order.gated,
            convolution_kernel=thorax.plan.convolution_kernel,
            contrast_agent=AGENT if order.bolus else "",
        )
        return thorax.scan, person, technique
    person = invented_person(order.number)
    if order.kind == "qrm":
        return qrm_scan(order.seed, matrix=order.matrix), person, Technique(gated=True)
    return geometric_scan(default_grid(), default_objects()), person, Technique(gated=True)

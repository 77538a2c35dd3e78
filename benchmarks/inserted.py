"""Plaques of known size put into a real scan, one at a time, and what the detector makes of them.

    python benchmarks/inserted.py --scan DICOM --places PLACES.csv --out findings/

PLACES has a line per place, ``x_mm,y_mm,z_mm,what`` in patient coordinates (LPS): points on
arteries (``RCA``), and points where calcium must not count (``aortic_wall``, ``pericardium``).
Each plaque is a ball, blurred as the scan is: by a Gaussian in plane, by the slice along the
body. It is judged as the only calcium of the scan (``counts alone``) and as if other calcium
counted, though not near by. Chest, heart and aorta are found once: a plaque does not move them.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from itertools import groupby, product
from pathlib import Path

import click
import numpy as np
from detection_tables import write_csv
from numpy.typing import NDArray
from rich.progress import track

from calcarium.config import Protocols, load_protocol
from calcarium.config.detector import DetectorRules
from calcarium.errors import CalciumError, UsageError
from calcarium.intake.index import build_index
from calcarium.intake.select import select
from calcarium.intake.studies import iter_studies
from calcarium.phantom.deposits import MASS_FACTOR, TISSUE_HU, Deposit, add_deposit
from calcarium.phantom.model import Grid
from calcarium.phantom.shapes import Ellipsoid
from calcarium.regions.anatomy.given import Anatomy
from calcarium.regions.anatomy.landmarks import Landmarks, find_landmarks
from calcarium.regions.anatomy.noise import measure_noise
from calcarium.regions.boxes import to_voxel
from calcarium.regions.detector.candidates import find_candidates
from calcarium.regions.detector.decide import decide, judge
from calcarium.regions.detector.detect import refuse_unscorable
from calcarium.regions.detector.places import find_places
from calcarium.regions.model import COUNTED
from calcarium.table_file import read_table_file
from calcarium.volume import load_volume
from calcarium.volume.model import Float64, Volume
from calcarium_kernels import load

Index = tuple[NDArray[np.intp], ...]
RADII_MM, MATERIALS_HU = (1.0, 1.5, 1.8, 2.5), (300.0, 600.0, 900.0)
PSF_SIGMA_MM = 0.5  # a soft kernel
MOST_OLD_SHARE = 0.2  # of bright voxels that were bright before: noise


@dataclass(frozen=True)
class Place:
    """A point of a scan, in patient LPS millimetres, and what lies there."""

    x_mm: float
    y_mm: float
    z_mm: float
    what: str


@dataclass(frozen=True)
class Plaque:
    """A ball of calcium before any blur."""

    radius_mm: float
    material_hu: float


@dataclass(frozen=True)
class Blur:
    """How the scanner saw: a Gaussian in plane, a box along the body."""

    psf_sigma_mm: float
    thickness_mm: float


@dataclass(frozen=True)
class Insertion:
    """What the detector made of one plaque; the fields are the columns of ``insertions.csv``.

    Attributes
    ----------
    standing : if other calcium counts; ``faint`` if it is too dark or too small for a candidate,
        ``outside`` if it is not in the heart's region, ``joined`` if it hangs together with
        calcium that was there before
    rule : what spoke most against it, or kept it from counting alone
    counts_alone : whether the score has it if it is the only calcium
    """

    what: str
    x_mm: float
    y_mm: float
    z_mm: float
    radius_mm: float
    material_hu: float
    standing: str
    rule: str = ""
    counts_alone: bool = False
    confidence: float = 0.0
    agatston: float = 0.0


@dataclass(frozen=True)
class Host:
    """A scan that plaques are put into, and what of it they do not change."""

    volume: Volume
    blur: Blur
    rules: DetectorRules
    landmarks: Landmarks
    noise: Float64

    @classmethod
    def of(cls, volume: Volume, blur: Blur, rules: DetectorRules) -> Host:
        """Find the anatomy of a scan.

        Raises
        ------
        ScanExcluded
            if the detector would not score it
        """
        landmarks = find_landmarks(volume, rules, load("numpy"), Anatomy())
        refuse_unscorable(landmarks, rules.heart)
        noise = measure_noise(volume, landmarks.thorax.grid, landmarks.heart.mask).hu
        return cls(volume, blur, rules, landmarks, noise)


def insert(host: Host, place: Place, plaque: Plaque) -> Insertion:
    """Put one plaque into the scan and judge what it became."""
    blank = Insertion(**asdict(place), **asdict(plaque), standing="faint")
    volume, seen = with_plaque(host.volume, host.blur, place, plaque)
    grid, heart = host.landmarks.thorax.grid, host.landmarks.heart.mask
    every = find_candidates(volume, grid, heart, host.rules.candidate)
    own = every.keep(every.mean(seen[every.z, every.y, every.x]) > 0)
    if not len(own):
        bright = _hu(volume, np.nonzero(seen)) >= host.rules.candidate.threshold_hu
        large = bright.sum() * volume.geometry.pixel_area_mm2 >= host.rules.candidate.least_area_mm2
        return replace(blank, standing="outside" if large else "faint")
    old = _hu(host.volume, (own.z, own.y, own.x)) >= host.rules.candidate.threshold_hu
    if old.mean() > MOST_OLD_SHARE:
        return replace(blank, standing="joined")
    places = find_places(volume, own, host.landmarks, host.noise)
    _, alone = judge(volume, own, places, host.landmarks, host.rules)
    standing = host.rules.standing.model_copy(update={"lone_agatston": 0.0})
    beside = decide(alone.confidence, alone.rejected_by, places.agatston, standing)
    i = int(places.agatston.argmax())
    return replace(
        blank,
        standing=beside.standing[i],
        rule=alone.rejected_by[i],
        counts_alone=alone.standing[i] in COUNTED,
        confidence=float(alone.confidence[i]),
        agatston=float(places.agatston[i]),
    )


def with_plaque(
    volume: Volume, blur: Blur, place: Place, plaque: Plaque
) -> tuple[Volume, NDArray[np.bool_]]:
    """The scan with a plaque in place of what was there, and the voxels where it can be seen."""
    geometry = volume.geometry
    spacing = np.array(geometry.spacing_zyx_mm)
    at = to_voxel(geometry, np.array([[place.x_mm, place.y_mm, place.z_mm]]))[0]
    if not ((at >= (0, 1, 1)) & (at <= np.array(geometry.shape) - (1, 2, 2))).all():
        where = f"{place.x_mm:g}, {place.y_mm:g}, {place.z_mm:g} mm"
        raise UsageError(f"{place.what} at {where} does not lie in the scan")
    across = 5 * blur.psf_sigma_mm + 1  # as far as a deposit reaches
    reach = plaque.radius_mm + np.array([blur.thickness_mm / 2 + 1.5, across, across])
    first = np.maximum(np.floor(at - reach / spacing), 0).astype(int)
    last = np.minimum(np.ceil(at + reach / spacing) + 1, geometry.shape).astype(int)
    z, y, x = (slice(int(a), int(b)) for a, b in zip(first, last, strict=True))
    hu = volume.hu((z, y, x))
    grid = Grid(hu.shape, (0.0, 0.0, 0.0), *geometry.spacing_zyx_mm, blur.thickness_mm)
    centre = ((at - first) * spacing)[::-1]
    ball = Ellipsoid(centre, np.full(3, plaque.radius_mm))
    k, row, column = np.rint(at - first).astype(int)
    before_hu = hu[k, row - 1 : row + 2, column - 1 : column + 2].mean()
    labels = np.zeros(hu.shape, dtype=np.uint8)
    deposit = Deposit(place.what, 1, ball, (plaque.material_hu - TISSUE_HU) * MASS_FACTOR)
    excess = np.float32(before_hu - TISSUE_HU)
    add_deposit(hu, labels, grid, deposit, blur.psf_sigma_mm, lambda _: excess)
    stored = volume.stored.copy()
    slope, intercept = (
        a[z, None, None] for a in (volume.rescale.slopes, volume.rescale.intercepts)
    )
    stored[z, y, x] = np.rint((hu - intercept) / slope)
    seen = np.zeros(stored.shape, bool)
    seen[z, y, x] = labels > 0
    return replace(volume, stored=stored), seen


def _hu(volume: Volume, at: Index) -> Float64:
    """Of single voxels."""
    return volume.stored[at] * volume.rescale.slopes[at[0]] + volume.rescale.intercepts[at[0]]


def read_places(path: Path) -> list[Place]:
    """Places of a CSV file.

    Raises
    ------
    UsageError
        if there are none, or a column is missing or no number
    """
    columns = read_table_file(str(path)).columns
    try:
        cells = [columns[name] for name in ("x_mm", "y_mm", "z_mm", "what")]
        places = [
            Place(float(x), float(y), float(z), what) for x, y, z, what in zip(*cells, strict=True)
        ]
    except (KeyError, ValueError) as error:
        raise UsageError(f"{path}: needs columns x_mm, y_mm, z_mm, what ({error})") from error
    if not places:
        raise UsageError(f"{path}: no places")
    return places


STANDINGS = ("accepted", "doubtful", "possible", "rejected", "outside", "faint", "joined")


def summarise(found: Iterable[Insertion]) -> Iterator[dict[str, object]]:
    """One row per kind of place and radius; the rules are those against what does not count."""

    def key(one: Insertion) -> tuple[str, float]:
        return one.what, one.radius_mm

    for (what, radius_mm), group in groupby(sorted(found, key=key), key):
        same = list(group)
        standings = Counter(one.standing for one in same)
        rules = Counter(one.rule for one in same if one.rule)
        yield {
            "what": what,
            "radius_mm": radius_mm,
            "plaques": len(same),
            **{name: standings[name] for name in STANDINGS},
            "counts_alone": sum(one.counts_alone for one in same),
            "rules": ", ".join(f"{name} {n}" for name, n in rules.most_common()),
        }


def markdown_of(rows: list[dict[str, object]]) -> str:
    """Rows of a summary for a page."""
    head, *body = [[*rows[0]], *([str(cell) for cell in row.values()] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in (head, ["---"] * len(head), *body))


def host_of(scan: Path, protocols: Protocols, psf_sigma_mm: float) -> Host:
    """The scan of a folder that would be scored.

    Raises
    ------
    UsageError
        if there is none, or more than one study
    ScanExcluded, ScanFailed
        if its pixels cannot be read, or the detector would not score it
    """
    with tempfile.TemporaryDirectory() as index:
        build_index([str(scan)], Path(index))
        selections = [select(study, protocols) for study in iter_studies(Path(index))]
    chosen = [selection.chosen[0] for selection in selections if selection.chosen]
    if len(chosen) != 1:
        raise UsageError(f"{scan}: {len(chosen)} studies to score, not one")
    protocol = protocols.by_class[chosen[0].scan_class]
    volume = load_volume(chosen[0].scan, protocol.volume)
    thickness_mm = chosen[0].scan.acquisition.slice_thickness_mm
    blur = Blur(psf_sigma_mm, thickness_mm or volume.geometry.slice_increment_mm)
    return Host.of(volume, blur, protocol.detector)


File = click.Path(exists=True, path_type=Path)


@click.command()
@click.option("--scan", type=File, required=True, help="A folder of DICOM.")
@click.option("--places", type=File, required=True, help="x_mm,y_mm,z_mm,what")
@click.option("--radius-mm", multiple=True, default=RADII_MM, show_default=True)
@click.option("--material-hu", multiple=True, default=MATERIALS_HU, show_default=True)
@click.option("--psf-sigma-mm", default=PSF_SIGMA_MM, show_default=True, help="In-plane blur.")
@click.option("--protocol", default="auto", show_default=True)
@click.option("--out", type=click.Path(path_type=Path), help="Folder for the tables.")
def main(
    scan: Path,
    places: Path,
    radius_mm: tuple[float, ...],
    material_hu: tuple[float, ...],
    psf_sigma_mm: float,
    protocol: str,
    out: Path | None,
) -> None:
    """Put plaques into a scan and count what the embedded detector makes of them."""
    try:
        where = read_places(places)
        host = host_of(scan, load_protocol(protocol), psf_sigma_mm)
        plaques = [Plaque(radius, hu) for radius, hu in product(radius_mm, material_hu)]
        found = [insert(host, *one) for one in track(list(product(where, plaques)), "plaques")]
    except CalciumError as error:
        raise click.ClickException(str(error)) from error
    summary = markdown_of(list(summarise(found)))
    click.echo(summary)
    if out:
        out.mkdir(parents=True, exist_ok=True)
        write_csv(out / "insertions.csv", map(asdict, found))
        (out / "summary.md").write_text(summary, encoding="utf-8")


if __name__ == "__main__":
    main()

"""How well calcium is measured on contrast CT, plaque by plaque, on scans whose calcium is known.

    calcarium phantom --out SET --studies 15 --seed 8001 --contrast only --plaques apart
    python benchmarks/contrast.py --phantom SET --out findings/

Prints what `docs/contrast.md` tells: of the plaques that can be seen above the lumen, how many
were measured how well; what was counted that is no coronary calcium; and how far the measured
blood is from the drawn one. ``plaques.csv`` has every plaque, ``scans.csv`` what was counted
falsely on each scan.

Volume is that of the body as drawn. A plaque is asked for if 10 mm3 of its picture, blurred and
without noise, reach the scan's threshold, whatever the size of its body. A second count is of
bodies of 10 mm3 whose material reaches it, however little of them the blur leaves above.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import click
import numpy as np
from detection_tables import write_csv
from labelled_sets import KINDS, LabelledScan, LabelledSet, labelled_scans
from lesion_matching import UNLABELLED
from numpy.typing import NDArray
from rich.progress import track
from scipy import ndimage
from scipy.spatial import KDTree
from stress import LabelledVolume, all_hu

from calcarium.config import load_protocol
from calcarium.errors import CalciumError, ScanExcluded, UsageError
from calcarium.phantom.deposits import PICTURE_MM3 as LEAST_MM3
from calcarium.regions.anatomy.given import Anatomy
from calcarium.regions.boxes import to_voxel
from calcarium.regions.contrast import detect_above_blood
from calcarium.regions.model import Region
from calcarium.scoring.measure import counts_in
from calcarium.table_file import read_table_file
from calcarium_kernels import load

WITHIN = 0.25
BELONGS_MM = 3.0  # plaques lie twice as far apart
TOUCHING = np.ones((3, 3, 3), dtype=bool)


@dataclass(frozen=True)
class MeasuredPlaque:
    """One plaque as drawn, and what was counted of it.

    Attributes
    ----------
    above_blood_hu : its material's HU without blur, less those of the drawn left heart
    is_above : whether 10 mm3 of its picture without noise reach the threshold
    material_is_above : whether its material does
    rejected_by : where nothing was counted, the rules that rejected what lies there
    """

    scan: str
    artery: str
    above_blood_hu: float
    is_above: bool
    material_is_above: bool
    true_mm3: float
    counted_mm3: float
    rejected_by: str

    @property
    def is_missed(self) -> bool:
        """Nothing of it was counted."""
        return self.counted_mm3 == 0

    @property
    def ratio(self) -> float:
        """Counted by true volume."""
        return self.counted_mm3 / self.true_mm3

    @property
    def is_close(self) -> bool:
        """Within a quarter of its volume."""
        return abs(self.ratio - 1) <= WITHIN


@dataclass(frozen=True)
class MeasuredScan:
    """One scan; ``excluded`` is the reason for which it has no plaques."""

    scan: str
    drawn_blood_hu: float
    blood_hu: float
    excluded: str = ""
    plaques: tuple[MeasuredPlaque, ...] = ()
    false_mm3: tuple[tuple[str, float], ...] = ()


def evaluate(scan: LabelledScan, truth: Truth) -> MeasuredScan:
    """Measure one scan by the rules of its protocol."""
    series = Path(scan.mask).name.removesuffix(".nii.gz")
    blank = MeasuredScan(series[-8:], float(truth.studies[series]["left_heart_hu"]), np.nan)
    labelled, _ = scan.read()
    try:
        region = detect_above_blood(labelled.volume, scan.protocol, load("numpy"), Anatomy())
    except ScanExcluded as error:
        return replace(blank, excluded=error.reason)
    (pool,) = (row.value for row in region.quality if row.check == "blood_pool")
    plaques, false = matched(labelled, region, truth.plaques[series], blank)
    return replace(blank, blood_hu=pool, plaques=tuple(plaques), false_mm3=tuple(false.items()))


@dataclass(frozen=True)
class Truth:
    """The tables of a phantom set, by series."""

    studies: dict[str, dict[str, str]]
    plaques: dict[str, list[dict[str, str]]]

    @classmethod
    def of(cls, folder: Path) -> Truth:
        """Read ``truth/`` of a set."""
        studies = {row["series_instance_uid"]: row for row in _rows(folder / "studies.csv")}
        plaques = defaultdict(list)
        for row in _rows(folder / "plaques.csv"):
            if "hu_of_10_mm3" not in row:
                raise UsageError(f"{folder}: drawn by an older version; draw it again")
            plaques[row["series_instance_uid"]].append(row)
        return cls(studies, plaques)


def _rows(path: Path) -> list[dict[str, str]]:
    columns = read_table_file(str(path)).columns
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def matched(
    scan: LabelledVolume, region: Region, drawn: Sequence[dict[str, str]], blank: MeasuredScan
) -> tuple[list[MeasuredPlaque], Counter[str]]:
    """Counted voxels go to the plaque they lie at; of the others the kind is told."""
    hu, values = all_hu(scan.volume), np.zeros(scan.calcium.shape, dtype=np.uint16)
    assert region.labels is not None
    values[region.box.slices] = region.labels
    counted = np.argwhere(counts_in(region, values) & (hu >= (region.floor_hu or -np.inf)))
    bodies, _ = ndimage.label(scan.calcium > 0, TOUCHING)
    spacing = np.array(scan.volume.geometry.spacing_zyx_mm)
    _, body_of_plaque = _nearest_body(bodies, _index(scan, drawn), spacing)
    away_mm, body_of_voxel = _nearest_body(bodies, counted, spacing)
    kind = scan.other[tuple(counted.T)]
    belongs = (away_mm <= BELONGS_MM) & ~np.isin(kind, list(KINDS))
    voxel_mm3 = scan.volume.geometry.voxel_mm3
    plaques = []
    for body in np.unique(body_of_plaque):
        parts = [row for row, b in zip(drawn, body_of_plaque, strict=True) if b == body]
        n = int((belongs & (body_of_voxel == body)).sum())
        there = [region.meaning[v] for v in np.unique(values[bodies == body]) if v]
        why = "" if n else " ".join(sorted({label.rejected_by for label in there}))
        plaques.append(_measured(parts, n * voxel_mm3, why, region, blank))
    false = Counter(_kind(scan, tuple(at)) for at in counted[~belongs])
    return plaques, Counter({name: n * voxel_mm3 for name, n in false.items()})


def _measured(
    parts: Sequence[dict[str, str]],
    counted_mm3: float,
    rejected_by: str,
    region: Region,
    blank: MeasuredScan,
) -> MeasuredPlaque:
    """A plaque; those whose pictures touch are one."""
    material_hu = max(float(row["peak_hu"]) for row in parts)
    threshold_hu = region.threshold_hu or 0
    return MeasuredPlaque(
        blank.scan,
        " ".join(sorted({row["vessel"] for row in parts})),
        material_hu - blank.drawn_blood_hu,
        any(float(row["hu_of_10_mm3"]) >= threshold_hu for row in parts),
        material_hu >= threshold_hu,
        sum(float(row["volume_mm3"]) for row in parts),
        counted_mm3,
        rejected_by,
    )


def _index(scan: LabelledVolume, drawn: Sequence[dict[str, str]]) -> NDArray[np.float64]:
    """Fractional voxel index of each plaque's centre."""
    centre = np.array([[float(row[f"{axis}_mm"]) for axis in "xyz"] for row in drawn])
    return to_voxel(scan.volume.geometry, centre.reshape(-1, 3))


def _nearest_body(
    bodies: NDArray[np.int32],
    wanted: NDArray[np.int64] | NDArray[np.float64],
    spacing: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """Distance in mm from voxels to the nearest body, and its number."""
    inside = np.argwhere(bodies > 0)
    if not len(inside):
        return np.full(len(wanted), np.inf), np.zeros(len(wanted), dtype=np.int32)
    away_mm, index = KDTree(inside * spacing).query(wanted * spacing)
    return np.asarray(away_mm), bodies[tuple(inside[index].T)]


def _kind(scan: LabelledVolume, at: tuple[int, ...]) -> str:
    """What lies at a voxel, or right beside it."""
    around = tuple(slice(max(0, i - 2), i + 3) for i in at)
    labels = [int(v) for v in scan.other[around].ravel() if int(v) in KINDS]
    return KINDS[Counter(labels).most_common(1)[0][0]] if labels else UNLABELLED


def summary(scans: Sequence[MeasuredScan]) -> Iterator[tuple[str, str]]:
    """The figures of the page, each with its name."""
    seen = [scan for scan in scans if not scan.excluded]
    every = [plaque for scan in seen for plaque in scan.plaques]
    wanted = [plaque for plaque in every if plaque.is_above]
    bodies = [p for p in every if p.material_is_above and p.true_mm3 >= LEAST_MM3]
    false: Counter[str] = Counter()
    for scan in seen:
        false.update(dict(scan.false_mm3))
    yield "scans", f"{len(scans)}"
    yield "excluded", ", ".join(scan.excluded for scan in scans if scan.excluded) or "none"
    yield f"plaques, {LEAST_MM3:g} mm3 above the lumen", f"{len(wanted)}"
    yield f"volume within {WITHIN:.0%}", f"{sum(p.is_close for p in wanted)}"
    yield "missed", f"{sum(p.is_missed for p in wanted)}"
    ratios = [p.ratio for p in wanted if not p.is_missed]
    if ratios:
        quantiles = " / ".join(f"{q:.2f}" for q in np.quantile(ratios, (0.05, 0.5, 0.95)))
        yield "counted / true, 5 / 50 / 95 %", quantiles
        total = sum(p.counted_mm3 for p in wanted) / sum(p.true_mm3 for p in wanted)
        yield "counted in all / true in all", f"{total:.2f}"
    yield f"bodies >= {LEAST_MM3:g} mm3 of brighter material", f"{len(bodies)}"
    yield f"of these within {WITHIN:.0%}", f"{sum(p.is_close for p in bodies)}"
    yield "of these missed", f"{sum(p.is_missed for p in bodies)}"
    told = ", ".join(f"{kind} {mm3:.0f} mm3" for kind, mm3 in sorted(false.items()))
    yield "counted, but no coronary calcium", told or "nothing"
    off = [abs(scan.blood_hu / scan.drawn_blood_hu - 1) for scan in seen]
    yield "blood off by at most", f"{max(off, default=np.nan):.1%}"


def _by_hand(scans: Sequence[MeasuredScan]) -> Iterator[str]:
    """The plaques that were not measured well, as rows of a page."""
    yield "| scan | artery | material - blood | true mm3 | counted |"
    yield "|---|---|---|---|---|"
    for scan in scans:
        for p in scan.plaques:
            if p.is_above and not p.is_close:
                counted = f"{p.counted_mm3:.1f} {p.rejected_by}".strip()
                above = f"{p.above_blood_hu:.0f} HU"
                yield f"| {p.scan} | {p.artery} | {above} | {p.true_mm3:.1f} | {counted} |"


def _scan_row(scan: MeasuredScan) -> dict[str, object]:
    """One scan without its plaques; what was counted falsely by kind."""
    false = " ".join(f"{kind}:{mm3:.1f}" for kind, mm3 in scan.false_mm3)
    row = {"scan": scan.scan, "drawn_blood_hu": scan.drawn_blood_hu, "blood_hu": scan.blood_hu}
    return row | {"excluded": scan.excluded, "n_plaques": len(scan.plaques), "false_mm3": false}


@click.command()
@click.option("--phantom", required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--protocol", default="cta", show_default=True)
@click.option("--out", type=click.Path(path_type=Path), help="Folder for the tables.")
def main(phantom: Path, protocol: str, out: Path | None) -> None:
    """Measure the plaques of a phantom set's contrast scans."""
    try:
        found = labelled_scans(LabelledSet.phantom(phantom), load_protocol(protocol), "all")
        truth = Truth.of(phantom / "truth")
    except CalciumError as error:
        raise click.ClickException(str(error)) from error
    wanted = [scan for scan in found if scan.choice.contrast == "yes"]
    scans = [evaluate(scan, truth) for scan in track(wanted, "scans")]
    for name, value in summary(scans):
        click.echo(f"| {name} | {value} |")
    click.echo("\n".join(["", *_by_hand(scans)]))
    if out:
        out.mkdir(parents=True, exist_ok=True)
        write_csv(out / "plaques.csv", (asdict(p) for scan in scans for p in scan.plaques))
        write_csv(out / "scans.csv", map(_scan_row, scans))
        (out / "summary.json").write_text(json.dumps(dict(summary(scans)), indent=1))


if __name__ == "__main__":
    main()

"""How well a plaque's edge on contrast CT is found, on many plaques of few hearts.

    python benchmarks/plaque_edge.py --hearts 40 --seed 890000

Hearts and arteries are those of the phantom. The blood is taken as drawn, and what reaches the
threshold at a plaque as found: only the edge is judged, ten times as fast as whole scans are by
``benchmarks/contrast.py``. A plaque is asked for as there; one that hangs together with blood as
bright, or leaves the view with it, is left out and counted. "Thin" are plaques of whose height
blur leaves less than 80 % even at their peak.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import hypot

import click
import numpy as np
from rich.progress import track
from scipy import ndimage

from calcarium.config.contrast import ContrastRules
from calcarium.phantom.anatomy import draw_anatomy
from calcarium.phantom.canvas import AXES
from calcarium.phantom.contrast import Blood, draw_bolus
from calcarium.phantom.coronaries import coronary_courses
from calcarium.phantom.deposits import MASS_FACTOR, PICTURE_MM3, Deposit, add_deposit
from calcarium.phantom.heart import Heart
from calcarium.phantom.model import Float32, Float64, Grid
from calcarium.phantom.noise import add_noise
from calcarium.phantom.plan import ScanPlan, draw_cta_plan
from calcarium.phantom.plaques import draw_apart
from calcarium.phantom.thorax import MATRIX, painted
from calcarium.phantom.vessels import GreatVessels
from calcarium.regions.anatomy.grid import Mask
from calcarium.regions.blood_pool import BloodPool
from calcarium.regions.plaque_edge import lesion_to_edge

WITHIN, THIN = 0.25, 0.8
AROUND_ARTERIES_MM, AROUND_PLAQUE_MM = 12.0, 6.0
LEAST_SIDE = 128  # pixels; noise of fewer has not its spectrum
LEAST_COVER = 0.3  # share of a voxel from which it is taken for the plaque
TOUCHING = np.ones((3, 3, 3), dtype=bool)
RULES = ContrastRules()


@dataclass(frozen=True)
class MeasuredEdge:
    """Volume as drawn and as counted (NaN: left out), and what blur leaves of the peak."""

    true_mm3: float
    counted_mm3: float
    left_of_height: float

    @property
    def ratio(self) -> float:
        """Counted by true volume."""
        return self.counted_mm3 / self.true_mm3


def edges_of_heart(seed: int, draws: int) -> Iterator[MeasuredEdge]:
    """The plaques of one heart, drawn anew several times, nine each time."""
    streams = [np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(8)]
    anatomy = draw_anatomy(streams[0])
    vessels = GreatVessels(Heart(anatomy))
    courses = coronary_courses(vessels, streams[1], streams[2])
    plan = draw_cta_plan(anatomy, streams[3], matrix=MATRIX)
    points = np.vstack(list(courses.values()))
    near = part_of_grid(plan.grid, points.min(0), points.max(0), AROUND_ARTERIES_MM)[1]
    plan = replace(plan, grid=near)
    canvas = painted(plan, vessels, courses, streams[4])
    blood = Blood(vessels, courses, canvas, draw_bolus(streams[5]))
    hu = canvas.seen_by(plan.grid, plan.psf_sigma_mm)
    blood.fill(hu, plan, streams[6])
    for _ in range(draws):
        for deposit in draw_apart(courses, streams[7]):
            found = measured(hu, plan, deposit, blood, streams[7])
            if found:
                yield found


def part_of_grid(
    grid: Grid, low: Float64, high: Float64, margin_mm: float
) -> tuple[tuple[slice, slice, slice], Grid]:
    """The voxels within a margin of a box of patient millimetres, and their grid."""
    axes = [grid.axis_mm(i) for i in AXES]
    ends = zip(axes, low[::-1] - margin_mm, high[::-1] + margin_mm, strict=True)
    z, y, x = (slice(*map(int, np.searchsorted(axis, both))) for axis, *both in ends)
    origin = (float(axes[2][x.start]), float(axes[1][y.start]), float(axes[0][z.start]))
    shape = (z.stop - z.start, y.stop - y.start, x.stop - x.start)
    return (z, y, x), replace(grid, shape=shape, origin_mm=origin)


def measured(
    clean_hu: Float32, plan: ScanPlan, deposit: Deposit, blood: Blood, rng: np.random.Generator
) -> MeasuredEdge | None:
    """One plaque in its surroundings; ``None`` where it is not asked for."""
    box, grid = part_of_grid(plan.grid, *deposit.solid.bounds(), AROUND_PLAQUE_MM)
    hu, nothing = clean_hu[box].copy(), np.zeros(grid.shape, np.float32)
    labels = np.zeros(grid.shape, np.uint8)
    built = add_deposit(hu, labels, grid, deposit, plan.psf_sigma_mm, blood.excess_hu)
    add_deposit(nothing, labels, grid, deposit, plan.psf_sigma_mm)
    cover = nothing * np.float32(MASS_FACTOR / deposit.density_mg_cm3)
    hu += noise_of(plan, grid, rng)
    sd_hu = hypot(plan.noise_sigma_hu, blood.bolus.grain_hu)
    pool = BloodPool(blood.bolus.left_hu, sd_hu, RULES.least_blood_voxels)
    threshold_hu = pool.threshold_hu(RULES)
    if not built.hu_of_10_mm3 >= threshold_hu:
        return None
    above, others = of_plaque(hu >= threshold_hu, cover)
    voxel_mm3 = float(np.prod(grid.spacing_zyx_mm))
    if above.sum() * voxel_mm3 > RULES.greatest_volume_mm3 or touches_border(above):
        return MeasuredEdge(built.volume_mm3, float("nan"), float(cover.max()))
    lesion = lesion_to_edge(hu, above, others, grid.spacing_zyx_mm, pool, RULES)
    return MeasuredEdge(built.volume_mm3, float(lesion.sum()) * voxel_mm3, float(cover.max()))


def noise_of(plan: ScanPlan, grid: Grid, rng: np.random.Generator) -> Float32:
    """Noise of a scan on a part of it."""
    n, rows, columns = grid.shape
    wide = replace(grid, shape=(n, max(rows, LEAST_SIDE), max(columns, LEAST_SIDE)))
    noise = np.zeros(wide.shape, np.float32)
    add_noise(noise, wide, plan.noise_sigma_hu, plan.noise_cutoff_per_mm, rng)
    return noise[:, :rows, :columns]


def of_plaque(bright: Mask, cover: Float32) -> tuple[Mask, Mask]:
    """The components that reach a threshold, at the plaque and elsewhere."""
    parts, _ = ndimage.label(bright, TOUCHING)
    mine = np.isin(parts, np.unique(parts[bright & (cover >= LEAST_COVER)])) & bright
    return mine, bright & ~mine


def touches_border(mask: Mask) -> bool:
    """Whether a mask goes on beyond what is in view."""
    return bool(mask.sum() > mask[1:-1, 1:-1, 1:-1].sum())


def told(name: str, found: Sequence[MeasuredEdge]) -> str:
    """A row of the page."""
    ratio = np.array([edge.ratio for edge in found])
    close = int((np.abs(ratio - 1) <= WITHIN).sum())
    low, middle, high = np.quantile(ratio, (0.05, 0.5, 0.95)) if len(ratio) else (np.nan,) * 3
    return f"| {name} | {close} of {len(ratio)} | {low:.2f} / {middle:.2f} / {high:.2f} |"


@click.command()
@click.option("--hearts", default=40, show_default=True)
@click.option("--draws", default=4, show_default=True, help="Of nine plaques, on each heart.")
@click.option("--seed", default=890000, show_default=True)
def main(hearts: int, draws: int, seed: int) -> None:
    """Measure plaques by the shipped rules, and print how many are within a quarter."""
    seeds = track(range(seed, seed + hearts), "hearts")
    asked = [edge for s in seeds for edge in edges_of_heart(s, draws)]
    found = [edge for edge in asked if not np.isnan(edge.counted_mm3)]
    thin = [edge for edge in found if edge.left_of_height < THIN]
    click.echo(f"| plaques | within {WITHIN:.0%} | counted / true, 5 / 50 / 95 % |\n|---|---|---|")
    click.echo(told("asked for and not left out", found))
    body = [edge for edge in found if edge.true_mm3 >= PICTURE_MM3]
    click.echo(told(f"of these, body >= {PICTURE_MM3:g} mm3", body))
    click.echo(told("thin", thin))
    click.echo(f"left out: {len(asked) - len(found)} of {len(asked)} asked for")


if __name__ == "__main__":
    main()

"""A synthetic thorax: one person, one scan, all that is true about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from calcarium.phantom.abdomen import paint_abdomen
from calcarium.phantom.anatomy import Anatomy, draw_anatomy
from calcarium.phantom.body import paint_table, paint_trunk
from calcarium.phantom.canvas import Canvas
from calcarium.phantom.contrast import Blood, Bolus
from calcarium.phantom.coronaries import coronary_courses, paint_coronaries
from calcarium.phantom.deposits import BuiltDeposit, Deposit, add_deposit
from calcarium.phantom.distractors import draw_distractors
from calcarium.phantom.heart import Heart, paint_heart
from calcarium.phantom.lungs import paint_airways, paint_lung_vessels
from calcarium.phantom.model import (
    Artery,
    Distractor,
    Float64,
    Grid,
    LabelMap,
    PhantomScan,
    Plaque,
    Point,
)
from calcarium.phantom.noise import add_noise
from calcarium.phantom.plan import ScanPlan, draw_cta_plan, draw_plan
from calcarium.phantom.plaques import (
    SHARE_WITHOUT_CALCIUM,
    PlaqueStyle,
    draw_apart,
    draw_plaques,
)
from calcarium.phantom.shapes import Shape, tube
from calcarium.phantom.skeleton import paint_skeleton
from calcarium.phantom.vessels import GreatVessels, paint_great_vessels, paint_mediastinal_fat

MATRIX = 512
MASK_STEP_MM = 2.0


@dataclass(frozen=True)
class Thorax:
    """A person, how they were scanned, and the scan."""

    anatomy: Anatomy
    plan: ScanPlan
    scan: PhantomScan


def draw_thorax(
    seed: int,
    *,
    gated: bool,
    matrix: int = MATRIX,
    calcified: bool | None = None,
    distractors: bool = True,
    noise: bool = True,
    bolus: Bolus | None = None,
    plaques: PlaqueStyle = "natural",
) -> Thorax:
    """The thorax of a seed; every part has its own stream of random numbers.

    Parameters
    ----------
    gated : a narrow scan of the heart, else the whole chest
    matrix : rows and columns
    calcified : whether there is coronary calcium; None lets the seed decide
    distractors, noise : switch these parts off
    bolus : contrast agent; a gated scan with it has thin slices
    plaques : as many as patients have, or nine that lie apart
    """
    streams = [np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(9)]
    anatomy = draw_anatomy(streams[0])
    if gated and bolus:
        plan = draw_cta_plan(anatomy, streams[1], matrix=matrix)
    else:
        plan = draw_plan(anatomy, streams[1], gated=gated, matrix=matrix)
    vessels = GreatVessels(Heart(anatomy))
    courses = coronary_courses(vessels, streams[2], streams[8])
    if calcified is None:
        calcified = bool(streams[3].random() >= SHARE_WITHOUT_CALCIUM)
    if calcified and plaques == "apart":
        deposits = draw_apart(courses, streams[3])
    else:
        deposits = draw_plaques(courses, streams[3], calcified=calcified)
    if distractors:
        deposits = deposits + draw_distractors(vessels, streams[4])
    canvas = painted(plan, vessels, courses, streams[5])
    blood = Blood(vessels, courses, canvas, bolus) if bolus else None
    scan = _scanned(canvas, plan, vessels, deposits, blood, streams[7])
    if noise:
        add_noise(scan.hu, scan.grid, plan.noise_sigma_hu, plan.noise_cutoff_per_mm, streams[6])
    return Thorax(anatomy, plan, replace(scan, grid=plan.grid_in_scanner()))


def painted(
    plan: ScanPlan,
    vessels: GreatVessels,
    courses: dict[Artery, Float64],
    rng: np.random.Generator,
) -> Canvas:
    """All tissues, from the skin inwards; what is painted later lies in front."""
    canvas = Canvas.over(plan.grid, plan.canvas_step_mm, rng)
    anatomy = vessels.heart.anatomy
    paint_trunk(canvas, anatomy)
    paint_lung_vessels(canvas, vessels, rng)
    paint_mediastinal_fat(canvas, vessels)
    paint_abdomen(canvas, vessels.heart)
    paint_heart(canvas, vessels.heart)
    paint_great_vessels(canvas, vessels)
    paint_coronaries(canvas, vessels, courses)
    paint_airways(canvas, vessels)
    paint_skeleton(canvas, anatomy)
    paint_table(canvas, anatomy)
    return canvas


def _scanned(
    canvas: Canvas,
    plan: ScanPlan,
    vessels: GreatVessels,
    deposits: list[Deposit],
    blood: Blood | None,
    rng: np.random.Generator,
) -> PhantomScan:
    """Tissue as the scanner sees it, with every deposit added; no noise yet."""
    grid = plan.grid
    hu = canvas.seen_by(grid, plan.psf_sigma_mm)
    labels = np.zeros(grid.shape, dtype=np.uint8)
    blur = float(np.hypot(plan.psf_sigma_mm, plan.motion_sigma_mm))
    if blood:
        blood.fill(hu, plan, rng)
    excess = blood.excess_hu if blood else None
    built = [add_deposit(hu, labels, grid, deposit, blur, excess) for deposit in deposits]
    shift = plan.table_shift_mm
    truth = np.where(labels == 0, canvas.labels_on(grid), labels)
    return PhantomScan(
        grid=grid,
        hu=hu,
        calcium=np.where(labels <= 4, labels, 0).astype(np.uint8),
        plaques=tuple(_plaque(item, shift) for item in built if item.deposit.vessel),
        distractors=tuple(_distractor(item, shift) for item in built if not item.deposit.vessel),
        truth_labels=truth.astype(np.uint8),
        heart=_mask(grid, [vessels.heart.pericardium]),
        aorta=_mask(grid, [p for v in vessels.aorta for p in tube(v.path, v.radii)]),
    )


def _mask(grid: Grid, solids: Sequence[Shape]) -> LabelMap:
    """Voxels inside any of the solids, to the nearest two millimetres."""
    marker = Canvas.over(grid, MASK_STEP_MM)
    marker.paint(solids, 0.0, label=1)
    return marker.labels_on(grid)


def _moved(point: Point, shift: Point) -> Point:
    x, y, z = np.round(np.add(point, shift), 3)
    return float(x), float(y), float(z)


def _plaque(built: BuiltDeposit, shift: Point) -> Plaque:
    return Plaque(
        built.deposit.vessel,
        _moved(built.centre_mm, shift),
        built.volume_mm3,
        built.mass_mg,
        built.deposit.density_mg_cm3,
        built.peak_hu,
        built.hu_of_10_mm3,
    )


def _distractor(built: BuiltDeposit, shift: Point) -> Distractor:
    return Distractor(
        built.deposit.kind,
        built.deposit.label,
        _moved(built.centre_mm, shift),
        built.volume_mm3,
        built.peak_hu,
    )

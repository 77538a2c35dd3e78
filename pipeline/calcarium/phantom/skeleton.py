"""Spine, ribs, costal cartilage, sternum, shoulder blades and collar bones."""

from __future__ import annotations

import numpy as np

from calcarium.phantom.anatomy import FIRST_THORACIC_Z_MM, VERTEBRA_PITCH_MM, Anatomy
from calcarium.phantom.canvas import Canvas
from calcarium.phantom.model import Float64
from calcarium.phantom.shapes import Capsule, Drum, Loft, smooth_path, tube

BONE_LABEL = 21
CORTEX_HU = 620.0
CARTILAGE_HU = 95.0


def paint_skeleton(canvas: Canvas, anatomy: Anatomy) -> None:
    """All bones, cortex first and marrow into it."""
    levels = range(-1, 15)
    for level in levels:
        _paint_disc(canvas, anatomy, level)
    for level in levels:
        _paint_arch(canvas, anatomy, vertebra_centre(anatomy, level), level)
    for level in levels:
        _paint_body(canvas, anatomy, level)
    for path in cartilage_paths(anatomy):
        canvas.paint(tube(path, 6.0), CARTILAGE_HU, grain_hu=12.0)
    for path in rib_paths(anatomy):
        canvas.paint(tube(path, [4.5, 6.2, 6.2, 5.5]), CORTEX_HU + 120, label=BONE_LABEL)
        canvas.paint(
            tube(path, [2.2, 3.6, 3.8, 3.2]),
            anatomy.marrow_hu - 25,
            grain_hu=90.0,
            label=BONE_LABEL,
        )
    _paint_sternum(canvas, anatomy)
    _paint_shoulder(canvas, anatomy)


def vertebra_centre(anatomy: Anatomy, level: int) -> Float64:
    """Middle of the body of thoracic vertebra ``level`` (0 is the first)."""
    z = anatomy.height_scale * (FIRST_THORACIC_Z_MM - VERTEBRA_PITCH_MM * level)
    x, y = anatomy.spine_front(z)
    return np.array([float(x), float(y) + vertebra_radii(anatomy, level)[1], z])


def vertebra_radii(anatomy: Anatomy, level: int) -> tuple[float, float]:
    """Half width and half depth of a vertebral body: growing downwards."""
    size = anatomy.depth_scale * (0.82 + 0.024 * level)
    return 17.0 * size, 14.5 * size


def _paint_disc(canvas: Canvas, anatomy: Anatomy, level: int) -> None:
    """The disc below a vertebra and the soft sleeve of both."""
    centre = vertebra_centre(anatomy, level)
    wide, deep = vertebra_radii(anatomy, level)
    pitch = anatomy.height_scale * VERTEBRA_PITCH_MM
    canvas.paint(Drum(centre, (wide + 3, deep + 2), pitch / 2 + 1), 30.0, grain_hu=14.0)
    disc = centre - [0, 0, pitch / 2]
    canvas.paint(Drum(disc, (wide * 0.98, deep * 0.98), 4.0), 85.0, grain_hu=10.0)


def _paint_body(canvas: Canvas, anatomy: Anatomy, level: int) -> None:
    """Cortex and end plates round trabecular bone."""
    radii = vertebra_radii(anatomy, level)
    centre, half = vertebra_centre(anatomy, level), anatomy.height_scale * 10.3
    canvas.paint(Drum(centre, radii, half), CORTEX_HU - 90, label=BONE_LABEL)
    inner = Drum(centre, (radii[0] - 1.4, radii[1] - 1.4), half - 0.7)
    canvas.paint(inner, anatomy.marrow_hu, grain_hu=70.0, label=BONE_LABEL)


def _paint_arch(canvas: Canvas, anatomy: Anatomy, centre: Float64, level: int) -> None:
    """Pedicles, laminae, transverse and spinous process, and the canal they enclose."""
    size = anatomy.depth_scale
    canal = centre + np.array([0, vertebra_radii(anatomy, level)[1] + 9 * size, 0])
    bone = CORTEX_HU - 130

    def bar(a: list[float], b: list[float], ra: float, rb: float, z: float = 0.0) -> None:
        start, stop = canal + np.array([*a, z]) * size, canal + np.array([*b, z - 3]) * size
        canvas.paint(Capsule(start, stop, ra, rb), bone, label=BONE_LABEL)
        canvas.paint(
            Capsule(start, stop, max(ra - 2.2, 0.5), max(rb - 2.2, 0.5)),
            anatomy.marrow_hu + 60,
            grain_hu=60.0,
            label=BONE_LABEL,
        )

    for side in (-1, 1):
        bar([side * 12, -9], [side * 13, 3], 4.5, 4.5, 4)
        bar([side * 13, 4], [side * 3, 14], 4.2, 4.0, 0)
        bar([side * 14, 4], [side * 33, 15], 4.5, 4.0, 4)
    bar([0, 15], [0, 38], 3.6, 3.0, -4)
    spacing = anatomy.height_scale * VERTEBRA_PITCH_MM / 2 + 1
    tunnel = Capsule(
        canal - [0, 0, spacing], canal + np.array([0, 0, spacing]), 9.0 * size, 9.0 * size
    )
    canvas.paint(tunnel, 22.0)
    cord = Capsule(canal - [0, 0, spacing], canal + np.array([0, 0, spacing]), 5.0, 5.0)
    canvas.paint(cord, 40.0)


def rib_paths(anatomy: Anatomy) -> list[Float64]:
    """Centre lines of twelve pairs of ribs, from the spine to the bone's front end."""
    cage = anatomy.rib_cage().grown(6.5)
    paths = []
    for side in (-1, 1):
        for level in range(12):
            head = vertebra_centre(anatomy, level) + np.array([side * 17, 8, 9])
            front = _front_angle(level)
            turn = np.linspace(np.pi / 2 - 0.36, front, 30)
            share = (turn[0] - turn) / (np.pi / 2 - 0.36 + 0.9)
            z = head[2] - 8 - anatomy.height_scale * _drop(level) * share**1.15
            angle = turn if side > 0 else np.pi - turn
            x, y = cage.outline(angle, z)
            paths.append(np.vstack([head, np.stack([x, y, z], axis=1)]))
    return paths


def _front_angle(level: int) -> float:
    """Where the bony rib ends: further round the front for the upper ribs."""
    return (-1.05, -1.12, -1.1, -1.06, -1.0, -0.93, -0.86, -0.72, -0.55, -0.35, 0.1, 0.5)[level]


def _drop(level: int) -> float:
    """How far a rib descends from back to front."""
    return (34, 52, 64, 72, 78, 82, 84, 84, 82, 78, 70, 60)[level]


def cartilage_paths(anatomy: Anatomy) -> list[Float64]:
    """From the front ends of ribs 1 to 10 to the sternum, or to the cartilage above."""
    paths = []
    ribs = rib_paths(anatomy)
    for half in (ribs[:12], ribs[12:]):
        for level, rib in enumerate(half[:10]):
            end = rib[-1]
            side = np.sign(end[0])
            z = anatomy.height_scale * (98 - 19 * min(level, 6))
            edge = _sternum_point(anatomy, z) + np.array([side * 14, 2, 0])
            middle = (end + edge) / 2 + np.array([0, -3 - level, -4 - 2.5 * level])
            paths.append(smooth_path([end, middle, edge], 6.0))
    return paths


def _sternum_point(anatomy: Anatomy, z: float) -> Float64:
    _, y, _, half_y = anatomy.rib_cage().section(z)
    return np.array([0.0, float(y - half_y) - 7, z])


def _paint_sternum(canvas: Canvas, anatomy: Anatomy) -> None:
    heights = anatomy.height_scale * np.array([-62.0, -50, -20, 20, 52, 60, 85, 104])
    half_x = np.array([5.0, 14, 18, 15, 13, 22, 30, 20]) * anatomy.depth_scale
    y = np.array([_sternum_point(anatomy, z)[1] for z in heights])
    plate = Loft(heights, np.zeros(8), y, half_x, np.full(8, 6.0), 0.7)
    canvas.paint(plate.grown(3.0), 30.0)
    canvas.paint(plate, CORTEX_HU - 150, label=BONE_LABEL)
    canvas.paint(plate.grown(-1.8), anatomy.marrow_hu - 20, grain_hu=55.0, label=BONE_LABEL)


def _paint_shoulder(canvas: Canvas, anatomy: Anatomy) -> None:
    """Shoulder blades and collar bones with the arms above the head."""
    cage = anatomy.rib_cage().grown(17.0)
    for side in (-1, 1):
        for share in np.linspace(0, 1, 9):
            z = anatomy.height_scale * np.linspace(45, 165, 9)[round(share * 8)]
            turn = np.linspace(0.95 - 0.15 * share, 0.3 - 0.35 * share, 7)
            angle = turn if side > 0 else np.pi - turn
            x, y = cage.outline(angle, np.full(7, z))
            bend = 10 * share * np.linspace(0, 1, 7) ** 2
            path = np.stack([x + side * bend * 2, y, np.full(7, z)], axis=1)
            canvas.paint(tube(path, [2.8, 2.2, 4.5]), CORTEX_HU - 60, label=BONE_LABEL)
            canvas.paint(
                tube(path + np.array([0, 0, 7.5]), [2.8, 2.2, 4.5]),
                CORTEX_HU - 60,
                label=BONE_LABEL,
            )
        collar = smooth_path(
            np.array([[22, -58, 108], [60, -62, 132], [105, -20, 160]])
            * [side, anatomy.depth_scale, anatomy.height_scale]
        )
        canvas.paint(tube(collar, 6.5), CORTEX_HU, label=BONE_LABEL)
        canvas.paint(tube(collar, 3.8), anatomy.marrow_hu, grain_hu=50.0, label=BONE_LABEL)

"""The same synthetic thorax with contrast agent in its blood."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from calcarium.phantom.canvas import Canvas
from calcarium.phantom.coronaries import RADIUS_MM, coronary_courses
from calcarium.phantom.heart import Heart
from calcarium.phantom.model import Float32, PhantomScan
from calcarium.phantom.shapes import tube
from calcarium.phantom.thorax import Thorax
from calcarium.phantom.vessels import GreatVessels


def with_contrast(thorax: Thorax, seed: int, blood_hu: float) -> PhantomScan:
    """Raise chambers, great vessels and coronary lumens to the same brightness.

    Calcium lies in the lumen, as drawn: it stands as far above the blood as above tissue
    before. Muscle does not take up contrast.

    Parameters
    ----------
    thorax : as drawn from ``seed``
    blood_hu : brightness of all blood
    """
    added = np.float32(blood_hu - thorax.anatomy.blood_hu) * blood_share(thorax, seed)
    return replace(thorax.scan, hu=thorax.scan.hu + added)


def blood_share(thorax: Thorax, seed: int) -> Float32:
    """How much of each voxel is blood, as the scanner sees it; shape of the scan."""
    plan = thorax.plan
    vessels = GreatVessels(Heart(thorax.anatomy))
    # The third stream of the seed draws the courses: see draw_thorax.
    stream = np.random.SeedSequence(seed).spawn(3)[2]
    courses = coronary_courses(vessels, np.random.default_rng(stream))
    heart = vessels.heart
    canvas = Canvas.over(plan.grid, plan.canvas_step_mm)
    canvas = replace(canvas, hu=np.zeros_like(canvas.hu))
    right = (heart.right_atrium, heart.right_ventricle, heart.outflow)
    canvas.paint((*right, heart.left_atrium, heart.appendage), 1.0)
    canvas.paint(heart.left_ventricle, 0.0)
    canvas.paint((heart.left_cavity, heart.root), 1.0)
    for vessel in (*vessels.veins, *vessels.pulmonary, *vessels.branches):
        canvas.paint(tube(vessel.path, vessel.radii), 1.0)
    for vessel in vessels.aorta:
        canvas.paint(tube(vessel.path, np.asarray(vessel.radii) - 1.4), 1.0)
    for artery, path in courses.items():
        canvas.paint(tube(path[::2], RADIUS_MM[artery]), 1.0)
    return canvas.seen_by(plan.grid, plan.psf_sigma_mm)

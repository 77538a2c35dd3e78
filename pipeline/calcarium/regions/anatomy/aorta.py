"""The ascending and the descending aorta as discs in each slice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from calcarium.config.detector_anatomy import AortaRules
from calcarium.regions.anatomy.aorta_prior import (
    ascending_prior,
    descending_prior,
    looks_like_blood,
)
from calcarium.regions.anatomy.extent import Extent
from calcarium.regions.anatomy.grid import Float32, Float64, Grid, Mask
from calcarium.regions.anatomy.rings import RADII_MM, Path, best_path, ring_response
from calcarium.regions.anatomy.thorax import Thorax
from calcarium.regions.boxes import Bounds

ABOVE_BOTTOM_MM = 165.0
DESCENDING_RADII, ASCENDING_RADII = slice(0, 5), slice(2, 7)  # 9-17 mm and 13-21 mm
TRUNK_RADII = slice(3, 6)
TRUNK_FROM_AORTA_MM = (12.0, 30.0)  # the aorta lies this far behind and right of the trunk
ABOVE_END = 1.5  # slices above a vessel that still belong to it
# Slices of the same above the ascending aorta, which goes on beyond where it was looked for, to
# its arch; chosen on drawn thoraxes.
AXIS_ABOVE_END = 7.0
# Support that a step down costs: the ascending aorta runs left; chosen on drawn thoraxes.
TO_RIGHT, TO_LEFT = 0.24, 0.04
SHARPENING = 8  # power of the support that weighs neighbouring discs
ROOT_MM = 24.0  # the root is followed this far below the ascending aorta
ROOT_DRIFT = (0.5, 1.0)  # mm backwards and to the left per mm down
ROOT_COST_PER_MM = 0.03  # support per mm off the expected drift


@dataclass(frozen=True)
class Vessel:
    """A vessel as one circle per grid slice, from ``first`` downwards.

    Attributes
    ----------
    rows, columns : centres, in grid indices
    radius_mm, support : per slice; support is 1 for a perfect disc
    total : support summed over the length, above what the path had to have
    """

    first: int
    rows: Float64
    columns: Float64
    radius_mm: Float64
    support: Float64
    total: float

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def last(self) -> int:
        """Lowest slice."""
        return self.first + len(self) - 1

    def at(self, k: Float64, *, beyond: float, above: float = ABOVE_END) -> Circles:
        """Circles at levels ``k``; so many slices below and above the ends still count."""
        n = len(k)
        if len(self) == 0:
            nowhere = np.zeros(n)
            return Circles(np.zeros(n, bool), nowhere, nowhere, nowhere, nowhere)
        known = (k >= self.first - above) & (k <= self.last + beyond)
        i = np.clip(np.rint(k - self.first), 0, len(self) - 1).astype(np.intp)
        return Circles(known, self.rows[i], self.columns[i], self.radius_mm[i], self.support[i])


@dataclass(frozen=True)
class Circles:
    """A vessel at some levels; where it is not known, its nearest end."""

    known: Mask
    row: Float64
    column: Float64
    radius_mm: Float64
    support: Float64


@dataclass(frozen=True)
class Aorta:
    """What was found of the aorta; a vessel of length 0 was not found.

    Attributes
    ----------
    ascending, root, descending : parts, from above; the root is the least certain
    is_sure : enough of the ascending aorta was seen
    left_over_right : how much more support a descending aorta has left of the spine than
        right of it; negative in a mirrored scan
    """

    ascending: Vessel
    root: Vessel
    descending: Vessel
    is_sure: bool
    left_over_right: float = 0.0

    def axis_at(self, k: Float64) -> Circles:
        """The ascending aorta, below it the root; where neither is known, the nearer end."""
        above = self.ascending.at(k, beyond=0.5, above=AXIS_ABOVE_END)
        below = self.root.at(k, beyond=1)
        use_root = below.known & ~above.known
        return Circles(
            above.known | below.known,
            np.where(use_root, below.row, above.row),
            np.where(use_root, below.column, above.column),
            np.where(use_root, below.radius_mm, above.radius_mm),
            np.where(use_root, below.support, above.support),
        )


NO_VESSEL = Vessel(0, *(np.zeros(0),) * 4, 0.0)


def find_aorta(thorax: Thorax, extent: Extent, tilt: float, rules: AortaRules) -> Aorta:
    """Both aortas, each as the best path of discs where anatomy expects it.

    Parameters
    ----------
    thorax, extent : as found
    tilt : sideways offset of the sternum per mm before the spine
    rules : least support and length
    """
    part = _search_part(thorax, extent)
    if any(p.stop - p.start < 3 for p in part):
        return Aorta(NO_VESSEL, NO_VESSEL, NO_VESSEL, is_sure=False)
    grid = thorax.grid
    rings = ring_response(grid.hu[part], thorax.body[part], grid.pixel_mm)
    blood = looks_like_blood(thorax, part)
    left, right = (descending_prior(thorax, extent, part, side=s) * blood for s in (1, -1))
    middle = ascending_prior(thorax, extent, part, tilt) * blood
    trunk = _trunk_penalty(grid, rings, blood, middle)
    down = best_path(_scores(rings[DESCENDING_RADII], left, rules.descending_least_support))
    up = best_path(
        _scores(rings[ASCENDING_RADII], middle, rules.ascending_least_support, trunk),
        to_right=TO_RIGHT,
        to_left=TO_LEFT,
    )
    found = vessel_of(up, rings, ASCENDING_RADII, part)
    sure = up.total > rules.least_total and len(found) * grid.slice_mm >= rules.least_length_mm
    return Aorta(
        found,
        _follow_root(grid, rings, blood, up, part),
        vessel_of(down, rings, DESCENDING_RADII, part),
        is_sure=sure,
        left_over_right=_mean_best(rings, left) - _mean_best(rings, right),
    )


def _scores(
    discs: Float32, prior: Float32, least: float, penalty: Float32 | None = None
) -> Float32:
    scores = discs.copy() if penalty is None else discs - penalty
    scores *= prior
    scores -= np.float32(least)
    return scores


def aorta_of_mask(thorax: Thorax, mask: Mask) -> Aorta:
    """The aorta of a user's mask (on the grid): circles of the same area in each slice."""
    grid = thorax.grid
    found: dict[str, list[tuple[int, float, float, float]]] = {"front": [], "back": []}
    for k in np.flatnonzero(mask.any(axis=(1, 2))):
        labels, count = ndimage.label(mask[k])
        for i in range(1, count + 1):
            row, column = (float(c.mean()) for c in np.nonzero(labels == i))
            radius_mm = float(np.sqrt((labels == i).sum() * grid.pixel_mm2 / np.pi))
            before_spine = (thorax.spine.front_row[k] - row) * grid.pixel_mm
            side = "front" if before_spine > 0.25 * thorax.depth_mm else "back"
            if radius_mm >= RADII_MM[0] - 2:
                found[side].append((int(k), row, column, radius_mm))
    ascending = _vessel_of_circles(found["front"])
    is_sure = len(ascending) > 0
    return Aorta(ascending, NO_VESSEL, _vessel_of_circles(found["back"]), is_sure=is_sure)


def _vessel_of_circles(circles: list[tuple[int, float, float, float]]) -> Vessel:
    if not circles:
        return NO_VESSEL
    k, rows, columns, radius_mm = (
        np.array(c, dtype=np.float64) for c in zip(*circles, strict=True)
    )
    every = np.arange(k[0], k[-1] + 1)
    at = [np.interp(every, k, values) for values in (rows, columns, radius_mm)]
    return Vessel(int(k[0]), at[0], at[1], at[2], np.ones(len(every)), float(len(every)))


def _search_part(thorax: Thorax, extent: Extent) -> Bounds:
    grid, spine = thorax.grid, thorax.spine
    slices, rows, columns = grid.hu.shape
    z = slice(max(0, extent.bottom - grid.slices(ABOVE_BOTTOM_MM)), min(slices, extent.bottom + 1))
    y = slice(
        max(0, int(thorax.front_row[z].min())),
        min(rows, int(spine.front_row[z].max() + 36 / grid.pixel_mm)),
    )
    x = slice(
        max(0, int(spine.column - 60 / grid.pixel_mm)),
        min(columns, int(spine.column + 66 / grid.pixel_mm)),
    )
    return z, y, x


def _mean_best(rings: Float32, prior: Float32) -> float:
    """The best disc of each slice, on average."""
    best = rings[DESCENDING_RADII].max(axis=0) * prior
    return float(best.max(axis=(1, 2)).mean())


def _trunk_penalty(grid: Grid, rings: Float32, blood: Float32, prior: Float32) -> Float32:
    """The pulmonary trunk has an aorta to its right and behind; the aorta has none there."""
    size = round(22 / grid.pixel_mm) | 1
    discs = np.maximum(rings[TRUNK_RADII].max(axis=0) * blood - np.float32(0.3), 0) * prior**2
    near = ndimage.maximum_filter(discs, size=(1, size, size))
    dy, dx = (grid.pixels(mm) for mm in TRUNK_FROM_AORTA_MM)
    penalty = np.zeros_like(near)
    penalty[:, :-dy, dx:] = near[:, dy:, :-dx]
    return np.asarray(np.minimum(penalty, np.float32(0.2)))


def vessel_of(path: Path, rings: Float32, radii: slice, part: Bounds) -> Vessel:
    """A path of discs as circles, each moved by less than a voxel to where it fits best."""
    radius = path.radius + radii.start
    radii_near = np.arange(max(0, radius - 1), min(len(RADII_MM), radius + 2))
    k, step = path.first + np.arange(len(path.rows)), np.arange(3)
    rows, columns = (np.maximum(i - 1, 0)[:, None] + step for i in (path.rows, path.columns))
    _, _, n_rows, n_columns = rings.shape
    inside = (rows < n_rows)[:, None, :, None] & (columns < n_columns)[:, None, None]
    near = rings[
        radii_near[:, None, None],
        k[:, None, None, None],
        np.minimum(rows, n_rows - 1)[:, None, :, None],
        np.minimum(columns, n_columns - 1)[:, None, None],
    ]
    weight = near.astype(np.float64) ** SHARPENING * inside
    weight /= np.maximum(weight.sum(axis=(1, 2, 3), keepdims=True), 1e-9)
    r, dy, dx = ((weight * index).sum(axis=(1, 2, 3)) for index in np.indices(weight.shape[1:]))
    radius_mm = np.interp(r + radii_near[0], np.arange(len(RADII_MM)), RADII_MM)
    z, y, x = (p.start for p in part)
    return Vessel(
        path.first + z,
        rows[:, 0] + dy + y,
        columns[:, 0] + dx + x,
        radius_mm,
        rings[radius, k, path.rows, path.columns].astype(np.float64),
        path.total,
    )


def _follow_root(grid: Grid, rings: Float32, blood: Float32, path: Path, part: Bounds) -> Vessel:
    """The root below the ascending aorta: less round, and running backwards and to the left."""
    radius = path.radius + ASCENDING_RADII.start
    k = path.first + len(path.rows)
    below = slice(k, k + grid.slices(ROOT_MM))
    around = rings[max(0, radius - 1) : radius + 2, below].max(axis=0) * blood[below]
    row, column = int(path.rows[-1]), int(path.columns[-1])
    steps_y, steps_x = np.arange(-1, 2), np.arange(round(2 * grid.slice_mm / grid.pixel_mm) + 1)
    off_y = np.abs(steps_y * grid.pixel_mm - ROOT_DRIFT[0] * grid.slice_mm)
    off_x = np.abs(steps_x * grid.pixel_mm - ROOT_DRIFT[1] * grid.slice_mm)
    unexpected = ROOT_COST_PER_MM * (off_y[:, None] + off_x[None])
    found: list[tuple[float, float, float]] = []
    for plane in around:
        near = plane[row - 1 : row + 2, column : column + len(steps_x)]
        if row < 1 or near.shape != unexpected.shape:
            break
        dy, dx = np.unravel_index(int((near - unexpected).argmax()), near.shape)
        row, column = row - 1 + int(dy), column + int(dx)
        found.append((row + part[1].start, column + part[2].start, float(near[dy, dx])))
    if not found:
        return NO_VESSEL
    rows, columns, support_at = np.array(found, dtype=np.float64).T
    radius_mm = np.full(len(found), RADII_MM[radius])
    return Vessel(k + part[0].start, rows, columns, radius_mm, support_at, 0.0)

"""Solids with an approximate signed distance, negative inside, in millimetres.

Coordinates may be open grids (``z`` of shape (n, 1, 1) and so on) or lists of
points: everything broadcasts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline, PchipInterpolator

from calcarium.phantom.model import Float32, Float64

Bounds: TypeAlias = tuple[Float64, Float64]
IDENTITY = np.eye(3)


class Shape(Protocol):
    """What a canvas can paint."""

    def bounds(self) -> Bounds:
        """Lowest and highest corner (x, y, z) of a box that holds the solid."""
        ...

    def distance(self, x: Float32, y: Float32, z: Float32) -> Float32:
        """Signed distance to the surface; exact near it for round solids."""
        ...


@dataclass(frozen=True)
class Ellipsoid:
    """An ellipsoid; ``axes`` holds its unit axes as rows."""

    centre: Float64
    radii: Float64
    axes: Float64 = field(default_factory=lambda: IDENTITY)

    def grown(self, mm: float) -> Ellipsoid:
        """The same with longer axes."""
        return Ellipsoid(self.centre, self.radii + mm, self.axes)

    def bounds(self) -> Bounds:
        """Box of the rotated ellipsoid."""
        reach = np.sqrt(((self.axes * self.radii[:, None]) ** 2).sum(axis=0))
        return self.centre - reach, self.centre + reach

    def distance(self, x: Float32, y: Float32, z: Float32) -> Float32:
        """First-order distance ``f (f - 1) / |grad|`` of the scaled radius ``f``."""
        f2: Float32 | float = 0.0
        g2: Float32 | float = 0.0
        dx, dy, dz = (
            np.asarray(v, dtype=np.float32) - np.float32(c)
            for v, c in zip((x, y, z), self.centre, strict=True)
        )
        for axis, radius in zip(self.axes.astype(np.float32), self.radii, strict=True):
            # the sums of the small open grids come first: one full-size addition
            along = ((axis[0] * dx + axis[1] * dy) + axis[2] * dz) / np.float32(radius)
            square = along * along
            f2 = f2 + square
            g2 = g2 + square / np.float32(radius**2)
        f = np.sqrt(f2)
        return np.asarray(f * (f - 1) / np.sqrt(g2 + np.float32(1e-12)), dtype=np.float32)


@dataclass(frozen=True)
class Capsule:
    """A round cone between two points: one piece of a tube."""

    start: Float64
    stop: Float64
    start_radius: float
    stop_radius: float

    def bounds(self) -> Bounds:
        """Box round both ends."""
        r = max(self.start_radius, self.stop_radius)
        return np.minimum(self.start, self.stop) - r, np.maximum(self.start, self.stop) + r

    def distance(self, x: Float32, y: Float32, z: Float32) -> Float32:
        """Distance to the nearest point of the axis less the radius there."""
        dx, dy, dz = (
            np.asarray(v, dtype=np.float32) - np.float32(c)
            for v, c in zip((x, y, z), self.start, strict=True)
        )
        ax, ay, az = (np.float32(v) for v in self.stop - self.start)
        length2 = max(float(ax * ax + ay * ay + az * az), 1e-9)
        t = np.clip(((dx * ax + dy * ay) + dz * az) / np.float32(length2), 0, 1)
        away = np.sqrt((dx - t * ax) ** 2 + (dy - t * ay) ** 2 + (dz - t * az) ** 2)
        return np.asarray(
            away - (self.start_radius + t * (self.stop_radius - self.start_radius)),
            dtype=np.float32,
        )


@dataclass(frozen=True)
class Drum:
    """An elliptic cylinder along z: a vertebral body or a disc."""

    centre: Float64
    radii: tuple[float, float]
    half_height: float

    def bounds(self) -> Bounds:
        """Box of the cylinder."""
        reach = np.array([*self.radii, self.half_height])
        return self.centre - reach, self.centre + reach

    def distance(self, x: Float32, y: Float32, z: Float32) -> Float32:
        """Greater of the distance to the side and to the end plates."""
        scale = np.float32(min(self.radii))
        u = (np.asarray(x, dtype=np.float32) - np.float32(self.centre[0])) / self.radii[0]
        v = (np.asarray(y, dtype=np.float32) - np.float32(self.centre[1])) / self.radii[1]
        side = (np.sqrt(u * u + v * v) - 1) * scale
        ends = np.abs(np.asarray(z, dtype=np.float32) - np.float32(self.centre[2]))
        return np.asarray(np.maximum(side, ends - np.float32(self.half_height)), dtype=np.float32)


@dataclass(frozen=True)
class Loft:
    """A stack of rounded rectangles: trunk, rib cage, mediastinum.

    Attributes
    ----------
    z : ascending heights of the given sections
    x, y : centre of each section
    half_x, half_y : half its width and depth
    squareness : 0 an ellipse, towards 1 a rectangle
    """

    z: Float64
    x: Float64
    y: Float64
    half_x: Float64
    half_y: Float64
    squareness: float = 0.35

    @cached_property
    def _sections(self) -> PchipInterpolator:
        columns = np.stack([self.x, self.y, self.half_x, self.half_y], axis=1)
        return PchipInterpolator(self.z, columns)

    def section(self, z: Float64 | float) -> tuple[Float64, Float64, Float64, Float64]:
        """Centre x, y and half width, half depth at height ``z``."""
        at = np.clip(np.asarray(z, dtype=np.float64), self.z[0], self.z[-1])
        values = self._sections(at)
        return values[..., 0], values[..., 1], values[..., 2], values[..., 3]

    def outline(self, angle: Float64, z: Float64) -> tuple[Float64, Float64]:
        """Point of the outline in direction ``angle`` (0 left, pi/2 posterior)."""
        cx, cy, half_x, half_y = self.section(z)
        k = self.squareness * (np.cos(angle) * np.sin(angle)) ** 2
        reach = np.sqrt(np.where(k > 1e-9, (1 - np.sqrt(1 - 4 * k)) / np.maximum(2 * k, 1e-9), 1))
        return cx + half_x * reach * np.cos(angle), cy + half_y * reach * np.sin(angle)

    def grown(self, mm: float, mm_y: float | None = None) -> Loft:
        """The same stack with wider sections."""
        deep = mm if mm_y is None else mm_y
        return Loft(self.z, self.x, self.y, self.half_x + mm, self.half_y + deep, self.squareness)

    def bounds(self) -> Bounds:
        """Box of all sections."""
        low = [(self.x - self.half_x).min(), (self.y - self.half_y).min(), self.z[0]]
        high = [(self.x + self.half_x).max(), (self.y + self.half_y).max(), self.z[-1]]
        return np.array(low), np.array(high)

    def distance(self, x: Float32, y: Float32, z: Float32) -> Float32:
        """In-plane distance, good to a third; flat ends."""
        z = np.asarray(z, dtype=np.float32)
        cx, cy, half_x, half_y = (v.astype(np.float32) for v in self.section(z.astype(np.float64)))
        # beyond 1.5 the surface is far away; the clip keeps the product monotone
        u = np.minimum(((x - cx) / half_x) ** 2, np.float32(1.5))
        v = np.minimum(((y - cy) / half_y) ** 2, np.float32(1.5))
        f2 = u + v * (1 - np.float32(self.squareness) * u)
        side = (f2 - 1) * (np.minimum(half_x, half_y) / 2)
        ends = np.abs(z - np.float32((self.z[0] + self.z[-1]) / 2))
        return np.asarray(
            np.maximum(side, ends - np.float32((self.z[-1] - self.z[0]) / 2)), dtype=np.float32
        )


@dataclass(frozen=True)
class Union:
    """Several solids with their joints filled over ``blend_mm``, grown by ``grow_mm``."""

    parts: tuple[Shape, ...]
    blend_mm: float
    grow_mm: float = 0.0

    def bounds(self) -> Bounds:
        """Box of all parts."""
        corners = [part.bounds() for part in self.parts]
        margin = self.grow_mm + self.blend_mm / 4
        return (
            np.min([low for low, _ in corners], axis=0) - margin,
            np.max([high for _, high in corners], axis=0) + margin,
        )

    def distance(self, x: Float32, y: Float32, z: Float32) -> Float32:
        """Polynomial smooth minimum of the parts' distances."""
        result = self.parts[0].distance(x, y, z)
        for part in self.parts[1:]:
            other = part.distance(x, y, z)
            h = np.maximum(self.blend_mm - np.abs(result - other), 0) / np.float32(self.blend_mm)
            result = np.minimum(result, other) - h * h * np.float32(self.blend_mm / 4)
        return np.asarray(result - np.float32(self.grow_mm), dtype=np.float32)


@dataclass(frozen=True)
class Within:
    """The part of a solid that lies in another."""

    part: Shape
    limit: Shape

    def bounds(self) -> Bounds:
        """Box of the overlap."""
        (low, high), (limit_low, limit_high) = self.part.bounds(), self.limit.bounds()
        return np.maximum(low, limit_low), np.minimum(high, limit_high)

    def distance(self, x: Float32, y: Float32, z: Float32) -> Float32:
        """Greater of both distances."""
        return np.maximum(self.part.distance(x, y, z), self.limit.distance(x, y, z))


def smooth_path(points: Sequence[Sequence[float]] | Float64, step_mm: float = 3.0) -> Float64:
    """A curve through the points, sampled about every ``step_mm``; shape (n, 3)."""
    knots = np.asarray(points, dtype=np.float64)
    chord = np.r_[0, np.cumsum(np.linalg.norm(np.diff(knots, axis=0), axis=1))]
    n = max(3, round(chord[-1] / step_mm) + 1)
    return np.asarray(CubicSpline(chord, knots, bc_type="natural")(np.linspace(0, chord[-1], n)))


def tube(path: Float64, radius: float | Sequence[float] | Float64) -> list[Capsule]:
    """Round cones along a path; radii are spread evenly along it."""
    given = np.atleast_1d(np.asarray(radius, dtype=np.float64))
    radii = np.interp(np.linspace(0, 1, len(path)), np.linspace(0, 1, len(given)), given)
    return [
        Capsule(a, b, float(ra), float(rb))
        for a, b, ra, rb in zip(path[:-1], path[1:], radii[:-1], radii[1:], strict=True)
    ]


def normals(shape: Shape, points: Float64) -> Float64:
    """Unit direction away from a solid at each of some points; shape (n, 3)."""
    beside = points + 0.5 * np.stack([np.zeros(3), *IDENTITY])[:, None]
    here, *moved = shape.distance(*np.moveaxis(beside, -1, 0))
    away = (np.stack(moved, axis=1) - here[:, None]).astype(np.float64)
    return np.asarray(away / np.maximum(np.linalg.norm(away, axis=1, keepdims=True), 1e-6))


def tangents(path: Float64) -> NDArray[np.float64]:
    """Unit direction of a path at each of its points; shape (n, 3)."""
    along = np.gradient(path, axis=0)
    return np.asarray(along / np.linalg.norm(along, axis=1, keepdims=True))

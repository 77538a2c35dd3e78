"""Volumes on which backends are compared: random ones, and shapes chosen to break kernels.

They ship with the package because a user's own card is proven on them
(:mod:`calcarium_kernels.selfcheck`); only numpy is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from calcarium_kernels.contract import Box, Cut, InSlice, Labels, Link, Stored

Shape: TypeAlias = tuple[int, int, int]
Mask: TypeAlias = NDArray[np.bool_]
Generator: TypeAlias = np.random.Generator

INT32 = np.iinfo(np.int32)
IN_SLICE: tuple[InSlice, ...] = (4, 8)
LINKS: tuple[Link, ...] = (6, 18, 26)


@dataclass(frozen=True)
class Trial:
    """One call of :meth:`calcarium_kernels.contract.Kernels.islands`, with a name to report."""

    name: str
    stored: Stored
    sign: NDArray[np.int8]
    cuts: tuple[Cut, ...]
    box: Box
    labels: Labels | None
    link: Link

    def arguments(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Positional and keyword arguments of the call."""
        keywords = {"box": self.box, "labels": self.labels, "link": self.link}
        return (self.stored, self.sign, self.cuts), keywords


def trials(n: int, *, seed: int, max_voxels: int = 20_000) -> Iterator[Trial]:
    """``n`` trials that depend on nothing but the arguments; every pattern comes in turn."""
    names = tuple(PATTERNS)
    for number in range(n):
        rng = np.random.default_rng((seed, number))
        yield make_trial(names[number % len(names)], rng, max_voxels=max_voxels)


def make_trial(pattern: str, rng: Generator, *, max_voxels: int) -> Trial:
    """A trial of one of :data:`PATTERNS` with random size, dtype, signs, cuts, labels and box."""
    shape = _shape(rng, max_voxels)
    stored, sign, threshold = _stored(PATTERNS[pattern](shape, rng), rng)
    box = _box(shape, rng)
    labels = _labels(box.shape, rng) if rng.random() < 0.6 else None
    cuts = _cuts(threshold, stored.dtype, rng)
    name = f"{pattern} {shape} {stored.dtype}"
    return Trial(name, stored, sign, cuts, box, labels, link=LINKS[rng.integers(3)])


def _shape(rng: Generator, max_voxels: int) -> Shape:
    """Mostly odd sizes, at times one voxel wide, the columns across words of 32 bits."""
    depth = int(rng.integers(1, 7))
    columns = int(rng.choice([1, 2, 7, 31, 32, 33, 63, 64, 65, 97, 130]))
    rows = int(rng.integers(1, 41))
    if rng.random() < 0.1:
        rows, columns = 1, int(rng.integers(1, 301))
    return depth, max(1, min(rows, max_voxels // (depth * columns))), columns


def _stored(mask: Mask, rng: Generator) -> tuple[Stored, NDArray[np.int8], NDArray[np.int32]]:
    """Stored values that pass a random threshold exactly where ``mask`` is true.

    Few distinct values, so that the peak of an island is met more than once.
    """
    dtype: type[np.int16] | type[np.uint16] = np.int16 if rng.random() < 0.5 else np.uint16
    limits = np.iinfo(dtype)
    sign = rng.choice(np.array([-1, 1], dtype=np.int8), size=len(mask))
    if rng.random() < 0.5:
        sign[:] = sign[0]
    spread = int(rng.choice([1, 3, 500]))
    threshold = rng.integers(limits.min + spread + 1, limits.max - spread, size=len(mask))
    above = rng.integers(0, spread + 1, size=mask.shape)
    below = -1 - rng.integers(0, spread + 1, size=mask.shape)
    bright = np.where(mask, above, below) * sign[:, None, None]
    return (threshold[:, None, None] + bright).astype(dtype), sign, threshold.astype(np.int32)


def _cuts(threshold: NDArray[np.int32], dtype: np.dtype[Any], rng: Generator) -> tuple[Cut, ...]:
    """One to four cuts, the first at the pattern's own threshold."""
    limits = np.iinfo(dtype)
    other = [
        threshold + np.int32(rng.integers(-4, 5)),
        np.full_like(threshold, rng.choice([limits.min, limits.max])),
        np.full_like(threshold, rng.choice([limits.min - 1, limits.max + 1])),
        np.full_like(threshold, rng.choice([INT32.min, INT32.max])),
        threshold,
    ]
    chosen = rng.permutation(len(other))[: rng.integers(0, 4)]
    values = [threshold, *(other[k] for k in chosen)]
    return tuple(Cut(value.astype(np.int32), IN_SLICE[rng.integers(2)]) for value in values)


def _box(shape: Shape, rng: Generator) -> Box:
    if rng.random() < 0.4:
        return Box.whole(shape)
    ends = [sorted(int(v) for v in rng.integers(0, size + 1, size=2)) for size in shape]
    (z0, z1), (y0, y1), (x0, x1) = ends
    return Box(z0, z1, y0, y1, x0, x1)


def _labels(shape: Shape, rng: Generator) -> Labels:
    """Blocks of a few labels (0 among them), with single voxels of others in between."""
    values = np.array([0, 1, 2, 65535], dtype=np.uint16)
    edge = int(rng.integers(1, 12))
    coarse = rng.choice(values, size=[size // edge + 1 for size in shape])
    blocks = coarse.repeat(edge, 0).repeat(edge, 1).repeat(edge, 2)
    fine = rng.choice(values, size=shape)
    chosen = np.where(rng.random(shape) < 0.05, fine, blocks[tuple(slice(s) for s in shape)])
    return np.ascontiguousarray(chosen, dtype=np.uint16)


def _index(shape: Shape) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    z, y, x = np.indices(shape)
    return z, y, x


def _every(step: int, number: NDArray[np.intp]) -> Mask:
    return np.asarray(number % step == 0)


def _at(place: int, number: NDArray[np.intp]) -> Mask:
    return np.asarray(number == place)


def _empty(shape: Shape, _rng: Generator) -> Mask:
    return np.zeros(shape, dtype=np.bool_)


def _full(shape: Shape, _rng: Generator) -> Mask:
    return np.ones(shape, dtype=np.bool_)


def _noise(shape: Shape, rng: Generator) -> Mask:
    return np.asarray(rng.random(shape) < rng.choice([0.02, 0.2, 0.4, 0.6, 0.95]))


def _blobs(shape: Shape, rng: Generator) -> Mask:
    """Smooth islands with single voxels missing and added, nearest to a CT."""
    noise = rng.random(shape)
    for axis in (1, 2, 1, 2):
        noise = noise + np.roll(noise, 1, axis)
    return np.asarray((noise > np.quantile(noise, 0.9)) ^ (rng.random(shape) < 0.01))


def _checkerboard(shape: Shape, _rng: Generator) -> Mask:
    z, y, x = _index(shape)
    return _every(2, z + y + x)


def _columns(shape: Shape, _rng: Generator) -> Mask:
    """Every second column: as many runs as fit, none of which touch in the slice."""
    return _every(2, _index(shape)[2])


def _comb(shape: Shape, _rng: Generator) -> Mask:
    """Teeth that meet only in the last row: united late."""
    _, y, x = _index(shape)
    return _every(2, x) | _at(shape[1] - 1, y)


def _spiral(shape: Shape, _rng: Generator) -> Mask:
    """Square rings one voxel apart, each joined to the next by one voxel."""
    _, y, x = _index(shape)
    depth = np.minimum.reduce([y, x, shape[1] - 1 - y, shape[2] - 1 - x])
    gate = _at(1, x - y) & (y < shape[1] // 2)
    return _every(2, depth) | gate


def _serpentine(shape: Shape, _rng: Generator) -> Mask:
    """One path through all rows and slices: the longest chain of unions."""
    z, y, x = _index(shape)
    turn = np.where(_every(2, y // 2), _at(shape[2] - 1, x), _at(0, x))
    return np.where(_every(2, z), _every(2, y) | turn, _at(0, x + y))


def _diagonals(shape: Shape, _rng: Generator) -> Mask:
    """Voxels that touch at corners only, in the slice and over slices."""
    z, y, x = _index(shape)
    return _every(5, x + y + z)


def _bridges(shape: Shape, rng: Generator) -> Mask:
    """Full even slices, joined by one voxel in each odd one."""
    mask = _every(2, _index(shape)[0])
    for z in range(1, shape[0], 2):
        mask[z, rng.integers(shape[1]), rng.integers(shape[2])] = True
    return mask


def _corners(shape: Shape, _rng: Generator) -> Mask:
    """The edges of each slice's first and last rows and columns."""
    _, y, x = _index(shape)
    return (_at(0, y) | _at(shape[1] - 1, y)) & (_at(0, x) | _at(shape[2] - 1, x))


def _word_edges(shape: Shape, rng: Generator) -> Mask:
    """Runs that start or end where a word of 32 voxels does."""
    x = _index(shape)[2]
    edge = _every(32, x) | _every(32, x + 1)
    return np.asarray(edge & (rng.random(shape) < 0.8))


PATTERNS: dict[str, Callable[[Shape, Generator], Mask]] = {
    "noise": _noise,
    "blobs": _blobs,
    "empty": _empty,
    "full": _full,
    "checkerboard": _checkerboard,
    "columns": _columns,
    "comb": _comb,
    "spiral": _spiral,
    "serpentine": _serpentine,
    "diagonals": _diagonals,
    "bridges": _bridges,
    "corners": _corners,
    "word edges": _word_edges,
}

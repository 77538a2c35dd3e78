"""The kernels in the order in which they run: voxels -> bits -> runs -> islands -> lesions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calcarium_kernels.contract import Box, Cut, Int32, Int64, Labels, Link, Stored
from calcarium_kernels.device.keys import Keys
from calcarium_kernels.device.runtime import Argument, Buffer, Dim, Runtime

WORD_BITS = 32
THREADS = 256  # as in cuda/portable.cuh
PER_BLOCK = 1024
SCAN_THREADS = 1024
WARPS = (32, 8)
FIELDS = 11  # as in cuda/measure.cuh
BLOCKS_PER_MULTIPROCESSOR = 8  # 8 * 256 threads fill one
STAGING_BYTES = 32 << 20
# Real chest CT has 0.2 runs per word of 32 voxels; where there are more, a second try is larger.
RUNS_PER_WORD = 0.25
# Kernels step over runs in 32 bits, and the last step may end one grid beyond the last run.
MAX_RUNS = 2**30
i32 = np.int32


@dataclass(frozen=True)
class PaddedBox:
    """A box on the device: rows padded to whole words of 32 voxels, which are 64 bytes."""

    slices: int
    rows: int
    columns: int

    @property
    def words_per_row(self) -> int:
        """Words in a row, the last one partly beyond the box."""
        return -(-self.columns // WORD_BITS)

    @property
    def words(self) -> int:
        """Words in a plane: the bits of one cut."""
        return self.slices * self.rows * self.words_per_row

    @property
    def pitch(self) -> int:
        """Voxels from one row to the next."""
        return self.words_per_row * WORD_BITS

    def sizes(self) -> tuple[np.int32, ...]:
        """Arguments of the kernels that ask for the neighbours of a run."""
        values = (self.columns, self.rows, self.slices, self.words_per_row, self.words)
        return tuple(i32(value) for value in values)


@dataclass(frozen=True)
class Bits:
    """Foreground of all cuts, and where runs break; ``labels`` is null without labels."""

    voxels: Buffer
    labels: Buffer | None
    flip: Buffer
    mask: Buffer
    change: Buffer | None


def max_slices(box: Box, n_cuts: int, *, labelled: bool) -> int:
    """Most slices for which all runs of all cuts can be counted in 32 bits.

    Every second voxel may be a run, and where labels break runs every voxel.

    Raises
    ------
    MemoryError
        if a single slice of the box is beyond that
    """
    runs_per_word = WORD_BITS if labelled else WORD_BITS // 2
    runs_per_slice = PaddedBox(1, *box.shape[1:]).words * n_cuts * runs_per_word
    if 2 * runs_per_slice > MAX_RUNS:
        raise MemoryError(f"two slices of {box} may hold more than {MAX_RUNS} runs")
    return MAX_RUNS // runs_per_slice


def measure_box(
    runtime: Runtime,
    stored: Stored,
    keys: Keys,
    cuts: tuple[Cut, ...],
    *,
    box: Box,
    labels: Labels | None,
    link: Link,
) -> tuple[Int64, Int32]:
    """Records of the islands of all cuts, and the first island of the lesion of each.

    Returns
    -------
    records : int64, shape (n_islands, FIELDS), in raster order within each cut, cut by cut
    lesion : int32, shape (n_islands,)
    """
    padded = PaddedBox(*box.shape)
    bits = _pack(runtime, stored, keys, cuts, box, labels)
    capacity = int(padded.words * len(cuts) * RUNS_PER_WORD) + PER_BLOCK
    while True:
        n_runs, n_islands = _find_islands(runtime, bits, padded, cuts, link, capacity)
        if n_runs <= capacity:
            break
        capacity = n_runs
    records = np.empty((n_islands, FIELDS), dtype=np.int64)
    lesion = np.empty(n_islands, dtype=np.int32)
    if n_islands:
        runtime.download(_words64(runtime, "records", capacity * FIELDS), records)
        runtime.download(_words32(runtime, "lesion", capacity), lesion)
    return records, lesion


def sum_blocks(runtime: Runtime, stored: Stored, factor: int) -> Int32:
    """Sums over in-plane blocks; at least one block in each direction."""
    n_slices, rows, columns = stored.shape
    height, width = rows // factor, columns // factor
    padded = PaddedBox(n_slices, rows, columns)
    voxels = _upload_box(runtime, "voxels", stored.view(np.uint16), Box.whole(stored.shape))
    flip = 0 if stored.dtype == np.int16 else 0x8000
    sums = np.empty((n_slices, height, width), dtype=np.int32)
    target = _words32(runtime, "sums", sums.size)
    across, down = -(-width // WARPS[0]), -(-height // WARPS[1])
    deep = _share(runtime, n_slices, across * down)
    scalars = (flip, flip * factor**2, padded.pitch, rows, n_slices, factor, width, height)
    grid = (across, down, deep)
    runtime.launch("sum_blocks", grid, WARPS, voxels, *(i32(v) for v in scalars), target)
    runtime.download(target, sums)
    return sums


def _pack(
    runtime: Runtime,
    stored: Stored,
    keys: Keys,
    cuts: tuple[Cut, ...],
    box: Box,
    labels: Labels | None,
) -> Bits:
    padded = PaddedBox(*box.shape)
    limits = keys.limits(cuts, slice(box.z0, box.z1))
    mask = _words32(runtime, "mask", padded.words * len(cuts))
    flip = _upload(runtime, "flip", keys.flip)
    voxels = _upload_box(runtime, "voxels", stored.view(np.uint16), box)
    tables = (
        flip,
        _upload(runtime, "loosest", limits.min(axis=0)),
        _upload(runtime, "limits", limits),
        i32(padded.columns),
        i32(padded.rows),
        i32(padded.slices),
        i32(padded.pitch // 8),
        i32(len(cuts)),
        mask,
    )
    across = -(-padded.rows // WARPS[1])
    grid = (across, _share(runtime, padded.slices, across))
    if labels is None:
        runtime.launch("pack", grid, WARPS, voxels, *tables)
        return Bits(voxels, None, flip, mask, None)
    on_device = _upload_box(runtime, "labels", labels, Box.whole(labels.shape))
    change = _words32(runtime, "change", padded.words)
    runtime.launch("pack_labelled", grid, WARPS, voxels, on_device, *tables, change)
    return Bits(voxels, on_device, flip, mask, change)


def _find_islands(
    runtime: Runtime,
    bits: Bits,
    padded: PaddedBox,
    cuts: tuple[Cut, ...],
    link: Link,
    capacity: int,
) -> tuple[int, int]:
    """Number of runs and islands.  Nothing else is valid where runs exceed ``capacity``."""
    word_blocks, run_blocks = -(-padded.words // PER_BLOCK), -(-capacity // PER_BLOCK)
    counts = _words32(runtime, "counts", max(word_blocks * len(cuts), run_blocks))
    rank = _words32(runtime, "rank", padded.words * len(cuts))
    word, span, label, parent, island, lesion = (
        _words32(runtime, name, capacity)
        for name in ("run_word", "run_bits", "run_label", "parent", "island", "lesion")
    )
    records = _words64(runtime, "records", capacity * FIELDS)
    n_runs, n_islands = _words32(runtime, "n_runs", 1), _words32(runtime, "n_islands", 1)
    connectivity = _upload(runtime, "connectivity", np.array([c.connectivity for c in cuts], i32))
    planes, size, room = (bits.mask, bits.change), padded.sizes(), i32(capacity)
    voxels, runs, found = (bits.voxels, bits.flip), (word, span, label), (n_runs, room)
    per_word, per_run = (word_blocks, len(cuts)), (run_blocks,)
    strided = (min(-(-capacity // THREADS), BLOCKS_PER_MULTIPROCESSOR * runtime.multiprocessors),)

    def launch(kernel: str, grid: Dim, *arguments: Argument) -> None:
        runtime.launch(kernel, grid, (THREADS,), *arguments)

    def scan(n: int, total: Buffer) -> None:
        runtime.launch("scan_counts", (1,), (SCAN_THREADS,), counts, i32(n), total)

    launch("count_runs", per_word, *planes, size[-1], counts)
    scan(word_blocks * len(cuts), n_runs)
    listed = (rank, *runs, parent)
    launch("list_runs", per_word, *planes, bits.labels, size[-1], counts, room, *listed)
    launch("unite_runs", strided, *planes, rank, *size, connectivity, *runs, *found, parent)
    launch("flatten_runs", per_run, *found, parent, counts)
    scan(run_blocks, n_islands)
    made = (island, lesion, records)
    launch("number_islands", per_run, *found, counts, parent, *runs, *size, *made)
    launch("measure", strided, *voxels, *size, word, span, parent, *found, island, records)
    launch("unite_islands", strided, *planes, rank, *size, i32(link), *runs, island, *found, lesion)
    launch("flatten_lesions", strided, n_islands, lesion)
    return _number(runtime, n_runs), _number(runtime, n_islands)


def _upload_box(runtime: Runtime, name: str, array: NDArray[np.uint16], box: Box) -> Buffer:
    """A box of an array with padded rows, through pinned memory, as many slices as fit."""
    padded = PaddedBox(*box.shape)
    per_slice = padded.rows * padded.pitch
    target = runtime.buffer(name, padded.slices * per_slice * 2)
    step = max(1, min(padded.slices, STAGING_BYTES // (per_slice * 2)))
    staging = runtime.staging(step * per_slice * 2).view(np.uint16)
    staging = staging.reshape(step, padded.rows, padded.pitch)
    crop = array[box.slices]
    for z in range(0, padded.slices, step):
        part = crop[z : z + step]
        staging[: len(part), :, : padded.columns] = part
        runtime.upload(staging[: len(part)], target, z * per_slice * 2)
    return target


def _upload(runtime: Runtime, name: str, array: NDArray[np.generic]) -> Buffer:
    array = np.ascontiguousarray(array)
    target = runtime.buffer(name, array.nbytes)
    runtime.upload(array, target)
    return target


def _words32(runtime: Runtime, name: str, n: int) -> Buffer:
    return runtime.buffer(name, n * 4)


def _words64(runtime: Runtime, name: str, n: int) -> Buffer:
    return runtime.buffer(name, n * 8)


def _number(runtime: Runtime, buffer: Buffer) -> int:
    value = np.empty(1, dtype=np.int32)
    runtime.download(buffer, value)
    return int(value[0])


def _share(runtime: Runtime, n: int, blocks_per_item: int) -> int:
    """Blocks along an axis of ``n`` items, so that the whole grid is enough to fill the card."""
    enough = -(-BLOCKS_PER_MULTIPROCESSOR * runtime.multiprocessors // blocks_per_item)
    return max(1, min(n, enough))

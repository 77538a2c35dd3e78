// Bits to a list of runs, in raster order.
#pragma once
#include "portable.cuh"
#include "scan.cuh"

// First bits of the runs of a word; `change` marks voxels whose label differs from the left one.
DEVICE u32 heads_of(u32 bits, u32 change) { return bits & (~(bits << 1) | change); }

// Bits from `from` to `to`, both inclusive, of a word.
DEVICE u32 window(i32 from, i32 to) { return (ALL_LANES << from) & (ALL_LANES >> (31 - to)); }

// Last bit of the run that starts at `first`.
DEVICE i32 last_of_run(u32 bits, u32 heads, i32 first)
{
    const u32 beyond = first < 31 ? (~bits | heads) & (ALL_LANES << (first + 1)) : 0u;
    return beyond ? __ffs((i32)beyond) - 2 : 31;
}

// counts[block] = number of runs in its 1024 words.  Grid (blocks per plane, cuts).
KERNEL LAUNCHED
count_runs(const u32 *mask, const u32 *change, i32 words_per_plane, i32 *counts)
{
    const u32 *plane = mask + (i64)blockIdx.y * words_per_plane;
    i32 count = 0, total;
    for (i32 k = 0; k < PER_THREAD; ++k) {
        const i32 w = blockIdx.x * PER_BLOCK + k * THREADS + threadIdx.x;
        if (w >= words_per_plane) break;
        const u32 bits = plane[w];
        if (bits) count += __popc(heads_of(bits, change ? change[w] : 0u));
    }
    exclusive_scan(count, &total);
    if (threadIdx.x == 0) counts[blockIdx.y * gridDim.x + blockIdx.x] = total;
}

// rank[word] = number of runs before it; run_word, run_bits (first | last << 8), run_label and
// parent per run.  Runs beyond `capacity` are dropped: the caller sees the total and tries again.
KERNEL LAUNCHED
list_runs(const u32 *mask, const u32 *change, const u16 *labels, i32 words_per_plane,
          const i32 *counts, i32 capacity, i32 *rank, i32 *run_word, i32 *run_bits,
          i32 *run_label, i32 *parent)
{
    const i32 plane = blockIdx.y * words_per_plane;
    const i32 first = blockIdx.x * PER_BLOCK + threadIdx.x * PER_THREAD;
    u32 bits[PER_THREAD], heads[PER_THREAD];
    i32 count = 0, total;
#pragma unroll
    for (i32 k = 0; k < PER_THREAD; ++k) {
        const i32 w = first + k;
        bits[k] = w < words_per_plane ? mask[plane + w] : 0u;
        heads[k] = bits[k] ? heads_of(bits[k], change ? change[w] : 0u) : 0u;
        count += __popc(heads[k]);
    }
    i32 run = counts[blockIdx.y * gridDim.x + blockIdx.x] + exclusive_scan(count, &total);
#pragma unroll
    for (i32 k = 0; k < PER_THREAD; ++k) {
        const i32 w = first + k;
        if (w >= words_per_plane) break;
        rank[plane + w] = run;
        for (u32 rest = heads[k]; rest; rest &= rest - 1, ++run) {
            if (run >= capacity) continue;
            const i32 bit = __ffs((i32)rest) - 1;
            run_word[run] = plane + w;
            run_bits[run] = bit | last_of_run(bits[k], heads[k], bit) << 8;
            run_label[run] = labels ? labels[(i64)w * WORD_BITS + bit] : 1;
            parent[run] = run;
        }
    }
}

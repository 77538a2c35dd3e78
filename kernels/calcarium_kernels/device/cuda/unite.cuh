// Runs that touch become islands, islands that touch become lesions.
#pragma once
#include "portable.cuh"
#include "runs.cuh"
#include "scan.cuh"

// Size of the padded box, for kernels that ask for the neighbours of a run.
struct Grid {
    i32 columns, rows, slices, words_per_row, words_per_plane;
};

struct Run {
    i32 row, y, z, plane; // row counts over slices and planes
    i32 first, last;      // columns, inclusive
};

DEVICE Run run_at(const i32 *run_word, const i32 *run_bits, i32 i, const Grid &grid)
{
    Run run;
    const i32 word = run_word[i], bits = run_bits[i];
    run.row = word / grid.words_per_row;
    const i32 column = (word - run.row * grid.words_per_row) * WORD_BITS;
    const i32 slice = run.row / grid.rows;
    run.y = run.row - slice * grid.rows;
    run.plane = slice / grid.slices;
    run.z = slice - run.plane * grid.slices;
    run.first = column + (bits & 255);
    run.last = column + (bits >> 8);
    return run;
}

DEVICE i32 root_of(const i32 *parent, i32 i)
{
    for (i32 above; (above = LOAD_RELAXED(parent + i)) != i; i = above) {}
    return i;
}

// Parents only ever fall, so the root of a set is its smallest member: the first in raster order.
DEVICE void unite(i32 *parent, i32 a, i32 b)
{
    for (;;) {
        a = root_of(parent, a);
        b = root_of(parent, b);
        if (a == b) return;
        if (a < b) {
            const i32 swap = a;
            a = b;
            b = swap;
        }
        const i32 old = atomicMin(parent + a, b);
        if (old == a) return; // a was still a root, and now hangs under b
        a = old;              // somebody was faster: what a hangs under has to meet b
    }
}

// Calls visit(j) for every run j of the row `rows_back` before `run` that overlaps its columns,
// widened by `reach`.
template <class Visit>
DEVICE void for_each_run(const u32 *mask, const u32 *change, const i32 *rank, const Grid &grid,
                         const Run &run, i32 rows_back, i32 reach, Visit visit)
{
    const i32 row = run.row - rows_back;
    const i32 from = run.first - reach < 0 ? 0 : run.first - reach;
    const i32 to = run.last + reach >= grid.columns ? grid.columns - 1 : run.last + reach;
    const i32 in_plane = row * grid.words_per_row - run.plane * grid.words_per_plane;
    for (i32 x = from >> 5; x <= to >> 5; ++x) {
        const i32 word = row * grid.words_per_row + x;
        const u32 bits = mask[word];
        const i32 begin = from > x * WORD_BITS ? from & 31 : 0;
        const i32 end = to < x * WORD_BITS + 31 ? to & 31 : 31;
        u32 rest = bits & window(begin, end);
        if (!rest) continue;
        const u32 heads = heads_of(bits, change ? change[in_plane + x] : 0u);
        while (rest) {
            const i32 bit = __ffs((i32)rest) - 1;
            visit(rank[word] + __popc(heads & window(0, bit)) - 1);
            const i32 last = last_of_run(bits, heads, bit);
            rest &= last < 31 ? ALL_LANES << (last + 1) : 0u;
        }
    }
}

// In the slice: runs of one label that touch, by each cut's own connectivity.
KERNEL LAUNCHED
unite_runs(const u32 *mask, const u32 *change, const i32 *rank, i32 columns, i32 rows, i32 slices,
           i32 words_per_row, i32 words_per_plane, const i32 *connectivity, const i32 *run_word,
           const i32 *run_bits, const i32 *run_label, const i32 *n_runs, i32 capacity, i32 *parent)
{
    const Grid grid = {columns, rows, slices, words_per_row, words_per_plane};
    const i32 n = *n_runs;
    if (n > capacity) return;
    for (i32 i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) {
        const Run run = run_at(run_word, run_bits, i, grid);
        auto join = [=](i32 j) {
            if (run_label[j] == run_label[i]) unite(parent, i, j);
        };
        // A stretch that crosses words goes on as a run of its own.
        if (run.first > 0 && (run.first & 31) == 0 && mask[run_word[i] - 1] >> 31) join(i - 1);
        if (run.y > 0) {
            const i32 reach = connectivity[run.plane] == 8;
            for_each_run(mask, change, rank, grid, run, 1, reach, join);
        }
    }
}

// parent[i] becomes its root; counts[block] = number of roots among its 1024 runs.
KERNEL LAUNCHED
flatten_runs(const i32 *n_runs, i32 capacity, i32 *parent, i32 *counts)
{
    const i32 n = *n_runs <= capacity ? *n_runs : 0;
    i32 count = 0, total;
    for (i32 k = 0; k < PER_THREAD; ++k) {
        const i32 i = blockIdx.x * PER_BLOCK + k * THREADS + threadIdx.x;
        if (i >= n) break;
        const i32 root = root_of(parent, i);
        STORE_RELAXED(parent + i, root);
        count += root == i;
    }
    exclusive_scan(count, &total);
    if (threadIdx.x == 0) counts[blockIdx.x] = total;
}

// Over slices, and at corners within one where `link` holds the diagonals (18, 26).
KERNEL LAUNCHED
unite_islands(const u32 *mask, const u32 *change, const i32 *rank, i32 columns, i32 rows,
              i32 slices, i32 words_per_row, i32 words_per_plane, i32 link, const i32 *run_word,
              const i32 *run_bits, const i32 *run_label, const i32 *island, const i32 *n_runs,
              i32 capacity, i32 *lesion)
{
    const Grid grid = {columns, rows, slices, words_per_row, words_per_plane};
    const i32 n = *n_runs;
    if (n > capacity) return;
    for (i32 i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) {
        const Run run = run_at(run_word, run_bits, i, grid);
        auto join = [=](i32 j) {
            if (run_label[j] == run_label[i]) unite(lesion, island[i], island[j]);
        };
        // The row before, then three rows of the slice before: one call, compiled once.
#pragma unroll 1
        for (i32 step = 0; step < 4; ++step) {
            const i32 y = run.y + (step == 0 ? -1 : step - 2);
            const bool other_row = step != 2;
            if ((other_row && link == 6) || (step > 0 && run.z == 0) || y < 0 || y >= rows) continue;
            const i32 rows_back = (step > 0) * rows + run.y - y;
            const i32 reach = step % 2 == 0 ? link > 6 : link == 26;
            for_each_run(mask, change, rank, grid, run, rows_back, reach, join);
        }
    }
}

// lesion[k] becomes its root: the first island of the lesion.
KERNEL LAUNCHED flatten_lesions(const i32 *n_islands, i32 *lesion)
{
    const i32 n = *n_islands;
    for (i32 k = blockIdx.x * blockDim.x + threadIdx.x; k < n; k += gridDim.x * blockDim.x)
        STORE_RELAXED(lesion + k, root_of(lesion, k));
}

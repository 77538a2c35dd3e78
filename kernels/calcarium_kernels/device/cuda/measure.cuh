// Islands numbered in raster order and measured, one record of 64-bit integers each.
#pragma once
#include "portable.cuh"
#include "unite.cuh"

// Columns of a record; the Python side reads them in this order.
enum Field {
    SLICE, LABEL, AREA, TOTAL, ROW_SUM, COLUMN_SUM, ROW_MIN, ROW_MAX, COLUMN_MIN, COLUMN_MAX,
    PEAK_KEY, FIELDS
};

// Roots become islands 0, 1, ... with an empty record, each a lesion of its own.
// Same division of runs among blocks as flatten_runs, whose counts were scanned.
KERNEL LAUNCHED
number_islands(const i32 *n_runs, i32 capacity, const i32 *counts, const i32 *parent,
               const i32 *run_word, const i32 *run_bits, const i32 *run_label, i32 columns,
               i32 rows, i32 slices, i32 words_per_row, i32 words_per_plane, i32 *island,
               i32 *lesion, i64 *records)
{
    const Grid grid = {columns, rows, slices, words_per_row, words_per_plane};
    const i32 n = *n_runs <= capacity ? *n_runs : 0;
    const i32 first = blockIdx.x * PER_BLOCK + threadIdx.x * PER_THREAD;
    i32 count = 0, total;
    for (i32 k = 0; k < PER_THREAD; ++k) count += first + k < n && parent[first + k] == first + k;
    i32 number = counts[blockIdx.x] + exclusive_scan(count, &total);
    for (i32 i = first; i < first + PER_THREAD && i < n; ++i) {
        if (parent[i] != i) continue;
        const Run run = run_at(run_word, run_bits, i, grid);
        i64 *record = records + (i64)number * FIELDS;
        record[SLICE] = run.plane * slices + run.z;
        record[LABEL] = run_label[i];
        record[AREA] = record[TOTAL] = record[ROW_SUM] = record[COLUMN_SUM] = 0;
        record[ROW_MIN] = record[ROW_MAX] = run.y;
        record[COLUMN_MIN] = run.first;
        record[COLUMN_MAX] = run.last;
        record[PEAK_KEY] = -1;
        lesion[number] = number;
        island[i] = number++;
    }
}

// Every run adds to the record of its island; island[i] is filled in for runs that are no roots.
// A peak key is brightness << 32 | ~place: the largest is the brightest, and the first of equals.
KERNEL LAUNCHED
measure(const u16 *voxels, const u32 *flip, i32 columns, i32 rows, i32 slices, i32 words_per_row,
        i32 words_per_plane, const i32 *run_word, const i32 *run_bits, const i32 *parent,
        const i32 *n_runs, i32 capacity, i32 *island, i64 *records)
{
    const Grid grid = {columns, rows, slices, words_per_row, words_per_plane};
    const i32 n = *n_runs;
    if (n > capacity) return;
    for (i32 i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) {
        const Run run = run_at(run_word, run_bits, i, grid);
        const i64 row = ((i64)run.z * rows + run.y) * words_per_row * WORD_BITS;
        const u16 flip_here = (u16)flip[run.z];
        const u32 place = (u32)run.y * (u32)columns;
        i64 total = 0, peak = -1;
        for (i32 x = run.first; x <= run.last; ++x) {
            const i32 key = (short)(voxels[row + x] ^ flip_here);
            const i64 peak_key = (i64)(key + 32768) << 32 | (u32)~(place + (u32)x);
            total += key;
            peak = peak_key > peak ? peak_key : peak;
        }
        const i64 length = run.last - run.first + 1;
        const i32 number = island[parent[i]];
        if (parent[i] != i) island[i] = number;
        i64 *record = records + (i64)number * FIELDS;
        atomicAdd((u64 *)record + AREA, (u64)length);
        atomicAdd((u64 *)record + TOTAL, (u64)total);
        atomicAdd((u64 *)record + ROW_SUM, (u64)(run.y * length));
        atomicAdd((u64 *)record + COLUMN_SUM, (u64)((run.first + run.last) * length / 2));
        atomicMax(record + ROW_MAX, (i64)run.y);
        atomicMin(record + COLUMN_MIN, (i64)run.first);
        atomicMax(record + COLUMN_MAX, (i64)run.last);
        atomicMax(record + PEAK_KEY, peak);
    }
}

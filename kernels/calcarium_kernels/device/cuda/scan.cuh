// Prefix sums: within a block, and over the sums of blocks.
#pragma once
#include "portable.cuh"

// Sum of `value` over the threads before this one; `total` is that of the block.
// All threads of a block of at most 1024 call it together.
DEVICE i32 exclusive_scan(i32 value, i32 *total)
{
    __shared__ i32 warp_sum[32];
    const i32 thread = threadIdx.x, lane = thread & 31, warp = thread >> 5;
    const i32 warps = (blockDim.x + 31) >> 5;
    i32 sum = value;
#pragma unroll
    for (i32 step = 1; step < 32; step <<= 1) {
        const i32 other = __shfl_up_sync(ALL_LANES, sum, step);
        if (lane >= step) sum += other;
    }
    if (lane == 31) warp_sum[warp] = sum;
    __syncthreads();
    i32 before = 0, all = 0;
    for (i32 w = 0; w < warps; ++w) {
        if (w == warp) before = all;
        all += warp_sum[w];
    }
    __syncthreads(); // warp_sum may be written again
    *total = all;
    return before + sum - value;
}

// counts[b] becomes the sum of the counts before b, *total that of all.  One block.
KERNEL __launch_bounds__(1024) scan_counts(i32 *counts, i32 n, i32 *total)
{
    i32 carry = 0;
    for (i32 base = 0; base < n; base += blockDim.x) {
        const i32 i = base + threadIdx.x;
        i32 sum;
        const i32 before = exclusive_scan(i < n ? counts[i] : 0, &sum);
        if (i < n) counts[i] = carry + before;
        carry += sum;
    }
    if (threadIdx.x == 0) *total = carry;
}

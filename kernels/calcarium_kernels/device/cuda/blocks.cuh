// Sums over in-plane blocks: the coarse grid that a detector works on.
#pragma once
#include "portable.cuh"

// One thread per block of factor x factor voxels.  `flip` makes uint16 signed as in pack.cuh, and
// `bias` gives back what that took.  Block (32, 8), grid (columns, rows, slices) strided.
KERNEL LAUNCHED
sum_blocks(const u16 *voxels, i32 flip, i32 bias, i32 pitch, i32 rows, i32 slices, i32 factor,
           i32 width, i32 height, i32 *sums)
{
    for (i32 z = blockIdx.z; z < slices; z += gridDim.z)
        for (i32 y = blockIdx.y * blockDim.y + threadIdx.y; y < height; y += gridDim.y * blockDim.y)
            for (i32 x = blockIdx.x * 32 + threadIdx.x; x < width; x += gridDim.x * 32) {
                const u16 *corner = voxels + ((i64)z * rows + (i64)y * factor) * pitch + x * factor;
                i32 sum = bias;
                for (i32 dy = 0; dy < factor; ++dy)
                    for (i32 dx = 0; dx < factor; ++dx)
                        sum += (short)(corner[(i64)dy * pitch + dx] ^ (u16)flip);
                sums[((i64)z * height + y) * width + x] = sum;
            }
}

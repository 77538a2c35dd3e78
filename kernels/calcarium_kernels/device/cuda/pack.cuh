// Voxels to bits: the one kernel that reads every voxel.
#pragma once
#include "portable.cuh"

#define CHUNK 8 // voxels in one load of 16 bytes

// `flip` turns stored values into signed keys that grow with brightness, for int16 and uint16
// and for both signs: 0, 0x8000, 0xffff or 0x7fff in each half of the word.
DEVICE void keys_of(uint4 stored, u32 flip, i32 key[CHUNK])
{
    const u32 word[4] = {stored.x ^ flip, stored.y ^ flip, stored.z ^ flip, stored.w ^ flip};
#pragma unroll
    for (int i = 0; i < 4; ++i) {
        key[2 * i] = (i32)(short)(u16)word[i];
        key[2 * i + 1] = (i32)word[i] >> 16;
    }
}

// The sign of `key - limit`, shifted in from the last voxel to the first: two instructions each.
DEVICE u32 bits_at_least(const i32 key[CHUNK], i32 limit)
{
    u32 below = 0;
#pragma unroll
    for (int i = CHUNK - 1; i >= 0; --i) below = __funnelshift_l((u32)(key[i] - limit), below, 1);
    return ~below & 0xffu;
}

// Bit per half word of four that is not 0.
DEVICE u32 halves_not_zero(const u32 word[4])
{
    u32 bits = 0; // first of each pair at 2 i, second at 16 + 2 i
#pragma unroll
    for (int i = 0; i < 4; ++i) {
        const u32 top = (((word[i] & 0x7fff7fffu) + 0x7fff7fffu) | word[i]) & 0x80008000u;
        bits |= top >> (15 - 2 * i);
    }
    return (bits | bits >> 15) & 0xffu;
}

// Bits of the labels that are not 0, and of those that differ from the label to their left.
DEVICE void label_bits(const uint4 *labels, i64 chunk, bool first_of_row, u32 *inside, u32 *change)
{
    const uint4 packed = labels[chunk];
    const u32 before = first_of_row ? 0u : ((const u16 *)labels)[chunk * CHUNK - 1];
    const u32 word[4] = {packed.x, packed.y, packed.z, packed.w};
    const u32 step[4] = {packed.x ^ (packed.x << 16 | before), packed.y ^ (packed.y << 16 | packed.x >> 16),
                         packed.z ^ (packed.z << 16 | packed.y >> 16), packed.w ^ (packed.w << 16 | packed.z >> 16)};
    *inside = halves_not_zero(word);
    *change = halves_not_zero(step);
}

// Block (32, 8): a warp walks a row; grid (rows, slices), strided.  No division.
// With and without labels are two kernels, so that neither carries the other's instructions.
template <bool LABELLED>
DEVICE void pack_box(const uint4 *voxels, const uint4 *labels, const u32 *flip, const i32 *loosest,
                     const i32 *limits, i32 columns, i32 rows, i32 slices, i32 chunks_per_row,
                     i32 cuts, u8 *mask, u8 *change)
{
    const i64 plane = (i64)slices * rows * chunks_per_row;
    for (i32 z = blockIdx.y; z < slices; z += gridDim.y) {
        const u32 flip_here = flip[z];
        const i32 loosest_here = loosest[z];
        for (i32 y = blockIdx.x * blockDim.y + threadIdx.y; y < rows; y += gridDim.x * blockDim.y) {
            const i64 row = ((i64)z * rows + y) * chunks_per_row;
#pragma unroll 1
            for (i32 x = threadIdx.x; x < chunks_per_row; x += 32) {
                const i64 chunk = row + x;
                i32 key[CHUNK];
                keys_of(voxels[chunk], flip_here, key);
                const i32 left = columns - x * CHUNK; // voxels from here to the end of the row
                u32 inside = bits_at_least(key, loosest_here);
                if (left < CHUNK) inside &= left > 0 ? (1u << left) - 1 : 0u;
                if (LABELLED && inside) {
                    u32 labelled, changed;
                    label_bits(labels, chunk, x == 0, &labelled, &changed);
                    inside &= labelled;
                    change[chunk] = (u8)changed;
                }
                i32 cut = 0;
#pragma unroll 1
                do {
                    u32 bits = 0;
                    if (inside) bits = inside & bits_at_least(key, limits[cut * slices + z]);
                    mask[cut * plane + chunk] = (u8)bits;
                } while (++cut < cuts);
            }
        }
    }
}

// mask[cut]: bit per voxel that is at least `limits[cut][z]`.  At least one cut.
KERNEL LAUNCHED
pack(const uint4 *voxels, const u32 *flip, const i32 *loosest, const i32 *limits, i32 columns,
     i32 rows, i32 slices, i32 chunks_per_row, i32 cuts, u8 *mask)
{
    pack_box<false>(voxels, nullptr, flip, loosest, limits, columns, rows, slices, chunks_per_row,
                    cuts, mask, nullptr);
}

// The same where a label is not 0.  change: bit per voxel where a run must break, written where
// a voxel passes `loosest[z]`; elsewhere it is never looked at.
KERNEL LAUNCHED
pack_labelled(const uint4 *voxels, const uint4 *labels, const u32 *flip, const i32 *loosest,
              const i32 *limits, i32 columns, i32 rows, i32 slices, i32 chunks_per_row, i32 cuts,
              u8 *mask, u8 *change)
{
    pack_box<true>(voxels, labels, flip, loosest, limits, columns, rows, slices, chunks_per_row,
                   cuts, mask, change);
}

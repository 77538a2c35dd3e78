// What differs between compilers: nothing but the two relaxed accesses.
#pragma once

typedef unsigned char u8;
typedef unsigned short u16;
typedef int i32;
typedef unsigned int u32;
typedef long long i64;
typedef unsigned long long u64;

#define KERNEL extern "C" __global__ void
#define DEVICE static __device__ __forceinline__

// One access to memory that other threads change meanwhile: never cached in a register.
// A host shim defines its own, to change threads there.
#ifndef LOAD_RELAXED
#define LOAD_RELAXED(p) (*(const volatile i32 *)(p))
#define STORE_RELAXED(p, v) (*(volatile i32 *)(p) = (v))
#endif

#define ALL_LANES 0xffffffffu
#define WORD_BITS 32
// A block of 256 threads serves 1024 words or runs, four to a thread.
#define THREADS 256
#define PER_THREAD 4
#define PER_BLOCK (THREADS * PER_THREAD)
// Four blocks to a multiprocessor: enough registers that none is spilled.
#define LAUNCHED __launch_bounds__(THREADS, 4)

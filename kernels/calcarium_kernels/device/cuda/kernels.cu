// All kernels of the device backend, in the order in which they run.
//
// One source for NVRTC (through CuPy), nvcc, and a C++ compiler with a host shim (tests).
// Rules that make it checkable where there is no GPU:
//   * integers only; results do not depend on the schedule;
//   * no block waits for another one within a kernel;
//   * every word that two threads touch at once goes through an atomic or a RELAXED access.
//
// A *plane* is one cut's bits over the whole box: planes lie behind each other, so that one
// launch serves all cuts.  A row of voxels is padded to words of 32.  A *run* is a stretch of
// foreground of one label within one word.

#include "portable.cuh"
#include "pack.cuh"
#include "scan.cuh"
#include "runs.cuh"
#include "unite.cuh"
#include "measure.cuh"
#include "blocks.cuh"
